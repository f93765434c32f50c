"""Sums over axes against NumPy in long double."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels.compiler import kernel
from minigrad.kernels.reduction import reduce

SHAPES = [
    (kernel.GRAIN_SIZE,),
    (3 * reduce.BLOCK * 4 + 5,),
    (2, 5 * reduce.BLOCK),
    (3, 5 * reduce.BLOCK + 1),
    (reduce.ROWS * 9 + 1, 67),
    (4, 1, 16, 23, 29),
    (1, kernel.GRAIN_SIZE + 1, 1),
    (0, 70_000),
]


def assert_accurate(x: np.ndarray[Any, Any], axes: tuple[int, ...], keepdims: bool) -> None:
    ours = reduce.sum(x, axes, keepdims)
    exact = x.astype(np.longdouble).sum(axis=axes, keepdims=keepdims)
    assert ours.dtype == x.dtype
    assert ours.shape == exact.shape
    scale = np.abs(x).astype(np.longdouble).sum(axis=axes, keepdims=keepdims)
    # Half a unit for the final rounding, as much for each of 20 additions at most that a number
    # meets in its own type, however many there are, and a little for the float64 sums.
    unit = np.finfo(x.dtype).eps
    bound = 0.51 * unit * np.abs(exact) + (10 * unit + 200 * np.finfo(np.float64).eps) * scale
    assert (np.abs(ours - exact) <= bound).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_set_of_axes_of_large_arrays(shape: tuple[int, ...], dtype: Any) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    for count in range(1, len(shape) + 1):
        for axes in itertools.combinations(range(len(shape)), count):
            if x.size >= kernel.GRAIN_SIZE and len(reduce._grouped(shape, axes)[0]) <= 3:
                assert_accurate(x, axes, keepdims=count % 2 == 0)


@given(
    shape=st.lists(st.integers(0, 7), max_size=4).map(tuple),
    keepdims=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64, np.int64, np.bool_]),
    step=st.sampled_from([-1, 1]),
    data=st.data(),
)
@settings(deadline=None)
def test_small_arrays_as_numpy(
    shape: tuple[int, ...], keepdims: bool, dtype: Any, step: int, data: st.DataObject
) -> None:
    x = np.random.default_rng(1).integers(0, 2, shape).astype(dtype)
    x = x[::step] if shape else x
    axes = tuple(data.draw(st.sets(st.sampled_from(range(len(shape))))) if shape else ())
    ours, expected = reduce.sum(x, axes, keepdims), np.asarray(x.sum(axis=axes, keepdims=keepdims))
    assert isinstance(ours, np.ndarray)
    assert ours.dtype == expected.dtype
    np.testing.assert_array_equal(ours, expected)


def test_large_strided_arrays() -> None:
    x = np.random.default_rng(2).standard_normal((300, 400))
    for view in (x.T, x[::-1], x[:, ::3], np.broadcast_to(x[:, :1], (300, 400))):
        np.testing.assert_allclose(reduce.sum(view, (0,)), view.copy().sum(axis=0), rtol=1e-11)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_nan_and_infinity_are_kept(value: float, axes: tuple[int, ...]) -> None:
    x = np.ones((200, 300), np.float32)
    x[17, 23] = value
    np.testing.assert_array_equal(reduce.sum(x, axes), x.sum(axis=axes))


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 2), (0, 1, 2)])
def test_bit_identical_on_one_thread_and_two(axes: tuple[int, ...]) -> None:
    x = np.random.default_rng(3).standard_normal((37, 41, 53)).astype(np.float32)
    results, before = [], kernel.get_num_threads()
    try:
        for threads in (1, before):
            kernel.set_num_threads(threads)
            results.append(reduce.sum(x, axes))
    finally:
        kernel.set_num_threads(before)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("shape", [*SHAPES[:-1], (5,), (1, 1), (7, 1, 5), (2, 200, 31)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_variance_beside_a_large_mean(shape: tuple[int, ...], dtype: Any) -> None:
    x = (1000 + np.random.default_rng(4).standard_normal(shape)).astype(dtype)
    for count in range(1, len(shape) + 1):
        for axes in itertools.combinations(range(len(shape)), count):
            divisor = float(np.prod([shape[axis] for axis in axes]))
            ours = reduce.variance(x, axes, divisor, keepdims=count % 2 == 0)
            exact = x.astype(np.longdouble).var(axis=axes, keepdims=count % 2 == 0)
            assert ours.dtype == dtype
            assert ours.shape == exact.shape
            tolerance = 3e-6 if dtype == np.float32 else 1e-10
            np.testing.assert_allclose(ours, exact.astype(np.float64), tolerance, tolerance)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1)])
def test_variance_is_bit_identical_on_one_thread_and_two(axes: tuple[int, ...]) -> None:
    x = np.random.default_rng(5).standard_normal((307, 411)).astype(np.float32)
    results, before = [], kernel.get_num_threads()
    try:
        for threads in (1, before):
            kernel.set_num_threads(threads)
            results.append(reduce.variance(x, axes, 9.0))
    finally:
        kernel.set_num_threads(before)
    np.testing.assert_array_equal(*results)
