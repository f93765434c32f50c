"""Functions of one element that the kernels of rules call, so written that LLVM vectorises loops.

A maximum is taken of integers in the numbers' order: with numbers a NaN would need a comparison of
its own, and the loop would go element by element.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

_REALS = {types.float32: np.float32, types.float64: np.float64}
_INTEGERS: dict[Any, Any] = {np.float32: np.int32, np.float64: np.int64}


def cube_root(x: float) -> float:
    """The cube root of x >= 0, within 2 ulp; NaN for other numbers."""
    return float(np.power(x, 1 / 3))


def ordered(x: Any) -> Any:
    """An integer of x's size that is larger for larger numbers, and largest for NaN."""
    return _ordered_in(type(x))(x)


def from_ordered(x: Any) -> Any:
    """The number that `ordered` was given."""
    return _from_ordered_in(type(x))(x)


def _cube_root_in(real: Any) -> Callable[[Any], Any]:
    """Halley's iteration from a guess that divides the exponent by three."""
    is_single = real is np.float32
    integer = _INTEGERS[real]
    # The upper 32 bits hold the exponent: integers of that size convert to floats in vectors.
    shift = 0 if is_single else 32
    # Two thirds of the exponent's offset, less what makes the guess nearest on the whole.
    offset = real(709_921_077 if is_single else 715_094_163)
    third = real(1 / 3)
    zero, two, eighth, most = real(0), real(2), real(0.125), real(np.inf)
    # Subnormal numbers are scaled up by a cube, others down, so that no term overflows.
    small, up, down = real(np.finfo(real).tiny * 8), real(2.0**60), real(2.0**-20)
    steps = 2 if is_single else 3
    nothing = real(np.nan)

    def root(x: Any) -> Any:
        is_small = x < small
        scaled = x * (up if is_small else eighth)
        bits = np.int32(real(scaled).view(integer) >> shift)
        guess = np.int32(real(bits) * third + offset)
        y = integer(integer(guess) << shift).view(real)
        for _ in range(steps):
            cube = y * y * y
            y = y - y * ((cube - scaled) / (two * cube + scaled))
        y = y * (down if is_small else two)
        return (y if x < most else x) if x > zero else (x if x == zero else nothing)

    return root


def _ordered_in(real: Any) -> Callable[[Any], Any]:
    integer = _INTEGERS[real]
    sign, most = integer(8 * integer().itemsize - 1), integer(np.iinfo(integer).max)
    nothing = real(np.nan)

    def order(x: Any) -> Any:
        bits = real(nothing if np.isnan(x) else x).view(integer)
        return integer(bits ^ integer(integer(bits >> sign) & most))

    return order


def _from_ordered_in(integer: Any) -> Callable[[Any], Any]:
    real = np.float32 if integer is np.int32 else np.float64
    sign, most = integer(8 * integer().itemsize - 1), integer(np.iinfo(integer).max)

    def number(x: Any) -> Any:
        return integer(x ^ integer(integer(x >> sign) & most)).view(real)

    return number


def _provide(
    function: Callable[..., Any], kinds: dict[Any, Any], make: Callable[[Any], Callable[..., Any]]
) -> None:
    """Register a function's implementation for each type; it is made when a kernel needs it."""
    implementation = cache(lambda kind: make(kinds[kind]))

    # "contract" alone: a caller's "reassoc" would apply to the terms of an iteration.
    @overload(function, jit_options={"fastmath": {"contract"}, "error_model": "numpy"})
    def choose(x: Any) -> Any:
        return implementation(x) if x in kinds else None


_provide(cube_root, _REALS, _cube_root_in)
_provide(ordered, _REALS, _ordered_in)
_provide(from_ordered, {types.int32: np.int32, types.int64: np.int64}, _from_ordered_in)
