"""Scalar functions that kernels call inside their loops, written so that LLVM vectorises the loop.

`math.exp` is a library call for each element and keeps a loop scalar.  These functions are
arithmetic alone, in the type of their argument.  Unless they say otherwise, they are within 2 ulp
of the exact value.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
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
    """e**x; NaN, infinities and subnormal numbers as in C."""
    return math.exp(x)


def expm1(x: float) -> float:
    """e**x - 1, accurate also near 0: within 2.5 ulp."""
    return math.expm1(x)


def log1p(x: float) -> float:
    """log(1 + x), accurate also near 0; -inf at -1 and NaN below."""
    return math.log1p(x)


def tanh(x: float) -> float:
    """The hyperbolic tangent, accurate also near 0."""
    return math.tanh(x)


def sigmoid(x: float) -> float:
    """1 / (1 + e**-x), accurate also where the result is tiny."""
    return 1 / (1 + math.exp(-x))


def erf(x: float) -> float:
    """2 / sqrt(pi) times the integral of e**-t**2 from 0 to x."""
    return math.erf(x)


def decay(x: float) -> float:
    """e**x for x <= 0; 0 where the result would be subnormal."""
    return math.exp(x)


def normal(x: float) -> tuple[float, float]:
    """The normal distribution function of x, within 1 ulp of 1, and e**(-x**2 / 2).

    The relative error of the latter, and of the former for x < 0, is up to x**2 ulp.
    """
    return math.erfc(-x * math.sqrt(0.5)) / 2, math.exp(-x * x / 2)


class _Format(NamedTuple):
    """Constants of a floating-point format, and polynomials for the functions below."""

    real: Any
    integer: Any
    mantissa: int  # bits stored
    exp_rest: tuple[float, ...]  # (e**r - 1 - r) / r**2 for |r| <= ln 2 / 2
    split: int  # bits of ln 2's leading part, few enough that n times it is exact
    log_rest: tuple[float, ...]  # (log((1 + s) / (1 - s)) / s - 2) / s**2 in powers of s**2
    erf_is_one: int  # the x from which on erf rounds to 1
    erf_centre: tuple[float, ...]  # erf(x) / x for |x| < 1, in powers of x**2
    erf_tail: tuple[float, ...]  # erfc(x) e**x**2 for x in [1, erf_is_one], see `_erf_in`
    normal_scale: float
    # The normal distribution of -x times e**(x**2 / 2), for x >= 0 where e**(-x**2 / 2) is normal.
    normal_tail: tuple[float, ...]


# The polynomials, highest power first, interpolate at Chebyshev points.  They are within 5e-8 of
# the functions in float32, and within 5e-17 in float64.
_FLOAT32 = _Format(
    np.float32, np.int32, mantissa=23, split=12, erf_is_one=4,
    exp_rest=(
        0.0001989108046, 0.001393373072, 0.008333310845, 0.0416664642, 0.1666666668, 0.5000000014,
    ),
    log_rest=(0.2957994939, 0.3998878057, 0.6666668504),
    erf_centre=(
        -0.0005648059866, 0.004921762028, -0.02671505423, 0.1128031665, -0.3761234378,
        1.128379126,
    ),
    erf_tail=(
        0.006837366788, 0.003592670701, -0.07897195229, 0.2416640251, -0.4271858883,
        0.2553956403,
    ),
    normal_scale=4.0199999809265137,
    normal_tail=(
        0.000782980668, 0.0005825147375, -0.008877949069, 0.03128485166, -0.07200511253,
        0.1242679832, -0.16977812, 0.09398643615,
    ),
)  # fmt: skip
_FLOAT64 = _Format(
    np.float64, np.int64, mantissa=52, split=32, erf_is_one=6,
    exp_rest=(
        2.5100472505694996e-08, 2.7620201591031547e-07, 2.7557268276905696e-06,
        2.4801521057868204e-05, 0.00019841269863171557, 0.0013888888917367081,
        0.008333333333330039, 0.041666666666623824, 0.16666666666666669, 0.5000000000000001,
    ),
    log_rest=(
        0.14616449685043406, 0.15331721600556041, 0.18182889125261722, 0.2222221113479508,
        0.28571428625975485, 0.39999999999899504, 0.66666666666666697,
    ),
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
    normal_scale=6,
    normal_tail=(
        -7.7712487030008975e-9, -1.9672622220327528e-8, 7.0823806362577367e-8,
        1.1204630654900184e-7, -7.2558829095746727e-7, 4.7535439253456419e-7,
        5.4905747676789327e-6, -2.0507701866645113e-5, 1.2372679329173222e-5,
        0.00018037223493659336, -0.0010134518830013477, 0.003417928165056186,
        -0.0088464359580016633, 0.01898767895997818, -0.035054539824257272,
        0.056823152635789935, -0.081906039799217814, 0.10583149345044845,
        -0.12319673345701898, 0.06477931432444693,
    ),
)  # fmt: skip


# "contract" is explicit: otherwise a caller's "reassoc" would apply and undo the rounding below.
_OPTIONS: Any = {"fastmath": {"contract"}, "error_model": "numpy"}
_compiled: Callable[[Callable[..., Any]], Callable[..., Any]] = njit(**_OPTIONS)


def _polynomial(coefficients: Sequence[float], real: Any) -> Callable[..., Any]:
    """Return the polynomial with these coefficients, highest power first.

    Odd and even powers are summed separately, which halves the chain of dependent multiply-adds.
    """
    padded = [real(c) for c in (*[0] * (len(coefficients) % 2), *coefficients)]
    pairs = tuple(zip(padded[::2], padded[1::2], strict=True))

    @_compiled
    def polynomial(x: Any) -> Any:
        square = x * x
        odd, even = pairs[0]
        for a, b in pairs[1:]:
            odd, even = odd * square + a, even * square + b
        return odd * x + even

    return polynomial


def _scale_in(f: _Format) -> Callable[..., Any]:
    """2**n for an integral float n within the range of exponents."""
    real, integer, shift = f.real, f.integer, f.mantissa
    rounder = real(1.5 * 2.0**f.mantissa)
    offset = integer(np.finfo(real).maxexp - 1) - integer(rounder.view(integer))

    @_compiled
    def scale(n: Any) -> Any:
        return integer(integer(real(n + rounder).view(integer) + offset) << shift).view(real)

    return scale


def _ln2_in(f: _Format) -> tuple[Any, Any]:
    """ln 2 as its leading bits and the rest."""
    lead = f.real(math.floor(math.log(2) * 2**f.split) / 2**f.split)
    # The constant is ln 2 - math.log(2).
    return lead, f.real((math.log(2) - float(lead)) + 2.3190468138462996e-17)


def _split_in(f: _Format) -> Callable[..., Any]:
    """n and e**r - 1, where x = n ln 2 + r with |r| <= ln 2 / 2."""
    real = f.real
    # Adding 1.5 * 2**mantissa rounds to an integer.
    rounder = real(1.5 * 2.0**f.mantissa)
    per_ln2 = real(1 / math.log(2))
    ln2_lead, ln2_rest = _ln2_in(f)
    rest = _polynomial(f.exp_rest, real)

    @_compiled
    def split(x: Any) -> Any:
        n = (x * per_ln2 + rounder) - rounder
        r = (x - n * ln2_lead) - n * ln2_rest
        return n, rest(r) * (r * r) + r

    return split


def _exp_in(f: _Format) -> Callable[..., Any]:
    real = f.real
    split, scale = _split_in(f), _scale_in(f)
    limits = np.finfo(real)
    # Of the smallest denormal number, which is zero where such numbers are flushed.
    lowest = real((int(limits.minexp) - f.mantissa) * math.log(2) - 1)
    highest = real(np.log(limits.max) + 1)
    rounder = real(1.5 * 2.0**f.mantissa)
    half, one = real(0.5), real(1)

    def exp(x: Any) -> Any:
        # In this order NaN passes both comparisons.
        n, less_one = split(lowest if x < lowest else (highest if x > highest else x))
        # 2**n in two factors: alone it would overflow or underflow where the product does not.
        left = (n * half + rounder) - rounder
        return (less_one + one) * scale(left) * scale(n - left)

    return exp


def _expm1_in(f: _Format) -> Callable[..., Any]:
    real = f.real
    split, scale = _split_in(f), _scale_in(f)
    lowest = real(-(f.mantissa + 3) * math.log(2))  # where it rounds to -1
    highest = real(math.ceil(np.log(np.finfo(real).max)))
    half, one, two = real(0.5), real(1), real(2)

    def expm1(x: Any) -> Any:
        n, less_one = split(lowest if x < lowest else (highest if x > highest else x))
        # 2**n may overflow where 2**(n - 1) does not.
        power = scale(n - one)
        return math.copysign(two * (power * less_one + (power - half)), x)

    return expm1


def _log1p_in(f: _Format) -> Callable[..., Any]:
    """log(1 + x) = k ln 2 + log(1 + r) with 1 + r in [sqrt(1/2), sqrt(2)], as in Sun's fdlibm."""
    real, integer, shift = f.real, f.integer, f.mantissa
    ln2_lead, ln2_rest = _ln2_in(f)
    rest = _polynomial(f.log_rest, real)
    root = real(math.sqrt(0.5)).view(integer)
    fraction = integer(2**f.mantissa - 1)
    rounder = real(1.5 * 2.0**f.mantissa)
    rounder_bits = rounder.view(integer)
    half, one, two, most = real(0.5), real(1), real(2), np.finfo(real).max
    below, nothing = real(-np.inf), real(np.nan)

    def log1p(x: Any) -> Any:
        u = one + x
        lost = (one - (u - (u - one))) + (x - (u - one))  # in rounding u
        bits = integer(real(u).view(integer) - root)
        k = integer(integer(bits >> shift) + rounder_bits).view(real) - rounder
        r = integer(integer(bits & fraction) + root).view(real) - one
        s = r / (two + r)
        square = half * r * r
        small = s * (square + s * s * rest(s * s)) + (k * ln2_rest + lost / u)
        out = k * ln2_lead + (r - (square - small))
        # NaN passes the first comparison, infinity the second.
        out = out if x > -one else (below if x == -one else nothing)
        return math.copysign(out, x) if x <= most else x

    return log1p


def _tanh_in(f: _Format) -> Callable[..., Any]:
    real = f.real
    split, scale = _split_in(f), _scale_in(f)
    one, two, flat = real(1), real(2), real(44)  # tanh(22) rounds to 1 in both formats

    def tanh(x: Any) -> Any:
        twice = two * abs(x)
        n, less_one = split(flat if twice > flat else twice)
        power = scale(n)
        e_minus_1 = power * less_one + (power - one)
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
    lowest = f.real((np.finfo(f.real).minexp - 1) * math.log(2))  # where `scale` gives 0

    def decay(x: Any) -> Any:
        n, less_one = split(lowest if x < lowest else x)
        return (less_one + one) * scale(n)

    return decay


def _erf_in(f: _Format) -> Callable[..., Any]:
    """1 - erf(x) = e**-x**2 tail(y) with y = (x - c) / (x + c), small for all x of the tail."""
    real = f.real
    one, flat, middle = real(1), real(f.erf_is_one), real(math.sqrt(f.erf_is_one))
    centre, tail = _polynomial(f.erf_centre, real), _polynomial(f.erf_tail, real)

    def erf(x: Any) -> Any:
        square = x * x
        size = abs(x)
        within = flat if size > flat else size
        y = (within - middle) / (within + middle)
        near, far = x * centre(square), math.copysign(one - decay(-square) * tail(y), x)
        # In this order NaN passes the comparison.
        return near if size < one else far

    return erf


def _normal_in(f: _Format) -> Callable[..., Any]:
    """As `_erf_in`, but y = (x - c) / (x + c) covers all x >= 0 where e**(-x**2 / 2) is not 0."""
    real = f.real
    zero, half, one = real(0), real(0.5), real(1)
    c, twice_c = real(f.normal_scale), real(2 * f.normal_scale)
    tail = _polynomial(f.normal_tail, real)

    def normal(x: Any) -> Any:
        size = abs(x)
        y = one - twice_c / (size + c)
        bell = decay(-(half * size) * size)
        below = bell * tail(y)
        above = one - below
        return (below if x < zero else above), bell

    return normal


_FORMATS = {types.float32: _FLOAT32, types.float64: _FLOAT64}


def _provide(function: Callable[..., Any], in_format: Callable[[_Format], Any]) -> None:
    """Register the implementation of `function` in compiled code, for each argument type.

    It is made when the first kernel that calls it is compiled; most processes compile none.
    """
    implementation = cache(lambda kind: in_format(_FORMATS[kind]))

    @overload(function, jit_options=_OPTIONS)
    def choose(x: Any) -> Any:
        return implementation(x) if x in _FORMATS else None


_provide(exp, _exp_in)
_provide(expm1, _expm1_in)
_provide(log1p, _log1p_in)
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
