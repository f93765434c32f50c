"""Schedule-free optimizers keep two points: one for gradients, and the mean."""

import copy

import numpy as np
import pytest

from minigrad import optim
from tests.support.optim.table import numbers, parameters, set_gradients

both = pytest.mark.parametrize("cls", [optim.SGDScheduleFree, optim.AdamWScheduleFree])


def trained(cls, steps=6):
    rng = np.random.default_rng(0)
    params = parameters([rng.standard_normal(5), rng.standard_normal((2, 3))])
    optimizer, points = cls(params, lr=0.1), [[p.detach().numpy().copy()] for p in params]
    for _ in range(steps):
        set_gradients(params, [rng.standard_normal(p.shape) for p in params])
        optimizer.step()
        for p, seen in zip(params, points, strict=True):
            seen.append(optimizer.state[p]["z"].numpy().copy())
    return optimizer, params, points


@both
def test_evaluation_takes_the_mean_of_all_places_and_training_returns(cls):
    optimizer, params, points = trained(cls)
    before = numbers(params)
    versions = [p._version for p in params]
    optimizer.eval()
    optimizer.eval()  # already there
    for p, seen in zip(params, points, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), np.mean(seen[1:], axis=0), rtol=1e-12)
    assert [p._version - 1 for p in params] == versions
    optimizer.train()
    for a, b in zip(numbers(params), before, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@both
def test_a_step_in_evaluation_is_refused_and_the_mode_is_saved(cls):
    optimizer, params, _ = trained(cls)
    optimizer.eval()
    with pytest.raises(RuntimeError, match=r"call train\(\) before a step"):
        optimizer.step()
    other = cls(parameters(numbers(params)))
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    with pytest.raises(RuntimeError, match="evaluation mode"):
        other.step()
    for o in (optimizer, other):
        o.train()
    for a, b in zip(numbers(params), numbers(other.param_groups[0]["params"]), strict=True):
        np.testing.assert_array_equal(a, b)
