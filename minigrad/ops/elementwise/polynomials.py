"""Orthogonal polynomials of a position and a degree (DLMF 18).  As in torch, without derivatives.

Degrees are cut to whole numbers; below degree 0 a polynomial is 0.  PyTorch differs: where numbers
overflow it has nan, while here the sign of the infinity is known beyond a polynomial's zeros.
"""

import functools

from minigrad.core.types import Array
from minigrad.engine.op import elementwise
from minigrad.kernels.special import polynomials as kernels

_polynomial = functools.partial(elementwise, vjp=None, floats=True)


@_polynomial()
def chebyshev_polynomial_t(input: Array, n: Array) -> Array:
    """The Chebyshev polynomial of the first kind T_n(input) (DLMF 18.5.1)."""
    return kernels.chebyshev_polynomial_t(input, n)


@_polynomial()
def chebyshev_polynomial_u(input: Array, n: Array) -> Array:
    """The Chebyshev polynomial of the second kind U_n(input) (DLMF 18.5.2)."""
    return kernels.chebyshev_polynomial_u(input, n)


@_polynomial()
def chebyshev_polynomial_v(input: Array, n: Array) -> Array:
    """The Chebyshev polynomial of the third kind V_n(input) (DLMF 18.5.3)."""
    return kernels.chebyshev_polynomial_v(input, n)


@_polynomial()
def chebyshev_polynomial_w(input: Array, n: Array) -> Array:
    """The Chebyshev polynomial of the fourth kind W_n(input) (DLMF 18.5.4)."""
    return kernels.chebyshev_polynomial_w(input, n)


@_polynomial()
def shifted_chebyshev_polynomial_t(input: Array, n: Array) -> Array:
    """T_n(2 input - 1) (DLMF 18.7.7)."""
    return kernels.shifted_chebyshev_polynomial_t(input, n)


@_polynomial()
def shifted_chebyshev_polynomial_u(input: Array, n: Array) -> Array:
    """U_n(2 input - 1) (DLMF 18.7.8)."""
    return kernels.shifted_chebyshev_polynomial_u(input, n)


@_polynomial()
def shifted_chebyshev_polynomial_v(input: Array, n: Array) -> Array:
    """V_n(2 input - 1)."""
    return kernels.shifted_chebyshev_polynomial_v(input, n)


@_polynomial()
def shifted_chebyshev_polynomial_w(input: Array, n: Array) -> Array:
    """W_n(2 input - 1)."""
    return kernels.shifted_chebyshev_polynomial_w(input, n)


@_polynomial()
def hermite_polynomial_h(input: Array, n: Array) -> Array:
    """The physicists' Hermite polynomial H_n(input) (DLMF 18.9.1)."""
    return kernels.hermite_polynomial_h(input, n)


@_polynomial()
def hermite_polynomial_he(input: Array, n: Array) -> Array:
    """The probabilists' Hermite polynomial He_n(input) (DLMF 18.9.1)."""
    return kernels.hermite_polynomial_he(input, n)


@_polynomial()
def laguerre_polynomial_l(input: Array, n: Array) -> Array:
    """The Laguerre polynomial L_n(input) (DLMF 18.9.1)."""
    return kernels.laguerre_polynomial_l(input, n)


@_polynomial()
def legendre_polynomial_p(input: Array, n: Array) -> Array:
    """The Legendre polynomial P_n(input) (DLMF 18.9.1)."""
    return kernels.legendre_polynomial_p(input, n)
