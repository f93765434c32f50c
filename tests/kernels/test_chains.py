"""Chains of tasks against the same kernels over whole arrays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels.pointwise import elementwise
from minigrad.kernels.pooling import max_pool
from minigrad.kernels.replay.chains import BlockCall, can_be_cut, grains_of
from minigrad.kernels.replay.task_list import flat
from tests.support.replayed_tasks import run_chain, scattered_and_masked
from tests.support.threads import using_threads

DTYPES = (np.float32, np.float64)


def drawn(shape, dtype, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 700), st.sampled_from(DTYPES), st.sampled_from([4, 64, 1000, 10**6]),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_a_chain_has_the_bits_of_its_calls_in_turn(size, dtype, block, in_place, keeps_sum):
    a, b, c = (drawn(size, dtype, seed) for seed in range(3))
    total, out = np.add(a, b), np.empty_like(a)
    expected = elementwise.mul(elementwise.gelu(total), c)
    sums, curves, products = (np.empty_like(a) for _ in range(3))
    calls = [
        BlockCall(np.add, (flat(a), flat(b), flat(sums))),
        BlockCall(elementwise._gelu.kernel, (0, flat(curves), flat(sums))),
        BlockCall(elementwise._mul.kernel, (0, flat(products), flat(curves), flat(c))),
    ]
    inner = [curves, products] if keeps_sum else [sums, curves, products]
    run_chain(calls, inner, {id(products): b if in_place else out}, block)
    assert (b if in_place else out).tobytes() == expected.tobytes()
    assert not keeps_sum or sums.tobytes() == total.tobytes()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 3, 2), (64, 7, 9), (600, 12, 12)])
def test_planes_are_scattered_and_masked_in_place(shape, dtype, threads):
    g = drawn(shape, dtype, 0)
    out = np.maximum(drawn((shape[0], 2 * shape[1], 2 * shape[2]), dtype, 1), 0)
    indices = np.random.default_rng(2).integers(0, out[0].size, shape)
    scattered = max_pool.max_pool2d_backward(g, indices, out.shape)
    expected = elementwise.relu_backward(scattered, out)
    with using_threads(threads):
        scattered_and_masked(g, indices, out, 4096)
    assert out.tobytes() == expected.tobytes()


def test_pieces_that_are_too_large_for_a_cache_are_no_chain():
    small, large = np.empty((64, 16)), np.empty((2, 64, 300))
    assert can_be_cut([BlockCall(np.negative, (flat(small), flat(small)))])
    assert (
        grains_of([BlockCall(np.negative, (small, small)), BlockCall(np.exp, (flat(small),))]) == 64
    )
    assert not can_be_cut([BlockCall(np.negative, (large, large))])
