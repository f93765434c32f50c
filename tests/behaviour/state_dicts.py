"""state_dict and load_state_dict of modules."""

import copy
from collections import OrderedDict

import pytest

DIFFERENT = {
    "check_what_fits_is_loaded_before_the_error": (
        "`load_state_dict` of a module with a state that does not fit"
    ),
}


def net(torch):
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))


def check_a_state_shares_memory_with_the_module(torch):
    layer = torch.nn.Linear(2, 1)
    layer.state_dict()["weight"].fill_(7)
    assert layer.weight.sum().item() == 14


def check_a_state_is_detached_unless_variables_are_kept(torch):
    layer = torch.nn.Linear(2, 1)
    assert not layer.state_dict()["weight"].requires_grad
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight


def check_a_state_is_an_ordered_dict_with_versions(torch):
    state = net(torch).state_dict()
    assert isinstance(state, OrderedDict)
    assert state._metadata == OrderedDict(
        {"": {"version": 1}, "0": {"version": 1}, "1": {"version": 2}}
    )


def check_versions_of_a_prefixed_state_are_at_its_path(torch):
    state = torch.nn.Linear(1, 1).state_dict(prefix="net.a.")
    assert list(state) == ["net.a.weight", "net.a.bias"]
    assert list(state._metadata) == ["net.a"]


def check_versions_survive_a_copy_of_the_state(torch):
    state = net(torch).state_dict()
    assert copy.deepcopy(state)._metadata == state._metadata


def check_a_destination_is_filled_and_returned(torch):
    destination = OrderedDict()
    assert torch.nn.Linear(1, 1).state_dict(destination=destination) is destination
    assert list(destination) == ["weight", "bias"]


def check_state_dict_takes_its_arguments_by_position(torch):
    destination = OrderedDict()
    with pytest.warns(FutureWarning, match="Positional args are being deprecated"):
        state = torch.nn.Linear(1, 1).state_dict(destination, "a.", True)
    assert state is destination
    assert state["a.weight"].requires_grad


def check_a_class_version_is_seen_by_its_loader(torch):
    seen = []

    class Second(torch.nn.Linear):
        _version = 2

        def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
            seen.append(local_metadata.get("version"))
            super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    layer = Second(1, 1)
    layer.load_state_dict(layer.state_dict())
    layer.load_state_dict(dict(layer.state_dict()))
    assert seen == [2, None]


def check_an_overridden_loader_renames_keys(torch):
    class Renamed(torch.nn.Linear):
        def _load_from_state_dict(self, state_dict, prefix, *rest):
            if prefix + "w" in state_dict:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
            super()._load_from_state_dict(state_dict, prefix, *rest)

    model = torch.nn.Sequential(Renamed(2, 1))
    given = {"0.w": torch.ones(1, 2), "0.bias": torch.zeros(1)}
    assert str(model.load_state_dict(given)) == "<All keys matched successfully>"
    assert model[0].weight.sum().item() == 2
    assert list(given) == ["0.w", "0.bias"]


def check_an_overridden_loader_reads_and_drops_a_key(torch):
    class WithScale(torch.nn.Linear):
        scale = None

        def _load_from_state_dict(self, state_dict, prefix, *rest):
            super()._load_from_state_dict(state_dict, prefix, *rest)
            self.scale = state_dict[prefix + "scale"]
            _meta, _strict, _missing, unexpected, _errors = rest
            if prefix + "scale" in unexpected:
                unexpected.remove(prefix + "scale")

    layer = WithScale(1, 1)
    layer.load_state_dict({**layer.state_dict(), "scale": torch.tensor(3.0)})
    assert layer.scale.item() == 3


def check_an_overridden_loader_reports_errors(torch):
    class Strict(torch.nn.Linear):
        def _load_from_state_dict(
            self, state_dict, prefix, meta, strict, missing, unexpected, errors
        ):
            errors.append(f"{prefix}refused")

    model = torch.nn.Sequential(Strict(1, 1))
    with pytest.raises(RuntimeError, match="refused"):
        model.load_state_dict(model.state_dict())


def check_an_overridden_saver_adds_a_key(torch):
    class WithCount(torch.nn.Linear):
        def _save_to_state_dict(self, destination, prefix, keep_vars):
            super()._save_to_state_dict(destination, prefix, keep_vars)
            destination[prefix + "count"] = torch.tensor(5)

    state = torch.nn.Sequential(WithCount(1, 1)).state_dict()
    assert list(state) == ["0.weight", "0.bias", "0.count"]


def check_an_overridden_state_dict_of_a_child_is_called(torch):
    class Wrapped(torch.nn.Linear):
        def state_dict(self, *args, **kwargs):
            state = super().state_dict(*args, **kwargs)
            state[kwargs["prefix"] + "extra"] = torch.ones(1)
            return state

    assert "0.extra" in torch.nn.Sequential(Wrapped(1, 1)).state_dict()


def check_extra_state_is_saved_and_loaded(torch):
    class Counting(torch.nn.Module):
        count = 3

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    model = torch.nn.Sequential(Counting())
    state = model.state_dict()
    assert state == {"0._extra_state": {"count": 3}}
    model[0].count = 0
    model.load_state_dict(state)
    assert model[0].count == 3


def check_missing_extra_state_is_a_missing_key(torch):
    class Counting(torch.nn.Module):
        def get_extra_state(self):
            return 1

        def set_extra_state(self, state):
            pass

    with pytest.raises(RuntimeError, match=r'Missing key.*"_extra_state"'):
        Counting().load_state_dict({})


def check_extra_state_for_a_module_without_is_unexpected(torch):
    layer = torch.nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"_extra_state"'):
        layer.load_state_dict({**layer.state_dict(), "_extra_state": 1})


def check_extra_state_without_a_setter_is_an_error(torch):
    class Half(torch.nn.Module):
        def get_extra_state(self):
            return 1

    model = Half()
    with pytest.raises(RuntimeError):
        model.load_state_dict(model.state_dict())


def check_missing_and_unexpected_keys_are_named(torch):
    model = net(torch)
    state = model.state_dict()
    del state["0.bias"]
    state["0.b"] = torch.ones(1)
    with pytest.raises(RuntimeError, match=r"Error\(s\) in loading state_dict for Sequential"):
        model.load_state_dict(state)
    result = model.load_state_dict(state, strict=False)
    assert result.missing_keys == ["0.bias"]
    assert result.unexpected_keys == ["0.b"]
    missing, unexpected = result
    assert (missing, unexpected) == (["0.bias"], ["0.b"])


def check_shapes_that_differ_are_named_even_if_not_strict(torch):
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        torch.nn.Linear(1, 1).load_state_dict({"weight": torch.ones(2, 2)}, strict=False)


def check_a_state_must_be_a_mapping(torch):
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        torch.nn.Linear(1, 1).load_state_dict([("weight", torch.ones(1, 1))])


def check_a_key_that_is_no_tensor_is_an_error(torch):
    layer = torch.nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match="Tensor-like object from checkpoint but received"):
        layer.load_state_dict({"weight": [1.0], "bias": torch.ones(1)})


def check_loading_copies_and_casts(torch):
    layer = torch.nn.Linear(2, 1, bias=False)
    weight = layer.weight
    given = torch.ones(1, 2, dtype=torch.float64)
    layer.load_state_dict({"weight": given})
    given.fill_(9)
    assert layer.weight is weight
    assert weight.dtype == torch.float32
    assert weight.sum().item() == 2


def check_assign_puts_the_tensors_in_place(torch):
    layer = torch.nn.Linear(2, 1, bias=False)
    given = torch.ones(1, 2, dtype=torch.float64)
    layer.load_state_dict({"weight": given}, assign=True)
    assert isinstance(layer.weight, torch.nn.Parameter)
    assert layer.weight.dtype == torch.float64
    assert layer.weight.requires_grad
    given.fill_(9)
    assert layer.weight.sum().item() == 18


def check_assign_puts_buffers_in_place(torch):
    norm = torch.nn.BatchNorm1d(2)
    state = {k: v.clone() for k, v in norm.state_dict().items()}
    norm.load_state_dict(state, assign=True)
    assert norm.running_mean is state["running_mean"]


def check_one_element_is_loaded_into_a_scalar(torch):
    norm = torch.nn.BatchNorm1d(2)
    state = {**norm.state_dict(), "num_batches_tracked": torch.tensor([5])}
    norm.load_state_dict(state)
    assert norm.num_batches_tracked.shape == ()
    assert norm.num_batches_tracked.item() == 5


def check_a_parameter_of_one_element_loads_a_scalar_only_the_other_way(torch):
    module = torch.nn.Module()
    module.scale = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(RuntimeError, match="size mismatch"):
        module.load_state_dict({"scale": torch.tensor(2.0)})


def check_old_batch_norm_states_have_no_count(torch):
    norm = torch.nn.BatchNorm1d(2)
    norm.num_batches_tracked.fill_(4)
    state = dict(norm.state_dict())
    del state["num_batches_tracked"]
    assert norm.load_state_dict(state).missing_keys == []
    assert norm.num_batches_tracked.item() == 4


def check_new_batch_norm_states_need_their_count(torch):
    norm = torch.nn.BatchNorm1d(2)
    state = norm.state_dict()
    del state["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        norm.load_state_dict(state)


def check_state_dict_pre_hooks_see_prefix_and_keep_vars(torch):
    seen = []
    model = net(torch)
    model[0].register_state_dict_pre_hook(
        lambda m, prefix, keep_vars: seen.append((prefix, keep_vars))
    )
    model.state_dict()
    assert seen == [("0.", False)]


def check_state_dict_post_hooks_change_the_state(torch):
    model = net(torch)

    def rename(module, state, prefix, local_metadata):
        state[prefix + "w"] = state.pop(prefix + "weight")
        local_metadata["renamed"] = True

    handle = model[0].register_state_dict_post_hook(rename)
    state = model.state_dict()
    assert "0.w" in state
    assert "0.weight" not in state
    assert state._metadata["0"]["renamed"]
    handle.remove()
    assert "0.weight" in model.state_dict()


def check_private_state_dict_hooks_may_replace_the_state(torch):
    layer = torch.nn.Linear(1, 1)
    layer._register_state_dict_hook(lambda module, state, prefix, meta: OrderedDict(only=1))
    assert layer.state_dict() == {"only": 1}


def check_load_pre_hooks_change_a_copy_of_the_state(torch):
    model = net(torch)

    def rename(module, state, prefix, meta, strict, missing, unexpected, errors):
        state[prefix + "weight"] = state.pop(prefix + "w")

    model[0].register_load_state_dict_pre_hook(rename)
    state = model.state_dict()
    state["0.w"] = state.pop("0.weight")
    model.load_state_dict(state)
    assert "0.w" in state


def check_private_load_pre_hooks_have_no_module(torch):
    seen = []
    layer = torch.nn.Linear(1, 1)
    layer._register_load_state_dict_pre_hook(lambda *args: seen.append(len(args)))
    layer._register_load_state_dict_pre_hook(lambda *args: seen.append(len(args)), with_module=True)
    layer.load_state_dict(layer.state_dict())
    assert seen == [7, 8]


def check_load_post_hooks_forgive_keys(torch):
    layer = torch.nn.Linear(1, 1)

    def forgive(module, incompatible):
        incompatible.missing_keys.clear()

    layer.register_load_state_dict_post_hook(forgive)
    assert layer.load_state_dict({"weight": torch.ones(1, 1)}).missing_keys == []


def check_load_post_hooks_run_after_the_values_are_there(torch):
    seen = []
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.register_load_state_dict_post_hook(lambda m, keys: seen.append(m.weight.item()))
    layer.load_state_dict({"weight": torch.full((1, 1), 3.0)})
    assert seen == [3]


def check_load_post_hooks_return_nothing(torch):
    layer = torch.nn.Linear(1, 1)
    layer.register_load_state_dict_post_hook(lambda m, keys: keys)
    with pytest.raises(AssertionError, match="not expected to return new values"):
        layer.load_state_dict(layer.state_dict())


def check_none_members_are_neither_saved_nor_expected(torch):
    layer = torch.nn.Linear(2, 1, bias=False)
    assert list(layer.state_dict()) == ["weight"]
    norm = torch.nn.BatchNorm1d(2, affine=False, track_running_stats=False)
    assert list(norm.state_dict()) == []


def check_loading_goes_on_with_the_optimizer(torch):
    layer = torch.nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    layer.load_state_dict({"weight": torch.zeros(1, 1)})
    layer(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    assert layer.weight.item() == -1


def check_loading_is_not_recorded(torch):
    layer = torch.nn.Linear(1, 1)
    layer.load_state_dict({k: v * 2 for k, v in layer.state_dict(keep_vars=True).items()})
    assert layer.weight.is_leaf
    assert layer.weight.grad_fn is None


def check_what_fits_is_loaded_before_the_error(torch):
    layer = torch.nn.Linear(1, 1)
    with pytest.raises(RuntimeError, match="Missing key"):
        layer.load_state_dict({"weight": torch.full((1, 1), 9.0)})
    assert layer.weight.item() == 9
