"""Saving and loading of states, map_location, mmap, and files that are none."""

import copy
import io
import os
import pickle
import tempfile
import warnings

import numpy as np
import pytest

DIFFERENT = {
    "check_an_empty_file_is_an_eof_error": "`load` of an empty file",
    "check_an_object_of_another_class_is_an_unpickling_error": (
        "`load` of what is neither tensors nor plain values"
    ),
    "check_weights_only_false_reads_objects_of_any_class": (
        "`load` of what is neither tensors nor plain values"
    ),
    "check_the_name_pt_is_no_reason_to_warn": "`save`",
    "check_bfloat16_comes_back": "`load` of bfloat16, 8-bit floats, uint16, uint32, uint64",
    "check_a_slice_takes_the_room_of_its_storage": (
        "`save` of a slice or of every other element of a tensor"
    ),
}


def through_a_file(torch, obj, **options):
    file = io.BytesIO()
    torch.save(obj, file)
    file.seek(0)
    return torch.load(file, **options)


def network(torch):
    layers = torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)
    return torch.nn.Sequential(*layers)


def check_a_state_dict_comes_back_in_order(torch):
    state = network(torch).state_dict()
    found = through_a_file(torch, state)
    assert type(found) is type(state)
    assert list(found) == list(state)
    assert all(torch.equal(found[name], state[name]) for name in state)


def check_a_state_dict_keeps_its_metadata(torch):
    state = network(torch).state_dict()
    found = through_a_file(torch, state)
    assert found._metadata == state._metadata
    assert found._metadata["1"]["version"] == 2


def check_a_loaded_state_dict_goes_into_a_module(torch):
    one, other = network(torch), network(torch)
    other.load_state_dict(through_a_file(torch, one.state_dict()))
    assert all(map(torch.equal, one.parameters(), other.parameters()))


def check_a_loaded_state_dict_goes_in_by_assignment(torch):
    one, other = network(torch), network(torch)
    other.load_state_dict(through_a_file(torch, one.state_dict()), assign=True)
    assert all(type(p) is torch.nn.Parameter and p.requires_grad for p in other.parameters())
    assert all(map(torch.equal, one.parameters(), other.parameters()))


def check_tied_weights_stay_tied(torch):
    model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    model[1].weight = model[0].weight
    found = through_a_file(torch, model.state_dict())
    found["0.weight"].zero_()
    assert found["1.weight"].abs().sum() == 0


def check_a_list_of_parameters_comes_back(torch):
    model = network(torch)
    found = through_a_file(torch, list(model.parameters()))
    assert [tuple(p.shape) for p in found] == [tuple(p.shape) for p in model.parameters()]
    assert all(type(p) is torch.nn.Parameter for p in found)


def stepped(torch, kind, **options):
    model = torch.nn.Linear(3, 2)
    optimizer = getattr(torch.optim, kind)(model.parameters(), **options)
    for _ in range(3):
        model(torch.ones(4, 3)).square().sum().backward()
        optimizer.step()
    return optimizer


def check_an_adam_in_the_middle_comes_back(torch):
    state = stepped(torch, "Adam", lr=0.1, amsgrad=True).state_dict()
    found = through_a_file(torch, state)
    assert list(found) == ["state", "param_groups"]
    assert list(found["state"]) == [0, 1]
    assert found["param_groups"] == state["param_groups"]
    assert found["state"][0]["step"] == 3
    for name, value in state["state"][0].items():
        assert torch.equal(found["state"][0][name], value)


def check_tuples_among_settings_stay_tuples(torch):
    found = through_a_file(torch, stepped(torch, "Adam").state_dict())
    assert found["param_groups"][0]["betas"] == (0.9, 0.999)


def check_a_momentum_that_is_none_comes_back(torch):
    state = stepped(torch, "SGD", lr=0.1).state_dict()
    assert through_a_file(torch, state)["param_groups"] == state["param_groups"]


def check_a_scheduler_with_milestones_resumes(torch):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2, 2], 0.5)
    other = torch.optim.lr_scheduler.MultiStepLR(optimizer, [9], 0.5)
    other.load_state_dict(through_a_file(torch, scheduler.state_dict()))
    for _ in range(2):
        optimizer.step()
        other.step()
    assert other.get_last_lr() == [0.125]


def check_every_scheduler_s_state_comes_back(torch):
    schedules = torch.optim.lr_scheduler
    arguments = {
        "StepLR": (2,), "ExponentialLR": (0.9,), "CosineAnnealingLR": (8,), "PolynomialLR": (6,),
        "CyclicLR": (0.01, 0.1), "OneCycleLR": (0.5, 10), "ReduceLROnPlateau": (),
        "LambdaLR": (lambda epoch: 0.9**epoch,), "CosineAnnealingWarmRestarts": (3,),
    }  # fmt: skip
    for name, given in arguments.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0, momentum=0.9)
        state = getattr(schedules, name)(optimizer, *given).state_dict()
        assert through_a_file(torch, state) == state, name


def check_a_one_cycle_state_has_phases_that_are_dicts(torch):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0, momentum=0.9)
    state = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, 10).state_dict()
    assert state["_schedule_phases"][0] == {
        "end_step": 2.0, "start_lr": "initial_lr", "end_lr": "max_lr",
        "start_momentum": "max_momentum", "end_momentum": "base_momentum",
    }  # fmt: skip


def check_a_generator_s_state_comes_back(torch):
    torch.manual_seed(3)
    state = through_a_file(torch, torch.get_rng_state())
    first = torch.randn(4)
    torch.set_rng_state(state)
    assert torch.equal(torch.randn(4), first)


def check_a_nested_checkpoint_comes_back(torch):
    given = {"epoch": 3, "best": {"loss": 0.5, "weights": [torch.ones(2)]}, "log": [(1, 0.9)]}
    found = through_a_file(torch, given)
    assert found["best"]["weights"][0].tolist() == [1, 1]
    assert (found["epoch"], found["best"]["loss"], found["log"]) == (3, 0.5, [(1, 0.9)])


def check_map_location_takes_the_name_of_the_cpu(torch):
    assert through_a_file(torch, torch.ones(1), map_location="cpu").item() == 1


def check_map_location_takes_a_device(torch):
    assert through_a_file(torch, torch.ones(1), map_location=torch.device("cpu")).item() == 1


def check_map_location_takes_a_mapping(torch):
    assert through_a_file(torch, torch.ones(1), map_location={"cuda:0": "cpu"}).item() == 1


def check_map_location_takes_a_function(torch):
    seen = []

    def place(storage, location):
        seen.append(location)
        return storage

    assert through_a_file(torch, [torch.ones(1), torch.ones(2)], map_location=place)[0].item() == 1
    assert seen == ["cpu", "cpu"]


def check_map_location_by_position(torch):
    file = io.BytesIO()
    torch.save(torch.ones(1), file)
    file.seek(0)
    assert torch.load(file, "cpu").item() == 1


def check_map_location_elsewhere_is_refused(torch):
    with pytest.raises(RuntimeError):
        through_a_file(torch, torch.ones(1), map_location="cuda:0")


def check_weights_only_reads_states(torch):
    for weights_only in (True, False, None):
        assert through_a_file(torch, {"a": 1}, weights_only=weights_only) == {"a": 1}


def check_mmap_reads_a_path(torch):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a")
        torch.save({"a": torch.arange(1000.0), "b": torch.ones(3, dtype=torch.bool)}, path)
        found = torch.load(path, mmap=True)
        assert found["a"].sum() == 499500
        found["a"].zero_()
        assert torch.load(path)["a"].sum() == 499500


def check_mmap_of_a_file_object_is_refused(torch):
    with pytest.raises(ValueError, match="f must be a file path"):
        through_a_file(torch, torch.ones(1), mmap=True)


def check_a_truncated_file_is_refused(torch):
    file = io.BytesIO()
    torch.save({"a": torch.ones(1000)}, file)
    with pytest.raises((RuntimeError, ValueError)):
        torch.load(io.BytesIO(file.getvalue()[:-500]))


def check_a_page_of_the_web_is_refused(torch):
    with pytest.raises((pickle.UnpicklingError, ValueError)):
        torch.load(io.BytesIO(b"<!DOCTYPE html><html></html>"))


def check_a_pickle_that_calls_is_refused(torch):
    with pytest.raises((pickle.UnpicklingError, ValueError)):
        torch.load(io.BytesIO(b"\x80\x02cos\nsystem\nX\x04\0\0\0echo\x85R."))


def check_one_memory_as_two_types_is_not_saved(torch):
    memory = np.zeros(4, np.float32)
    pair = [torch.from_numpy(memory), torch.from_numpy(memory.view(np.int32))]
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        torch.save(pair, io.BytesIO())


def check_an_object_that_cannot_be_saved_is_an_error(torch):
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        torch.save({"f": lambda: 0}, io.BytesIO())


def check_saving_changes_nothing(torch):
    x = torch.ones(3, requires_grad=True)
    before = x._version
    torch.save({"x": x}, io.BytesIO())
    assert x._version == before
    assert x.requires_grad


def check_what_was_loaded_can_be_saved_again(torch):
    x = torch.arange(6.0)
    again = through_a_file(torch, through_a_file(torch, [x, x[2:]]))
    again[1].zero_()
    assert again[0].tolist() == [0, 1, 0, 0, 0, 0]


def check_what_was_loaded_can_be_copied(torch):
    x = torch.arange(6.0)
    found = copy.deepcopy(through_a_file(torch, {"a": x, "b": x[2:]}))
    assert found["b"].tolist() == [2, 3, 4, 5]


def check_an_empty_file_is_an_eof_error(torch):
    with pytest.raises(EOFError):
        torch.load(io.BytesIO())


def check_an_object_of_another_class_is_an_unpickling_error(torch):
    with pytest.raises(pickle.UnpicklingError):
        torch.load(io.BytesIO(b"\x80\x02cbuiltins\nrange\nK\x03\x85R."))


def check_weights_only_false_reads_objects_of_any_class(torch):
    assert through_a_file(torch, range(3), weights_only=False) == range(3)


def check_the_name_pt_is_no_reason_to_warn(torch):
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.save(torch.ones(1), os.path.join(folder, "a.pt"))


def check_bfloat16_comes_back(torch):
    given = torch.ones(2, dtype=torch.bfloat16)
    assert through_a_file(torch, given).dtype == torch.bfloat16


def check_a_slice_takes_the_room_of_its_storage(torch):
    file = io.BytesIO()
    torch.save(torch.zeros(10_000)[5:7], file)
    assert len(file.getvalue()) > 40_000
