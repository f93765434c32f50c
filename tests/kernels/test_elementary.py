"""Functions of float32 that are computed in double precision: their errors, and special values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad.kernels.elementary import angles, halves, powers, remainders
from minigrad.kernels.elementary.loops import LEAST

Array = np.ndarray[Any, Any]

SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -3.0, 1e-45, -1e-45, 1e-30, 3e38, -3e38, np.inf, -np.inf,
     np.nan, 1e6, -1e6, 1e10, 88.7, -88.8, 127.5, -149.0, 8.0, 100.0, 1000.0, 2.5, 1 - 2.0**-24],
    np.float32,
)  # fmt: skip

# By function: its form in NumPy, and the range that most arguments are drawn from.
OF_ONE = {
    angles.tan: (np.tan, -2000, 2000),
    angles.atan: (np.arctan, -50, 50),
    angles.asin: (np.arcsin, -1, 1),
    angles.acos: (np.arccos, -1, 1),
    powers.log2: (np.log2, 0, 1000),
    powers.log10: (np.log10, 0, 1000),
    powers.exp2: (np.exp2, -150, 128),
    powers.sinh: (np.sinh, -88, 88),
    powers.cosh: (np.cosh, -88, 88),
    powers.asinh: (np.arcsinh, -1000, 1000),
    powers.acosh: (np.arccosh, 1, 1000),
    powers.atanh: (np.arctanh, -1, 1),
}
OF_TWO = {
    angles.atan2: (np.arctan2, -10, 10),
    powers.pow: (np.power, -3, 60),
    powers.hypot: (np.hypot, -10, 10),
    powers.logaddexp: (np.logaddexp, -50, 50),
    remainders.fmod: (np.fmod, -100, 100),
    remainders.remainder: (np.remainder, -100, 100),
    remainders.floor_divide: (np.floor_divide, -100, 100),
}
EXACT = remainders.fmod, remainders.remainder, remainders.floor_divide  # as NumPy's float32


def drawn(low: float, high: float, seed: int) -> Array:
    """Numbers of a range, and others of all sizes, near 0 and near 1 too."""
    rng = np.random.default_rng(seed)
    part = 4 * LEAST
    sizes = np.exp(rng.uniform(-80, 80, part)) * rng.choice([-1.0, 1.0], part)
    near_one = rng.choice([-1.0, 1.0], part) + rng.standard_normal(part) * 1e-3
    return np.concatenate([rng.uniform(low, high, part), sizes, near_one]).astype(np.float32)


def ulps(found: Array, exact: Array) -> Array:
    """The distances in units of the last place of float32, 0 where both are the same nan or inf."""
    rounded = exact.astype(np.float32)
    same = (found == rounded) | (np.isnan(found) & np.isnan(rounded))
    unit = np.spacing(np.abs(np.where(np.isfinite(rounded), rounded, 1))).astype(np.float64)
    return np.where(same & ~np.isfinite(found), 0, np.abs(found - exact) / unit)


def bits(x: Array) -> Array:
    """The bits, with one nan for all."""
    return np.where(np.isnan(x), np.float32(np.nan), x).view(np.uint32)


def assert_close(found: Array, exact: Array) -> None:
    """Assert that zeros, infinities and nan have equal bits, and others are within 0.51 ulp."""
    expected = exact.astype(np.float32)
    is_special = (expected == 0) | ~np.isfinite(expected)
    assert np.array_equal(bits(found)[is_special], bits(expected)[is_special])
    assert ulps(found, exact).max() <= 0.51


@pytest.mark.parametrize("function", OF_ONE, ids=lambda f: OF_ONE[f][0].__name__)
def test_a_function_of_one_number_is_rounded_once(function: Callable[[Array], Array]) -> None:
    reference, low, high = OF_ONE[function]
    x = drawn(low, high, 1)
    with np.errstate(all="ignore"):
        exact = reference(x.astype(np.float64))
        found = function(x)
        assert found.dtype == np.float32
        assert_close(found, exact)


@pytest.mark.parametrize("function", OF_TWO, ids=lambda f: OF_TWO[f][0].__name__)
def test_a_function_of_two_numbers_is_rounded_once(
    function: Callable[[Any, Any], Array],
) -> None:
    reference, low, high = OF_TWO[function]
    x, y = drawn(low, high, 2), np.random.default_rng(9).permutation(drawn(low, high, 3))
    with np.errstate(all="ignore"):
        found = function(x, y)
        if function in EXACT:
            assert np.array_equal(bits(found), bits(reference(x, y)))
        else:
            assert_close(found, reference(x.astype(np.float64), y.astype(np.float64)))


@pytest.mark.parametrize("function", OF_ONE, ids=lambda f: OF_ONE[f][0].__name__)
def test_special_numbers_have_numpys_results(function: Callable[[Array], Array]) -> None:
    reference = OF_ONE[function][0]
    x = np.resize(SPECIAL, LEAST + 13)
    with np.errstate(all="ignore"):
        assert_close(function(x), reference(x.astype(np.float64)))


@pytest.mark.parametrize("function", OF_TWO, ids=lambda f: OF_TWO[f][0].__name__)
def test_pairs_of_special_numbers_have_numpys_results(
    function: Callable[[Any, Any], Array],
) -> None:
    reference = OF_TWO[function][0]
    x, y = (part.ravel() for part in np.meshgrid(SPECIAL, SPECIAL))
    x, y = np.resize(x, LEAST + 13), np.resize(y, LEAST + 13)
    is_exact = function in EXACT
    kind = np.float32 if is_exact else np.float64  # of the reference
    with np.errstate(all="ignore"):
        assert_close(function(x, y), reference(x.astype(kind), y.astype(kind)))
        for number in (2.5, -0.3, 3, 0.0, -1.0):
            exact = reference(x.astype(kind), kind(np.float32(number)))
            assert_close(function(x, number), exact)


def test_every_float16_is_widened_exactly() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    found = halves.cast(every)
    assert np.array_equal(found, every.astype(np.float32), equal_nan=True)
    assert np.array_equal(np.signbit(found), np.signbit(every))


def test_float32_is_rounded_to_the_nearest_float16() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = np.sort(every[np.isfinite(every)]).astype(np.float64)
    middles = ((finite[1:] + finite[:-1]) / 2).astype(np.float32)
    beside = [np.nextafter(middles, np.float32(side)) for side in (-np.inf, np.inf)]
    edges = np.float32([65519.9, 65520, 65536, 1e38, np.inf, np.nan, 0, 1e-45, 2.0**-25, 3e-8])
    x = np.concatenate([middles, *beside, edges, -edges, drawn(-70000, 70000, 4)])
    with np.errstate(all="ignore"):
        expected = x.astype(np.float16)
    found = halves.cast(x)
    assert np.array_equal(found, expected, equal_nan=True)
    is_number = ~np.isnan(x)
    assert np.array_equal(np.signbit(found)[is_number], np.signbit(expected)[is_number])
