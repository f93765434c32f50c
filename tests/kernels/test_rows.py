"""Kernels over rows against PyTorch and NumPy: reversed, cut to triangles, chosen, accumulated.

The functions of tensors take them for arrays of some size only; here they get every size.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.kernels.accumulation import logsumexp, running_extremes, running_products
from minigrad.kernels.compiler import kernel as build
from minigrad.kernels.rearrange import rows
from minigrad.kernels.selection import largest

DTYPES = (np.float32, np.float64, np.int64)
shapes = st.lists(st.integers(0, 19), min_size=2, max_size=3).map(tuple)


def drawn(shape, dtype=np.float32, seed=0):
    return (9 * np.random.default_rng(seed).standard_normal(shape)).astype(dtype)


@settings(max_examples=40, deadline=None)
@given(shapes, st.sampled_from(DTYPES), st.integers(-20, 20))
def test_copies_are_numpys(shape, dtype, diagonal):
    x = drawn(shape, dtype)
    for given_array in (x, np.asfortranarray(x), np.flip(x)):
        assert np.array_equal(rows.reverse_rows(given_array), given_array[..., ::-1])
        lower = rows.triangle(given_array, diagonal, is_lower=True)
        assert np.array_equal(lower, np.tril(given_array, diagonal))
        upper = rows.triangle(given_array, diagonal, is_lower=False)
        assert np.array_equal(upper, np.triu(given_array, diagonal))


def test_a_triangle_leaves_infinite_elements_out():
    x = np.full((70, 90), np.inf, np.float32)
    assert np.array_equal(rows.triangle(x, 0, is_lower=True), np.tril(x))
    assert np.array_equal(mg.from_numpy(x).triu(3).numpy(), np.triu(x, 3))
    flipped = mg.arange(6300).reshape(70, 90).flip(0, 1).numpy()
    assert np.array_equal(flipped.ravel(), np.arange(6300)[::-1])


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(0, 9), st.integers(1, 40)), st.integers(1, 8), st.booleans(),
    st.sampled_from([None, np.nan, np.inf, -np.inf]), st.integers(0, 99),
)  # fmt: skip
def test_the_few_largest_are_those_of_a_stable_sort(shape, k, is_largest, special, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-4, 5, shape).astype(np.float32)  # many are equal
    if special is not None:
        x[rng.random(shape) < 0.2] = special
    k = min(k, shape[1])
    found = largest.first_in_order(x, k, 1, is_largest)
    order = np.argsort(-x if is_largest else x, axis=1, kind="stable")
    if is_largest:  # nan comes first
        order = np.array(
            [
                sorted(o, key=lambda i, r=r: not np.isnan(r[i]))
                for o, r in zip(order, x, strict=True)
            ]
        )
        order = order.reshape(shape)
    assert np.array_equal(found, order[:, :k])


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("is_largest", [True, False])
def test_topk_of_many(dim, is_largest):
    x = drawn((40, 50, 30))
    right = torch.topk(torch.from_numpy(x), 5, dim, largest=is_largest)
    found = mg.topk(mg.from_numpy(x), 5, dim, largest=is_largest)
    assert np.array_equal(found.values.numpy(), right.values.numpy())
    assert np.array_equal(found.indices.numpy(), right.indices.numpy())


@settings(max_examples=40, deadline=None)
@given(shapes, st.sampled_from(DTYPES[:2]), st.data())
def test_running_products_are_numpys(shape, dtype, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    x = drawn(shape, dtype) / 9
    right = np.cumprod(x, axis, dtype=np.float64).astype(dtype)
    assert np.array_equal(running_products.running_products(x, axis), right)


@settings(max_examples=40, deadline=None)
@given(
    shapes, st.sampled_from(DTYPES[:2]), st.booleans(), st.sampled_from([None, np.nan, np.inf]),
    st.data(),
)  # fmt: skip
def test_running_extremes_are_torchs(shape, dtype, is_largest, special, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    x = np.round(drawn(shape, dtype) / 4)  # many are equal
    if special is not None:
        x[drawn(shape, seed=1) < -9] = special
    run = torch.cummax if is_largest else torch.cummin
    right = run(torch.from_numpy(x), axis).indices.numpy()
    assert np.array_equal(running_extremes.running_extremes(x, axis, is_largest), right)


def test_running_extremes_of_many():
    x = drawn((40, 60))
    for name, dim in (("cummax", 0), ("cummin", 1)):
        right = getattr(torch.from_numpy(x), name)(dim)
        found = getattr(mg.from_numpy(x), name)(dim)
        assert np.array_equal(found.values.numpy(), right.values.numpy())
        assert np.array_equal(found.indices.numpy(), right.indices.numpy())


@pytest.mark.parametrize("dtype", DTYPES[:2])
@pytest.mark.parametrize("dim", [0, 1, (0, 2), (0, 1, 2)])
def test_logarithms_of_sums_of_many(dim, dtype):
    x = drawn((7, 90, 11), dtype)
    x[0] = -np.inf
    x[1, 1] = np.inf
    x[2, 2] = np.nan
    for keepdim in (False, True):
        right = torch.logsumexp(torch.from_numpy(x), dim, keepdim).numpy()
        found = mg.logsumexp(mg.from_numpy(x), dim, keepdim).numpy()
        assert found.shape == right.shape
        np.testing.assert_allclose(found, right, rtol=1e-6)


def test_logarithms_of_sums_of_special_rows():
    for special in (np.inf, -np.inf, np.nan, 1e4, -1e4):
        x = np.full((3, 1025), special, np.float32)
        x[1, 7] = 0
        right = torch.logsumexp(torch.from_numpy(x), 1).numpy()
        np.testing.assert_allclose(logsumexp.logsumexp(x), right, rtol=1e-6)
    assert np.array_equal(logsumexp.logsumexp(np.empty((2, 0))), [-np.inf] * 2)


def test_bit_identical_for_any_number_of_threads():
    x, before, results = drawn((301, 600)), build.get_num_threads(), set()
    try:
        for threads in {1, before}:
            build.set_num_threads(threads)
            found = [
                rows.reverse_rows(x), rows.triangle(x, 5, is_lower=True),
                largest.first_in_order(x, 4, 1, largest=True),
                running_products.running_products(x, 0), running_products.running_products(x, 1),
                logsumexp.logsumexp(x), running_extremes.running_extremes(x, 0, largest=True),
            ]  # fmt: skip
            results.add(b"".join(np.ascontiguousarray(a).tobytes() for a in found))
    finally:
        build.set_num_threads(before)
    assert len(results) == 1
