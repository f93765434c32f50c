"""Signs, exponents, divisors and neighbours of numbers; Bessel, entropy and gamma functions."""

import math
from typing import Any

import numpy as np

from minigrad.core.types import Array, Number
from minigrad.engine.graph import V, Value
from minigrad.engine.op import (
    arr,
    composed,
    elementwise,
    label_node,
    pointwise,
    require_tensors,
    sample,
)  # fmt: skip
from minigrad.ops.elementwise import arithmetic as maths
from minigrad.ops.elementwise import binary, elementary
from minigrad.ops.elementwise.comparison import of_integers
from minigrad.ops.elementwise.elementary import floating, shaped
from minigrad.ops.elementwise.special import erfc, exp2, lgamma
from minigrad.ops.results import Frexp

# --- signs and tests ------------------------------------------------------------------------


@pointwise(vjp=None)
def signbit(input: Array) -> Array:
    """True where the sign is minus, that of -0.0 too."""
    return np.signbit(input) if input.dtype.kind == "f" else np.less(input, 0)


@composed
def positive(input: V) -> V:
    """The tensor itself.  Raises RuntimeError for bools."""
    if input.array.dtype == bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


@pointwise(vjp=None)
def isposinf(input: Array) -> Array:
    """True where the input is inf."""
    return np.equal(input, np.inf)


@pointwise(vjp=None)
def isneginf(input: Array) -> Array:
    """True where the input is -inf."""
    return np.equal(input, -np.inf)


@pointwise(vjp=None)
def isreal(input: Array) -> Array:
    """True where the imaginary part is 0: everywhere in real tensors."""
    return np.isreal(input)


@pointwise(vjp=None, broadcasts=True, tensors_at=(0, 1))
def heaviside(input: Array, values: Array) -> Array:
    """0 below 0, 1 above it, and `values` at 0.  Raises RuntimeError for two different dtypes."""
    if input.dtype != values.dtype:
        raise RuntimeError(
            f"heaviside() expects tensors of one dtype, got {input.dtype} and {values.dtype}"
        )
    return np.where(input == 0, values, (input > 0).astype(values.dtype))


# --- angles ---------------------------------------------------------------------------------


@floating(vjp=(lambda g, out, x: g * (math.pi / 180),), degree=1, samples=shaped())
def deg2rad(input: Array) -> Array:
    """Degrees as radians."""
    radians: Array = input * input.dtype.type(math.pi / 180)
    return radians


@floating(vjp=(lambda g, out, x: g * (180 / math.pi),), degree=1, samples=shaped())
def rad2deg(input: Array) -> Array:
    """Radians as degrees."""
    degrees: Array = input * input.dtype.type(180 / math.pi)
    return degrees


# --- exponents and neighbours ---------------------------------------------------------------


@pointwise(
    node="FrexpBackward0",
    vjp=(lambda g, out, x: g / exp2(out[0].to(x.dtype)),),
    samples=[sample(arr.of(3, 4, low=0.55, high=0.95)), sample(arr.of(5, low=2.1, high=3.9))],
)
def _frexp(input: Array) -> tuple[Array, Array]:
    """input = mantissa * 2**exponent, with |mantissa| in [0.5, 1), or 0."""
    if input.dtype.kind != "f":
        raise RuntimeError(f"frexp() only supports floating-point dtypes, got {input.dtype}")
    return np.frexp(input)


@composed
def frexp(input: V) -> Frexp[V]:
    """input = mantissa * 2**exponent, with |mantissa| in [0.5, 1), or 0.

    Raises RuntimeError for other than floating tensors.
    """
    results: Any = _frexp(input)
    return Frexp(*results)


@composed(node="LdexpBackward0")
def ldexp(input: V, other: V) -> V:
    """input * 2**other, floating also for integers."""
    require_tensors("ldexp", input=input, other=other)
    return maths.mul(input, maths.pow(2.0, other))


@elementwise(vjp=None, tensors_at=(0, 1))
def nextafter(input: Array, other: Array) -> Array:
    """The neighbour of input in its dtype in the direction of other."""
    if np.asarray(input).dtype.kind != "f":
        raise RuntimeError("nextafter() is for floating tensors, got an integer or bool one")
    return np.nextafter(input, other)


@elementwise(vjp=None, tensors_at=(0, 1))
def gcd(input: Array, other: Array) -> Array:
    """The greatest common divisor of two integers."""
    return of_integers(np.gcd, input, other)


@elementwise(vjp=None, tensors_at=(0, 1))
def lcm(input: Array, other: Array) -> Array:
    """The least common multiple of two integers."""
    return of_integers(np.lcm, input, other)


# --- bounds and differences -----------------------------------------------------------------


@composed
def clamp_min(input: V, min: V | Number) -> V:
    """The input, but not below `min`, a number or a tensor."""
    number = not isinstance(min, Value)
    return label_node(binary.clamp(input, min=min), f"ClampMinBackward{0 if number else 1}")


@composed
def clamp_max(input: V, max: V | Number) -> V:
    """The input, but not above `max`, a number or a tensor."""
    number = not isinstance(max, Value)
    return label_node(binary.clamp(input, max=max), f"ClampMaxBackward{0 if number else 1}")


@composed
def rsub(input: V, other: V | Number, *, alpha: float = 1) -> V:
    """other - alpha * input.  Raises RuntimeError for an alpha that the dtype cannot hold."""
    require_tensors("rsub", input=input)
    scaled: Any = maths.scaled_by(alpha, input, other)
    result: V = maths.sub(other, scaled)
    return result


# --- Bessel functions --------------------------------------------------------

# I_n(x) is the mean of exp(x cos t) cos(n t) over a period.  With so many nodes the rule of equal
# weights is exact to rounding wherever float64 holds the result (|x| < 713).
QUADRATURE_NODES = 256
BESSEL_NODES = {0: "I0Backward0", 1: "SpecialI1Backward0"}  # torch has a function of these two


def _bessel_rule(g: V, out: V, x: V, *, order: int) -> V:
    below, above = bessel_i(x, order=abs(order - 1)), bessel_i(x, order=order + 1)
    return g * (0.5 * (below + above))


@floating(
    node=lambda node: BESSEL_NODES.get(node.settings["order"], "BesselIBackward0"),
    vjp=(_bessel_rule,),
    samples=[sample(arr.of(3, 4), order=0), sample(arr.of(), order=1), sample(arr.of(3), order=2)],
)
def bessel_i(input: Array, *, order: int) -> Array:
    """The modified Bessel function of the first kind I_n (Abramowitz & Stegun 9.6.19)."""
    x = input.astype(np.float64)
    total = np.zeros(x.shape)
    for i in range(QUADRATURE_NODES // 2 + 1):
        t = 2 * math.pi * i / QUADRATURE_NODES
        weight = 1 if i in (0, QUADRATURE_NODES // 2) else 2
        total += weight * math.cos(order * t) * np.exp(x * math.cos(t))
    near_zero = _bessel_series(np.clip(x, -1.0, 1.0), order)
    return np.where(np.abs(x) < 1, near_zero, total / QUADRATURE_NODES).astype(input.dtype)


def _bessel_series(x: Array, order: int) -> Array:
    """I_n(x) for |x| <= 1 with a small relative error, which the mean has not where I_n is small.

    Abramowitz & Stegun 9.6.10.
    """
    total = term = (0.5 * x) ** order / math.factorial(order)
    for k in range(1, 12):
        term = term * (0.25 * x * x) / (k * (k + order))
        total = total + term
    return total


@composed
def i0(input: V) -> V:
    """The modified Bessel function of the first kind, of order 0."""
    return bessel_i(input, order=0)


@composed
def i1(input: V) -> V:
    """The modified Bessel function of the first kind, of order 1."""
    return bessel_i(input, order=1)


# --- entropy and the normal distribution ----------------------------------------------------


@floating(
    node="SpecialEntrBackward0",
    vjp=(lambda g, out, x: g * (-1 - elementary.log(x)),),
    samples=shaped(low=0.3),
)
def entr(input: Array) -> Array:
    """-input * log(input): 0 at 0, -inf below; the derivative is inf at 0 and nan below."""
    inside = np.where(input > 0, input, 1)
    outside = np.where(input < 0, -np.inf, input * 0)
    return np.where(input > 0, -inside * np.log(inside), outside).astype(input.dtype, copy=False)


@composed
def ndtr(input: V) -> V:
    """The distribution function of the standard normal distribution."""
    return erfc(input * -math.sqrt(0.5)) * 0.5


@elementwise(
    node=lambda node: f"SpecialXlog1PyBackward{2 if node.is_number(1) else int(node.is_number(0))}",
    vjp=(
        lambda g, out, a, b: elementary.where((a == 0) & (b <= -1), 0.0, xlog1py(g, b)),
        lambda g, out, a, b: g * a / (b + 1),
    ),
    floats=True,
    samples=[
        sample(arr.of(3, 4), arr.of(3, 4, low=-0.7)),
        sample(arr.of(2, 3), arr.of(3, low=-0.7)),
        sample(arr.of(3), 2.0),
        sample(arr.of(0, 2), arr.of(0, 2, low=0.1)),
    ],
)
def xlog1py(input: Array, other: Array) -> Array:
    """input * log(1 + other), 0 where input is 0 unless other is nan."""
    product = input * np.log1p(other)
    return np.where(np.equal(input, 0) & ~np.isnan(other), 0, product).astype(
        np.result_type(input, other), copy=False
    )


@composed(node="MvlgammaBackward0")
def mvlgamma(input: V, p: int) -> V:
    """The logarithm of the p-variate gamma function.  Raises RuntimeError unless p >= 1."""
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, got {p}")
    total = lgamma(input)
    for j in range(1, p):
        total = total + lgamma(input - 0.5 * j)
    return total + p * (p - 1) / 4 * math.log(math.pi)
