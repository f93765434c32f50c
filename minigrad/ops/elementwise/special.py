"""Further functions of one tensor: powers and logarithms, angles, the gamma family, rounding."""

import math

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.engine.op import arr, composed, pointwise, sample
from minigrad.kernels.elementary import angles, powers
from minigrad.kernels.pointwise import elementwise
from minigrad.kernels.pointwise import special as kernels
from minigrad.ops.elementwise.elementary import (
    abs,
    cos,
    exp,
    floating,
    nothing,
    rsqrt,
    shaped,
    where,
)  # fmt: skip

BELOW_ONE = {"low": -0.9, "high": 0.9}
FRACTIONS = {"low": 0.1, "high": 0.9}


# --- powers and logarithms ------------------------------------------------------------------


@floating(vjp=(lambda g, out, x: g * (out * math.log(2)),), samples=shaped())
def exp2(input: Array) -> Array:
    """2 ** input."""
    return powers.exp2(input)


@floating(vjp=(lambda g, out, x: g * (out + 1),), samples=shaped())
def expm1(input: Array) -> Array:
    """e ** input - 1, accurate near 0 too."""
    return elementwise.expm1(input)


@floating(vjp=(lambda g, out, x: g / (x + 1),), samples=shaped(low=-0.5))
def log1p(input: Array) -> Array:
    """log(1 + input), accurate near 0 too."""
    return elementwise.log1p(input)


@floating(vjp=(lambda g, out, x: g / (x * math.log(2)),), samples=shaped(low=0.3))
def log2(input: Array) -> Array:
    """The logarithm to base 2."""
    return powers.log2(input)


@floating(vjp=(lambda g, out, x: g / (x * math.log(10)),), samples=shaped(low=0.3))
def log10(input: Array) -> Array:
    """The logarithm to base 10."""
    return powers.log10(input)


# --- angles ---------------------------------------------------------------------------------


@floating(vjp=(lambda g, out, x: g * (1 + out * out),), samples=shaped(low=-1, high=1))
def tan(input: Array) -> Array:
    """The tangent of an angle in radians."""
    return angles.tan(input)


@floating(vjp=(lambda g, out, x: g * rsqrt(1 - x * x),), samples=shaped(**BELOW_ONE))
def asin(input: Array) -> Array:
    """The angle in [-pi/2, pi/2] with this sine; nan outside [-1, 1]."""
    return angles.asin(input)


@floating(vjp=(lambda g, out, x: -g * rsqrt(1 - x * x),), samples=shaped(**BELOW_ONE))
def acos(input: Array) -> Array:
    """The angle in [0, pi] with this cosine; nan outside [-1, 1]."""
    return angles.acos(input)


@floating(vjp=(lambda g, out, x: g / (x * x + 1),), samples=shaped())
def atan(input: Array) -> Array:
    """The angle in (-pi/2, pi/2) with this tangent."""
    return angles.atan(input)


@floating(vjp=(lambda g, out, x: g * cosh(x),), samples=shaped())
def sinh(input: Array) -> Array:
    """The hyperbolic sine."""
    return powers.sinh(input)


@floating(vjp=(lambda g, out, x: g * sinh(x),), samples=shaped())
def cosh(input: Array) -> Array:
    """The hyperbolic cosine."""
    return powers.cosh(input)


@floating(vjp=(lambda g, out, x: g * rsqrt(x * x + 1),), samples=shaped())
def asinh(input: Array) -> Array:
    """The inverse of sinh."""
    return powers.asinh(input)


@floating(vjp=(lambda g, out, x: g * rsqrt(x * x - 1),), samples=shaped(low=1.3, high=3))
def acosh(input: Array) -> Array:
    """The inverse of cosh; nan below 1."""
    return powers.acosh(input)


@floating(vjp=(lambda g, out, x: g / (1 - x * x),), samples=shaped(**BELOW_ONE))
def atanh(input: Array) -> Array:
    """The inverse of tanh; nan outside [-1, 1]."""
    return powers.atanh(input)


def _sinc_rule(g: V, out: V, x: V) -> V:
    """(cos(pi x) - sinc(x)) / x, and near 0, where that cancels, its series."""
    near = abs(x) < 0.05
    angle, safe = x * math.pi, where(near, 1.0, x)
    square = angle * angle
    series = 1 / 3 - square * (1 / 30 - square * (1 / 840 - square * (1 / 45360)))
    return g * where(near, series * angle * -math.pi, (cos(safe * math.pi) - sinc(safe)) / safe)


@floating(vjp=(_sinc_rule,), samples=shaped(away_from=(0.0,)))
def sinc(input: Array) -> Array:
    """sin(pi input) / (pi input), and 1 at 0."""
    return np.sinc(input).astype(input.dtype, copy=False)


def _logit_rule(g: V, out: V, x: V, *, eps: float | None) -> V:
    if eps is None:
        return where((x < 0) | (x > 1), float("nan"), g / (x * (1 - x)))
    return where((x < eps) | (x > 1 - eps), 0.0, g / (x * (1 - x)))


@floating(
    vjp=(_logit_rule,),
    samples=[
        *shaped(**FRACTIONS),
        sample(arr.of(4, low=-0.2, high=0.45, away_from=(0.2,)), eps=0.2),
    ],
)
def logit(input: Array, *, eps: float | None = None) -> Array:
    """log(input / (1 - input)); if eps is given, the input is clamped to eps ... 1 - eps first."""
    p = input if eps is None else np.clip(input, float(eps), 1 - float(eps))
    return np.log(p / (1 - p))


# --- error functions and the gamma family ---------------------------------------------------


def _erfinv_rule(g: V, out: V, x: V) -> V:
    """It computes the result again: as in torch, the result may be changed in place."""
    again = erfinv(x)
    return g * exp(again * again) * (0.5 * math.sqrt(math.pi))


@floating(vjp=(lambda g, out, x: g * exp(-x * x) * (-2 / math.sqrt(math.pi)),), samples=shaped())
def erfc(input: Array) -> Array:
    """1 - erf(input), accurate where it is tiny too."""
    return kernels.erfc(input)


@floating(
    vjp=(_erfinv_rule,),
    samples=shaped(**BELOW_ONE),
)
def erfinv(input: Array) -> Array:
    """The inverse of erf; nan outside [-1, 1]."""
    return kernels.erfinv(input)


@floating(vjp=(lambda g, out, x: g * digamma(x),), samples=shaped(low=0.3, high=4))
def lgamma(input: Array) -> Array:
    """log |gamma(input)|."""
    return kernels.lgamma(input)


@floating(vjp=(lambda g, out, x: g * _polygamma(x, order=1),), samples=shaped(low=0.5, high=4))
def digamma(input: Array) -> Array:
    """The derivative of lgamma."""
    return kernels.digamma(input)


@floating(
    node="PolygammaBackward0",
    vjp=(lambda g, out, x, *, order: g * _polygamma(x, order=order + 1),),
    samples=[
        sample(arr.of(3, 4, low=0.8, high=4), order=1),
        sample(arr.of(3, low=1, high=3), order=2),
        sample(arr.of(3, low=-0.8, high=-0.2), order=1),
    ],
)
def _polygamma(input: Array, *, order: int) -> Array:
    """The derivative of digamma of an order >= 1 (Abramowitz & Stegun 6.4); order 1 is trigamma.

    PyTorch differs: its trigamma is finite at the poles and good to 1e-9 only.
    """
    return kernels.polygamma(input, order)


@composed
def polygamma(n: int, input: V) -> V:
    """The n-th derivative of digamma.  Raises RuntimeError for negative n."""
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, got n={n}")
    return digamma(input) if n == 0 else _polygamma(input, order=n)


# --- rounding and replacement ---------------------------------------------------------------


@pointwise(vjp=(lambda g, out, x: nothing(g),), samples=shaped(**FRACTIONS))
def trunc(input: Array) -> Array:
    """The input rounded towards 0."""
    return np.trunc(input)


@pointwise(vjp=(lambda g, out, x: g,), degree=None, samples=shaped(**FRACTIONS))
def frac(input: Array) -> Array:
    """The fractional part, input - trunc(input)."""
    return input - np.trunc(input)


@pointwise(
    vjp=(lambda g, out, x, *, nan, posinf, neginf: where(abs(x) < float("inf"), g, 0.0),),
    samples=shaped(),
)
def nan_to_num(
    input: Array, *, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """nan and infinities replaced: by default by 0 and the dtype's largest and smallest numbers."""
    return np.nan_to_num(input, nan=nan, posinf=posinf, neginf=neginf)


@pointwise(
    node=lambda node: "RoundBackward1" if node.settings["decimals"] else "RoundBackward0",
    vjp=(lambda g, out, x, *, decimals: nothing(g),),
    samples=[
        *shaped(low=0.1, high=0.4),
        sample(arr.of(3, low=0.01, high=0.04), decimals=1),
    ],
)
def round(input: Array, *, decimals: int = 0) -> Array:
    """The input rounded to so many decimals (-1 for tens, -2 for hundreds), halves to even.

    Integers are whole already.  Raises RuntimeError for bools, and for integers with decimals.
    """
    if input.dtype.kind != "f":
        if decimals or input.dtype == bool:
            raise RuntimeError(f"round(decimals={decimals}) is not implemented for {input.dtype}")
        return input.copy()
    return np.rint(input) if decimals == 0 else np.round(input, decimals)
