"""state_dict and load_state_dict: keys, errors and hooks, compared with torch."""

import re
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from tests.support.torch_twin import to_mg


def net(lib=mg):
    m = lib.nn
    return m.Sequential(OrderedDict(fc=m.Linear(3, 2), bn=m.BatchNorm1d(2), end=m.Linear(2, 1)))


def numbers(state):
    return {key: value.tolist() for key, value in state.items()}


def test_the_state_shares_memory_and_is_detached():
    layer = nn.Linear(2, 1)
    state = layer.state_dict()
    assert isinstance(state, OrderedDict)
    assert not state["weight"].requires_grad
    with mg.no_grad():
        layer.weight.fill_(3)
    assert state["weight"].tolist() == [[3.0, 3.0]]
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight


def test_a_round_trip_through_torchs_names():
    theirs = net(torch)
    theirs(torch.randn(5, 3))
    ours = net()
    weight = ours.fc.weight
    result = ours.load_state_dict({k: to_mg(v) for k, v in theirs.state_dict().items()})
    assert str(result) == "<All keys matched successfully>"
    assert numbers(ours.state_dict()) == numbers(theirs.state_dict())
    assert ours.fc.weight is weight


def test_errors_list_everything_as_torch_does_and_change_nothing():
    ours, theirs = net(), net(torch)
    before = numbers(ours.state_dict())
    messages = []
    for module, lib in ((ours, mg), (theirs, torch)):
        state = OrderedDict((key, value * 0 + 7) for key, value in module.state_dict().items())
        state["fc.weight"] = lib.zeros(4, 3)
        state["end.bias"] = "text"
        del state["bn.bias"], state["fc.bias"]
        state["extra"] = state["fc.more"] = lib.zeros(1)
        with pytest.raises(RuntimeError) as error:
            module.load_state_dict(state)
        text = re.sub(r"torch.Size\((.*?)\)", r"\1", str(error.value))
        messages.append(text.replace("torch.Tensor", "minigrad.Tensor"))
    assert messages[0] == messages[1]
    assert numbers(ours.state_dict()) == before


# torch lets num_batches_tracked be missing from states as old as its version 0.4
KEYS = [key for key in net().state_dict() if not key.endswith("tracked")]


@given(st.sets(st.sampled_from(KEYS)), st.sets(st.text("xyz", min_size=1)))
def test_not_strict_reports_and_loads_the_rest(missing, unexpected):
    ours, theirs = net(), net(torch)
    results = []
    for module, lib in ((ours, mg), (theirs, torch)):
        state = {k: v * 0 + 3 for k, v in module.state_dict().items() if k not in missing}
        state.update({key: lib.zeros(1) for key in sorted(unexpected)})
        results.append(module.load_state_dict(state, strict=False))
    assert results[0].missing_keys == results[1].missing_keys
    assert results[0].unexpected_keys == results[1].unexpected_keys
    assert str(results[0]).replace("Incompatible", "") == str(results[1]).replace(
        "_Incompatible", ""
    ).replace("Incompatible", "")
    assert all(bool((v == 3).all()) for k, v in ours.state_dict().items() if k not in missing)


def test_assign_puts_the_tensors_in():
    layer = nn.Linear(2, 1)
    layer.weight.requires_grad_(False)
    given_state = {"weight": mg.ones(1, 2).double(), "bias": nn.Parameter(mg.zeros(1))}
    layer.load_state_dict(given_state, assign=True)
    assert layer.weight.dtype is mg.float64
    assert isinstance(layer.weight, nn.Parameter)
    assert not layer.weight.requires_grad
    assert layer.bias is given_state["bias"]
    assert np.shares_memory(layer.weight.numpy(), given_state["weight"].numpy())


def test_loading_casts_to_the_modules_dtype():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": mg.ones(1, 2).double(), "bias": mg.tensor([2])})
    assert layer.weight.dtype is mg.float32
    assert layer.bias.tolist() == [2.0]


def test_hooks_see_and_change_the_state():
    for lib in (mg, torch):
        module, log = net(lib), []
        module.fc.register_state_dict_pre_hook(lambda m, prefix, keep, log=log: log.append(prefix))

        def without_bias(m, state, prefix, meta):
            del state[prefix + "bias"]

        module.fc.register_state_dict_post_hook(without_bias)
        state = module.state_dict()
        assert log == ["fc."]
        assert "fc.bias" not in state

        def rename(m, state, prefix, meta, strict, missing, unexpected, errors):
            state[prefix + "bias"] = state.pop(prefix + "old")

        module.fc.register_load_state_dict_pre_hook(rename)
        state["fc.old"] = lib.ones(2) * 5
        module.load_state_dict(state)
        assert module.fc.bias.tolist() == [5.0, 5.0]
        assert "fc.old" in state

        module.end.register_load_state_dict_post_hook(
            lambda m, keys: keys.missing_keys.remove("end.bias")
        )
        del state["end.bias"]
        module.load_state_dict(state)


def test_a_state_dict_post_hook_must_return_nothing():
    layer = nn.ReLU()
    layer.register_state_dict_post_hook(lambda m, state, prefix, meta: state)
    with pytest.raises(RuntimeError, match="must return None"):
        layer.state_dict()


def test_extra_state():
    for lib in (mg, torch):

        class Counting(lib.nn.Module):
            count = 0

            def get_extra_state(self):
                return {"count": self.count}

            def set_extra_state(self, state):
                self.count = state["count"]

        source, target = lib.nn.Sequential(Counting()), lib.nn.Sequential(Counting())
        source[0].count = 4
        state = source.state_dict()
        assert state == {"0._extra_state": {"count": 4}}
        target.load_state_dict(state)
        assert target[0].count == 4
        with pytest.raises(RuntimeError, match="Missing key"):
            target.load_state_dict({})


def test_a_containers_own_kind_of_key():
    lists = nn.ParameterList([mg.ones(2), mg.zeros(1)])
    dicts = nn.ParameterDict({"a": mg.ones(2), "b": mg.zeros(1)})
    assert list(lists.state_dict()) == ["0", "1"]
    assert list(dicts.state_dict()) == ["a", "b"]
