"""Scalar functions that kernels call inside their loops, written so that the loop vectorises.

`math.exp` is a library call per element and keeps a loop scalar; these are arithmetic alone, in the
type of their argument, and within 2 ulp of the exact value.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload

# The types that kernels are compiled for.
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def like(x: float, value: float) -> float:
    """`value` in x's type: a bare constant would turn float32 arithmetic into float64."""
    return type(x)(value)


def exp(x: float) -> float:
    """e**x; NaN, infinities and subnormals as C's."""
    return math.exp(x)


def tanh(x: float) -> float:
    """The hyperbolic tangent, accurate also near 0."""
    return math.tanh(x)


def sigmoid(x: float) -> float:
    """1 / (1 + e**-x), accurate also where it is tiny."""
    return 1 / (1 + math.exp(-x))


class _Format(NamedTuple):
    """What the functions below need to know of a floating-point format."""

    real: Any
    integer: Any
    mantissa: int  # bits stored
    degree: int  # of the Taylor series of e**r that reaches the format's precision
    split: int  # bits of ln 2's leading part, few enough that n times it is exact


_FLOAT32 = _Format(np.float32, np.int32, mantissa=23, degree=7, split=12)
_FLOAT64 = _Format(np.float64, np.int64, mantissa=52, degree=13, split=32)

# "contract" is stated, because otherwise a caller's "reassoc" would undo the rounding below.
_OPTIONS: Any = {"fastmath": {"contract"}, "error_model": "numpy"}


def _scale_in(f: _Format) -> Callable[..., Any]:
    """2**n for an integral float n within the range of exponents."""
    real, integer, shift = f.real, f.integer, f.mantissa
    rounder = real(1.5 * 2.0**f.mantissa)
    offset = integer(np.finfo(real).maxexp - 1) - integer(rounder.view(integer))

    @njit(**_OPTIONS)
    def scale(n: Any) -> Any:
        return integer(integer(real(n + rounder).view(integer) + offset) << shift).view(real)

    return scale  # type: ignore[no-any-return]


def _split_in(f: _Format) -> Callable[..., Any]:
    """x = n ln 2 + r with |r| <= ln 2 / 2 and (e**r - 1) / r by its Taylor series: n, r, series."""
    real = f.real
    # Adding 1.5 * 2**mantissa rounds to an integer.
    rounder = real(1.5 * 2.0**f.mantissa)
    per_ln2 = real(1 / math.log(2))
    ln2_lead = real(math.floor(math.log(2) * 2**f.split) / 2**f.split)
    # math.log(2) falls short of ln 2 by the constant.
    ln2_rest = real((math.log(2) - float(ln2_lead)) + 2.3190468138462996e-17)
    series = tuple(real(1 / math.factorial(k)) for k in range(f.degree, 0, -1))

    @njit(**_OPTIONS)
    def split(x: Any) -> Any:
        n = (x * per_ln2 + rounder) - rounder
        r = (x - n * ln2_lead) - n * ln2_rest
        p = series[0]
        for c in series[1:]:
            p = p * r + c
        return n, r, p

    return split  # type: ignore[no-any-return]


def _exp_in(f: _Format) -> Callable[..., Any]:
    real = f.real
    split, scale = _split_in(f), _scale_in(f)
    lowest = real(np.log(np.finfo(real).smallest_subnormal) - 1)
    highest = real(np.log(np.finfo(real).max) + 1)
    rounder = real(1.5 * 2.0**f.mantissa)
    half, one = real(0.5), real(1)

    def exp(x: Any) -> Any:
        # In this order a NaN passes through both comparisons.
        n, r, p = split(lowest if x < lowest else (highest if x > highest else x))
        # 2**n in two factors: alone it would overflow or vanish where the product does not.
        left = (n * half + rounder) - rounder
        return (p * r + one) * scale(left) * scale(n - left)

    return exp


def _tanh_in(f: _Format) -> Callable[..., Any]:
    real = f.real
    split, scale = _split_in(f), _scale_in(f)
    one, two, flat = real(1), real(2), real(44)  # tanh(22) rounds to 1 in both formats

    def tanh(x: Any) -> Any:
        twice = two * abs(x)
        n, r, p = split(flat if twice > flat else twice)
        power = scale(n)
        e_minus_1 = power * (p * r) + (power - one)
        return math.copysign(e_minus_1 / (e_minus_1 + two), x)

    return tanh


def _sigmoid_in(f: _Format) -> Callable[..., Any]:
    one = f.real(1)

    def sigmoid(x: Any) -> Any:
        return one / (one + exp(-x))

    return sigmoid


def _provide(function: Callable[..., Any], in_format: Callable[[_Format], Any]) -> None:
    """Give compiled code the implementation of `function` for its argument's type."""
    implementations = {types.float32: in_format(_FLOAT32), types.float64: in_format(_FLOAT64)}

    @overload(function, jit_options=_OPTIONS)
    def choose(x: Any) -> Any:
        return implementations.get(x)


_provide(exp, _exp_in)
_provide(tanh, _tanh_in)
_provide(sigmoid, _sigmoid_in)


@overload(like, jit_options=_OPTIONS)
def _like(x: Any, value: Any) -> Any:
    real = np.float32 if x is types.float32 else np.float64

    def in_type_of_x(x: Any, value: Any) -> Any:
        return real(value)

    return in_type_of_x
