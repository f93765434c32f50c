"""Bessel functions and Airy's function (DLMF 9 and 10).

As in torch, only the exponentially scaled functions of the first kind have derivatives.
"""

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.kernels.special import bessel as kernels
from minigrad.ops.elementwise.elementary import abs, floating, shaped, sign, where

NEAR_ZERO = 1e-7


@floating(
    node="SpecialI0EBackward0",
    vjp=(lambda g, out, x: g * (i1e(x) - sign(x) * out),),
    samples=shaped(away_from=(0.0,)),
)
def i0e(input: Array) -> Array:
    """exp(-|input|) I_0(input), which does not overflow (DLMF 10.25.2 and 10.40.1)."""
    return kernels.i0e(input)


def _i1e_rule(g: V, out: V, x: V) -> V:
    """i0e(x) - (sign(x) + 1 / x) out, which is 1/2 at 0."""
    near = abs(x) < NEAR_ZERO
    safe = where(near, 1.0, x)
    return g * where(near, 0.5, i0e(x) - out * (sign(x) + 1 / safe))


@floating(node="SpecialI1EBackward0", vjp=(_i1e_rule,), samples=shaped(away_from=(0.0,)))
def i1e(input: Array) -> Array:
    """exp(-|input|) I_1(input), which does not overflow (DLMF 10.25.2 and 10.40.1)."""
    return kernels.i1e(input)


@floating(vjp=None)
def modified_bessel_i0(input: Array) -> Array:
    """The modified Bessel function of the first kind of order 0 (DLMF 10.25.2), inf at +-inf.

    PyTorch differs: nan at infinities.
    """
    return kernels.modified_bessel_i0(input)


@floating(vjp=None)
def modified_bessel_i1(input: Array) -> Array:
    """The modified Bessel function of the first kind of order 1 (DLMF 10.25.2), +-inf at +-inf.

    PyTorch differs: nan at infinities.
    """
    return kernels.modified_bessel_i1(input)


@floating(vjp=None)
def modified_bessel_k0(input: Array) -> Array:
    """The modified Bessel function of the second kind of order 0 (DLMF 10.31.2 and 10.32.9).

    Infinite at 0, nan below.
    """
    return kernels.modified_bessel_k0(input)


@floating(vjp=None)
def modified_bessel_k1(input: Array) -> Array:
    """The modified Bessel function of the second kind of order 1 (DLMF 10.31.1 and 10.32.9).

    Infinite at 0, nan below.
    """
    return kernels.modified_bessel_k1(input)


@floating(vjp=None)
def scaled_modified_bessel_k0(input: Array) -> Array:
    """exp(input) K_0(input), which does not underflow."""
    return kernels.scaled_modified_bessel_k0(input)


@floating(vjp=None)
def scaled_modified_bessel_k1(input: Array) -> Array:
    """exp(input) K_1(input), which does not underflow."""
    return kernels.scaled_modified_bessel_k1(input)


@floating(vjp=None)
def bessel_j0(input: Array) -> Array:
    """The Bessel function of the first kind of order 0 (DLMF 10.12.4 and 10.17.3), 0 at infinity.

    PyTorch differs: nan at infinity, and good to 1e-6 only.
    """
    return kernels.bessel_j0(input)


@floating(vjp=None)
def bessel_j1(input: Array) -> Array:
    """The Bessel function of the first kind of order 1 (DLMF 10.12.4 and 10.17.3), 0 at infinity.

    PyTorch differs: nan at infinity, and good to 1e-6 only.
    """
    return kernels.bessel_j1(input)


@floating(vjp=None)
def bessel_y0(input: Array) -> Array:
    """The Bessel function of the second kind of order 0 (Abramowitz & Stegun 9.1.88, DLMF 10.17.4).

    -inf at 0, nan below, 0 at infinity.
    PyTorch differs: nan at infinity, and good to 1e-6 only.
    """
    return kernels.bessel_y0(input)


@floating(vjp=None)
def bessel_y1(input: Array) -> Array:
    """The Bessel function of the second kind of order 1 (Abramowitz & Stegun 9.1.88, DLMF 10.17.4).

    -inf at 0, nan below, 0 at infinity.
    PyTorch differs: nan at infinity, and good to 1e-6 only.
    """
    return kernels.bessel_y1(input)


@floating(vjp=None)
def spherical_bessel_j0(input: Array) -> Array:
    """sin(input) / input: 1 at 0, 0 at infinities (DLMF 10.49.3)."""
    return kernels.spherical_bessel_j0(input)


@floating(vjp=None)
def airy_ai(input: Array) -> Array:
    """Airy's function Ai (DLMF 9.2.1, 9.6.2 and 9.7.9), 0 at infinities.

    PyTorch differs: nan at infinities, and good to 1e-5 only.
    """
    return kernels.airy_ai(input)
