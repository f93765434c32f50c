"""Saving, loading, copying and pickling an optimizer."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.tensor.creation import from_numpy
from tests.support.optim.table import parameters


def test_named_parameters_are_matched_by_name():
    rng = np.random.default_rng(10)
    a, b = parameters([np.ones(3), np.ones((2, 2))])
    saved = optim.Adam([("a", a), ("b", b)], lr=0.5)
    a.grad, b.grad = from_numpy(rng.standard_normal(3)), from_numpy(rng.standard_normal((2, 2)))
    saved.step()
    loaded = optim.Adam([("b", b), ("a", a)])
    loaded.load_state_dict(saved.state_dict())
    assert loaded.param_groups[0]["param_names"] == ["b", "a"]
    assert loaded.param_groups[0]["lr"] == 0.5
    for p in (a, b):
        np.testing.assert_array_equal(
            loaded.state[p]["exp_avg"].numpy(), saved.state[p]["exp_avg"].numpy()
        )


def test_loaded_state_is_a_copy_in_the_parameters_dtype():
    (p,) = parameters([np.ones(2, np.float32)])
    optimizer = optim.SGD([p], momentum=0.9)
    state = optimizer.state_dict()
    given = np.ones(2)
    state["state"] = {0: {"momentum_buffer": given}}
    optimizer.load_state_dict(state)
    p.grad = from_numpy(np.ones(2, np.float32))
    optimizer.step()
    assert given.tolist() == [1.0, 1.0]
    assert optimizer.state[p]["momentum_buffer"].dtype == mg.float32


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_an_optimizer_can_be_copied_and_pickled(duplicate):
    (p,) = parameters([np.ones(2)])
    p.grad = from_numpy(np.ones(2))
    optimizer = optim.Adam([p], lr=0.1)
    optimizer.step()
    twin = duplicate(optimizer)
    (q,) = twin.param_groups[0]["params"]
    assert q is not p
    for o, parameter in ((optimizer, p), (twin, q)):
        parameter.grad = from_numpy(np.array([0.5, -2.0]))
        o.step()
    np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())
    assert twin.state[q]["step"].item() == 2
