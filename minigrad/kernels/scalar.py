"""Scalar functions that kernels call inside their loops, written so that the loop vectorises.

`math.exp` is a library call per element and keeps a loop scalar; these are arithmetic alone, in the
type of their argument, and within 2 ulp of the exact value where
they do not say otherwise.
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


def erf(x: float) -> float:
    """2 / sqrt(pi) times the integral of e**-t**2 from 0 to x."""
    return math.erf(x)


def decay(x: float) -> float:
    """e**x for x <= 0; 0 where that is no normal number."""
    return math.exp(x)


def normal(x: float) -> tuple[float, float]:
    """The normal distribution function of x, within 1 ulp of 1, and e**(-x**2 / 2).

    The latter's relative error, and that of the former for x < 0, are up to x**2 ulp.
    """
    return math.erfc(-x * math.sqrt(0.5)) / 2, math.exp(-x * x / 2)


class _Format(NamedTuple):
    """What the functions below need to know of a floating-point format."""

    real: Any
    integer: Any
    mantissa: int  # bits stored
    degree: int  # of the Taylor series of e**r that reaches the format's precision
    split: int  # bits of ln 2's leading part, few enough that n times it is exact
    erf_is_one: int  # from where on erf rounds to 1
    erf_centre: tuple[float, ...]  # erf(x) / x for |x| < 1, in powers of x**2
    erf_tail: tuple[float, ...]  # erfc(x) e**x**2 for x in [1, erf_is_one], see `_erf_in`
    normal_scale: int
    normal_tail: tuple[float, ...]  # the normal distribution of -x times e**(x**2 / 2), x >= 0


# The polynomials interpolate at Chebyshev's points; in float32 they are within 8e-9 of the
# functions, in float64 within 3e-17.
_FLOAT32 = _Format(
    np.float32, np.int32, mantissa=23, degree=7, split=12, erf_is_one=4,
    erf_centre=(
        7.88249711e-05, -0.0008018854993, 0.005189311943, -0.0268543288, 0.1128359746,
        -0.376126269, 1.128379166,
    ),
    erf_tail=(
        -0.0008365721271, 0.00681126824, 0.003732138369, -0.07896832394, 0.2416582112,
        -0.4271859893, 0.2553956763,
    ),
    normal_scale=4,
    normal_tail=(
        1.878671765e-05, -3.577668504e-05, -0.0001771117683, 0.0006298726325,
        0.0005025865375, -0.008488349619, 0.03086593706, -0.07170805958, 0.1243791601,
        -0.1703976895, 0.09441064261,
    ),
)  # fmt: skip
_FLOAT64 = _Format(
    np.float64, np.int64, mantissa=52, degree=13, split=32, erf_is_one=6,
    erf_centre=(
        -7.798543850549947e-10, 1.3721520406351094e-08, -1.6208829856810202e-07,
        1.6447471190594618e-06, -1.4924740785377576e-05, 0.00012055295112667001,
        -0.0008548325982543225, 0.005223977607269946, -0.026866170643256995, 0.1128379167094513,
        -0.37612638903183543, 1.1283791670955126,
    ),
    erf_tail=(
        -1.78157910692218e-06, -1.1001414314905387e-06, 9.5181399020126e-06,
        1.3437457296583633e-05, -4.6695830706726686e-05, -0.00010325573654382485,
        0.0002949761542526437, 0.0006855385964074833, -0.0028574622751577623,
        -0.002268926763386615, 0.036308131499103925, -0.1214514028401173, 0.2516668374219491,
        -0.3768742538656741, 0.2146263390698206,
    ),
    normal_scale=5,
    normal_tail=(
        -1.2580981949837268e-10, -4.252839161453964e-10, 1.4119288820274245e-09,
        5.1098876680913835e-09, -1.0282675267240072e-08, -3.815427349654578e-08,
        7.639961058255053e-08, 2.423380188333243e-07, -6.746330886793176e-07,
        -1.2694516944585053e-06, 6.644237622191895e-06, 9.610593780969256e-07,
        -6.042743336336749e-05, 0.00013427690508732227, 0.0002195507292019059,
        -0.0023788443660425276, 0.008991370551437205, -0.02341390048690824,
        0.04785535228412587, -0.08088387726415766, 0.1160688118860042, -0.14345755526401163,
        0.07691930497500629,
    ),
)  # fmt: skip

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


def _decay_in(f: _Format) -> Callable[..., Any]:
    split, scale = _split_in(f), _scale_in(f)
    one = f.real(1)
    lowest = f.real((np.finfo(f.real).minexp - 1) * math.log(2))  # for which `scale` is 0

    def decay(x: Any) -> Any:
        n, r, p = split(lowest if x < lowest else x)
        return (p * r + one) * scale(n)

    return decay


def _erf_in(f: _Format) -> Callable[..., Any]:
    """1 - erf(x) = e**-x**2 tail(y) with y = (x - c) / (x + c), small for all x of the tail."""
    real = f.real
    one, flat, middle = real(1), real(f.erf_is_one), real(math.sqrt(f.erf_is_one))
    centre = tuple(real(c) for c in f.erf_centre)
    tail = tuple(real(c) for c in f.erf_tail)

    def erf(x: Any) -> Any:
        square = x * x
        p = centre[0]
        for c in centre[1:]:
            p = p * square + c
        size = abs(x)
        within = flat if size > flat else size
        y = (within - middle) / (within + middle)
        q = tail[0]
        for c in tail[1:]:
            q = q * y + c
        near, far = x * p, math.copysign(one - decay(-square) * q, x)
        # In this order a NaN passes through.
        return near if size < one else far

    return erf


def _normal_in(f: _Format) -> Callable[..., Any]:
    """As in `_erf_in`, but y = (x - c) / (x + c) takes in all x >= 0."""
    real = f.real
    zero, half, one = real(0), real(0.5), real(1)
    c, twice_c = real(f.normal_scale), real(2 * f.normal_scale)
    tail = tuple(real(t) for t in f.normal_tail)

    def normal(x: Any) -> Any:
        size = abs(x)
        y = one - twice_c / (size + c)
        q = tail[0]
        for t in tail[1:]:
            q = q * y + t
        bell = decay(-(half * size) * size)
        below = bell * q
        above = one - below
        return (below if x < zero else above), bell

    return normal


def _provide(function: Callable[..., Any], in_format: Callable[[_Format], Any]) -> None:
    """Give compiled code the implementation of `function` for its argument's type."""
    implementations = {types.float32: in_format(_FLOAT32), types.float64: in_format(_FLOAT64)}

    @overload(function, jit_options=_OPTIONS)
    def choose(x: Any) -> Any:
        return implementations.get(x)


_provide(exp, _exp_in)
_provide(tanh, _tanh_in)
_provide(sigmoid, _sigmoid_in)
_provide(decay, _decay_in)
_provide(erf, _erf_in)
_provide(normal, _normal_in)


@overload(like, jit_options=_OPTIONS)
def _like(x: Any, value: Any) -> Any:
    real = np.float32 if x is types.float32 else np.float64

    def in_type_of_x(x: Any, value: Any) -> Any:
        return real(value)

    return in_type_of_x
