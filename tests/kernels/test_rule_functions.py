"""The functions of one element that the kernels of update rules call."""

import numpy as np
import pytest
from numba import njit

from minigrad.kernels.fused_optimizer.device_functions import cube_root, from_ordered, ordered

DTYPES = (np.float32, np.float64)


@njit
def cube_roots(out, x):
    for i in range(x.size):
        out[i] = cube_root(x[i])


@njit
def largest(x, start):
    most = ordered(start)
    for i in range(x.size):
        most = max(most, ordered(x[i]))
    return from_ordered(most)


@pytest.mark.parametrize("dtype", DTYPES)
def test_cube_roots_are_within_two_units_of_the_last_place(dtype):
    limits = np.finfo(dtype)
    exponents = np.linspace(float(limits.minexp - limits.nmant), float(limits.maxexp - 1), 20_001)
    x = np.exp2(exponents.astype(np.longdouble)).astype(dtype)
    found, exact = np.empty_like(x), np.cbrt(x.astype(np.longdouble))
    cube_roots(found, x)
    assert np.max(np.abs(found - exact) / np.spacing(exact.astype(dtype))) < 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_cube_roots_of_what_is_not_positive(dtype):
    x = np.array([0.0, -0.0, np.inf, np.nan, -1.0, -np.inf], dtype)
    found = np.empty_like(x)
    cube_roots(found, x)
    np.testing.assert_array_equal(found, np.array([0, 0, np.inf, np.nan, np.nan, np.nan], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "values",
    [
        [1.0, -2.0, 5.0, -7.0],
        [-3.0, -2.5, -1e30],
        [-0.0, -1.0],
        [np.inf, 1.0],
        [-np.inf],
        [1.0, np.nan, np.inf],
        [2.0, -np.nan],
        [],
    ],
)
def test_the_largest_number_is_numpys(values, dtype):
    found = largest(np.array(values, dtype), dtype(-np.inf))
    assert np.array_equal(found, np.max([-np.inf, *values]), equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_functions_compute_the_same_where_kernels_are_not_compiled(dtype):
    x = np.array([-np.inf, -1.5, -0.0, 0.0, 3e-40, 2.5, np.inf, np.nan], dtype)
    for value in x:
        np.testing.assert_array_equal(from_ordered(ordered(value)), value)
    assert ordered(dtype(largest(x, dtype(0)))) == max(map(ordered, x))
