"""Softmax down columns, products along an axis, and elements written along a dimension."""

from typing import Any

import numpy as np
import pytest

from minigrad.kernels import gather
from minigrad.kernels.accumulation import products, softmax_columns

Array = np.ndarray[Any, Any]

SHAPES = [(7, 9), (3, 5, 8), (1, 300, 257), (2, 3, 4, 5), (1, 0, 8)]


def reference(x: Array, axis: int) -> Array:
    wide = x.astype(np.float64)
    e = np.exp(wide - wide.max(axis, keepdims=True, initial=-1e30))
    return np.asarray(e / e.sum(axis, keepdims=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_softmax_along_an_axis_that_is_not_the_last(shape: tuple[int, ...], dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, g = (10 * rng.standard_normal(shape).astype(dtype) for _ in range(2))
    axis, within = len(shape) - 2, 1e-6 if dtype is np.float32 else 1e-14
    out, wide = softmax_columns.softmax(x, axis), reference(x, axis)
    assert out.dtype == dtype
    assert np.allclose(out, wide, rtol=10 * within, atol=within)
    logarithm = softmax_columns.softmax(x, axis, logarithm=True)
    with np.errstate(divide="ignore"):
        exact = np.log(wide)
    near = exact > -80
    assert np.allclose(logarithm[near], exact[near], rtol=10 * within, atol=10 * within)
    slope = wide * (g - (g * wide).sum(axis, keepdims=True))
    assert np.allclose(softmax_columns.softmax_backward(g, out, axis), slope, atol=100 * within)
    slope = g - wide * g.sum(axis, keepdims=True, dtype=np.float64)
    found = softmax_columns.softmax_backward(g, logarithm, axis, logarithm=True)
    assert np.allclose(found, slope, atol=1000 * within)


def test_softmax_of_columns_with_infinities_and_nan() -> None:
    x = np.zeros((3, 8), np.float32)
    x[:, 0], x[1, 1], x[1, 2], x[1, 3] = -np.inf, -np.inf, np.inf, np.nan
    with np.errstate(invalid="ignore"):
        found = softmax_columns.softmax(x, 0)
    assert np.isnan(found[:, 0]).all()
    assert np.isnan(found[:, 3]).all()
    assert found[:, 1].tolist() == [0.5, 0, 0.5]
    assert np.isnan(found[:, 2]).all()
    assert np.allclose(found[:, 4:], 1 / 3)


@pytest.mark.parametrize("shape", [(10_000,), (3, 5000), (50, 7, 11), (1, 130, 40), (4, 3, 0, 2)])
def test_products_are_those_of_float64(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    x = np.exp(rng.normal(0, 0.05, shape)).astype(np.float32)
    x *= rng.choice([-1, 1], shape).astype(np.float32)
    for axis in (None, *range(len(shape))):
        exact = np.prod(x.astype(np.float64), axis=axis)
        found = products.product(x, axis)
        assert found.dtype == np.float32
        assert found.shape == exact.shape
        assert np.allclose(found, exact, rtol=1e-6)


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_of_several_values_for_an_element_the_last_stays(dim: int) -> None:
    rng = np.random.default_rng(2)
    shape = [6, 9, 11]
    out, expected = (np.zeros(shape, np.float32) for _ in range(2))
    shape[dim] = 40
    index = rng.integers(0, out.shape[dim], shape)
    values = rng.standard_normal(shape).astype(np.float32)
    for at in np.ndindex(*shape):  # in order along every dimension
        place = list(at)
        place[dim] = index[at]
        expected[tuple(place)] = values[at]
    gather.put_along(out, index, values, dim)
    assert np.array_equal(out, expected)
