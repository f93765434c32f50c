"""Gradient clipping compared with torch."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from minigrad.nn import utils
from minigrad.tensor.creation import from_numpy
from tests.support.optim.table import parameters, random_arrays, set_gradients, torch_parameters

orders = st.sampled_from([1, 2, 2.0, 3.5, math.inf, "inf"])


def both(seed, dtype="float64"):
    rng = np.random.default_rng(seed)
    shapes = [(3, 4), (7,), (), (2, 3, 2)]
    start, gradients = (random_arrays(rng, dtype, shapes) for _ in range(2))
    gradients[1] = None
    mine, theirs = parameters(start), torch_parameters(start)
    set_gradients(mine, gradients)
    set_gradients(theirs, gradients)
    return mine, theirs


def assert_same_gradients(mine, theirs):
    for p, q in zip(mine, theirs, strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-12)


@given(st.integers(0, 2**32), st.floats(0, 10), orders)
def test_norms_are_clipped_as_in_torch(seed, most, order):
    mine, theirs = both(seed)
    versions = [p.grad._version for p in mine if p.grad is not None]
    found = utils.clip_grad_norm_(mine, most, order)
    expected = torch.nn.utils.clip_grad_norm_(theirs, most, order, foreach=False)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    assert_same_gradients(mine, theirs)
    assert [p.grad._version - 1 for p in mine if p.grad is not None] == versions


@given(st.integers(0, 2**32), st.floats(0, 2))
def test_values_are_clipped_as_in_torch(seed, bound):
    mine, theirs = both(seed)
    utils.clip_grad_value_(mine, bound)
    torch.nn.utils.clip_grad_value_(theirs, bound)
    assert_same_gradients(mine, theirs)


def test_the_two_halves_of_clipping_make_the_whole():
    one, other = both(0)[0], both(0)[0]
    utils.clip_grad_norm_(one, 0.5)
    total = utils.get_total_norm([p.grad for p in other if p.grad is not None])
    utils.clip_grads_with_norm_(other, 0.5, total)
    for p, q in zip(one, other, strict=True):
        if p.grad is not None:
            np.testing.assert_array_equal(p.grad.numpy(), q.grad.numpy())


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_norm_that_is_not_finite(bad):
    mine, theirs = both(1)
    mine[0].grad[0, 0], theirs[0].grad[0, 0] = bad, bad
    before = mine[0].grad.numpy().copy()
    with pytest.raises(RuntimeError, match=r"order 2\.0 .* is non-finite"):
        utils.clip_grad_norm_(mine, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(mine[0].grad.numpy(), before)
    utils.clip_grad_norm_(mine, 1.0)
    torch.nn.utils.clip_grad_norm_(theirs, 1.0, foreach=False)
    assert_same_gradients(mine, theirs)


def test_one_tensor_a_generator_and_nothing_at_all():
    (p,) = parameters([np.zeros(2)])
    assert utils.clip_grad_norm_(p, 1.0).item() == 0.0
    p.grad = from_numpy(np.array([3.0, 4.0]))
    assert utils.clip_grad_norm_((q for q in [p]), 1.0).item() == 5.0
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8], rtol=1e-6)
