"""Samples of the gamma distribution that have a gradient.

A sample is x = F^-1(u; alpha) for a uniform u, so dx/dalpha = -(dF/dalpha) / p(x) (implicit
reparametrisation, Figurnov et al. 2018, arXiv:1805.08498).
"""

from typing import Any

import numpy as np

from minigrad.autograd import Function
from minigrad.autograd.function import once_differentiable
from minigrad.core.types import Array
from minigrad.distributions.draws import from_numpy_draw
from minigrad.engine.graph import wrap
from minigrad.ops import digamma
from minigrad.ops.generator import stream
from minigrad.tensor import Tensor

# Up to here the series for points below alpha has few terms.
SERIES_MOST = 12.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(64)


def _psi(x: Array) -> Array:
    return digamma(wrap(Tensor, x)).array  # type: ignore[no-any-return]


def _by_series(alpha: Array, x: Array) -> Array:
    """Of x below alpha, or small: -sum r_n (ln x - psi(alpha + n + 1)), r_n = r_(n-1) x/(alpha+n).

    From P(alpha, x) = sum x^(alpha + n) e^-x / Gamma(alpha + n + 1).
    """
    ratio, total, n = x / alpha, np.zeros_like(x), 0
    while ratio.size and ratio.max() > 1e-17:
        total -= ratio * (np.log(x) - _psi(alpha + n + 1))
        n += 1
        ratio = ratio * x / (alpha + n)
    return total


def _by_tail(alpha: Array, x: Array, side: float) -> Array:
    """The integral of +-(ln(x +- s) - psi(alpha)) (1 +- s/x)^(alpha - 1) e^-+s over s.

    side = 1: the tail above x, for x above alpha; -1: the one below.  The integrand falls at least
    as fast as a normal density of variance x.
    """
    length = np.sqrt(80 * x) + 80
    if side < 0:
        length = np.minimum(length, x)
    s = length[:, None] * (NODES + 1) / 2
    share = side * s / x[:, None]
    weight = np.exp((alpha[:, None] - 1) * np.log1p(share) - side * s)
    score = np.log(x)[:, None] + np.log1p(share) - _psi(alpha)[:, None]
    integral: Array = side * (score * weight) @ WEIGHTS * length / 2
    return integral


def standard_gamma_gradient(alpha: Array, x: Array) -> Array:
    """dx/dalpha at fixed probability, for points x of the gamma distribution of shape alpha."""
    a, x = np.broadcast_arrays(alpha.astype(np.float64), x.astype(np.float64))
    shape, a, x = x.shape, a.ravel(), np.maximum(x.ravel(), np.finfo(np.float64).tiny)
    below = (x < a) | (x < 1)
    series = below & (a <= SERIES_MOST)
    found = np.empty_like(x)
    for chosen, gradient in (
        (series, _by_series(a[series], x[series])),
        (below & ~series, _by_tail(a[below & ~series], x[below & ~series], -1.0)),
        (~below, _by_tail(a[~below], x[~below], 1.0)),
    ):
        found[chosen] = gradient
    return found.reshape(shape)


class StandardGamma(Function):
    """Draws from the gamma distribution of shape alpha and rate 1."""

    @staticmethod
    def forward(ctx: Any, alpha: Tensor) -> Tensor:
        drawn = from_numpy_draw(stream(None).standard_gamma(alpha.array.astype(np.float64)), alpha)
        x = drawn.clamp(min=float(np.finfo(alpha.array.dtype).tiny))
        ctx.save_for_backward(alpha, x)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        alpha, x = ctx.saved_tensors
        return grad * from_numpy_draw(standard_gamma_gradient(alpha.array, x.array), alpha)


def standard_gamma(alpha: Tensor) -> Tensor:
    """A draw of rate 1 for each shape alpha, with gradients."""
    return StandardGamma.apply(alpha)  # type: ignore[no-any-return]


def log_standard_gamma(alpha: Tensor) -> Tensor:
    """The logarithm of such a draw; it does not underflow for small alpha.

    A draw of shape alpha is one of shape alpha + 1 times u^(1/alpha) (Marsaglia & Tsang 2000).
    """
    log_u = from_numpy_draw(-stream(None).standard_exponential(alpha.shape), alpha)
    return standard_gamma(alpha + 1).log() + log_u / alpha
