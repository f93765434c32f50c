"""The scaled error function, and the normal distribution's logarithm and inverse (DLMF 7)."""

import math

from minigrad.core.types import Array
from minigrad.kernels.special import normal as kernels
from minigrad.ops.elementwise.elementary import exp, floating, shaped
from minigrad.ops.elementwise.special import FRACTIONS


@floating(
    node="SpecialErfcxBackward0",
    vjp=(lambda g, out, x: g * (2 * x * out - 2 / math.sqrt(math.pi)),),
    samples=shaped(),
)
def erfcx(input: Array) -> Array:
    """exp(input**2) erfc(input), which does not underflow (DLMF 7.2.2 and 7.12.1)."""
    return kernels.erfcx(input)


@floating(
    node="SpecialLogNdtrBackward0",
    vjp=(lambda g, out, x: g / erfcx(x * -math.sqrt(0.5)) * math.sqrt(2 / math.pi),),
    samples=shaped(),
)
def log_ndtr(input: Array) -> Array:
    """The logarithm of `ndtr`, accurate in both tails."""
    return kernels.log_ndtr(input)


@floating(
    node="SpecialNdtriBackward0",
    vjp=(lambda g, out, x: g * exp(out * out * 0.5) * math.sqrt(2 * math.pi),),
    samples=shaped(**FRACTIONS),
)
def ndtri(input: Array) -> Array:
    """The inverse of `ndtr`: -inf at 0, inf at 1, nan outside.

    Abramowitz & Stegun 26.2.23, and Newton's steps.
    """
    return kernels.ndtri(input)
