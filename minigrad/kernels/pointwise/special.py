"""Special functions that NumPy lacks, element by element, computed in double precision.

The gamma family follows the Stirling and Euler-Maclaurin series (Abramowitz & Stegun 6.3, 6.4), the
inverse error function Giles' rational approximation (2012) with two Newton steps.
"""

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.simd.math import FLOATS

Array = np.ndarray[Any, Any]

CHUNK = 1024  # elements in one task: each costs tens of nanoseconds


def _loop(out: Array, x: Array, order: int) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(out_part.size):
            out_part[i] = _element(np.float64(x_part[i]), order)


def _element(x: float, order: int) -> float:
    """Placeholder in the loop above, which each kernel replaces by its scalar function."""
    raise NotImplementedError


def _over_array(element: Callable[[float, int], float]) -> Callable[..., Array]:
    """Return the function over arrays: it gives a new array of the argument's shape and dtype."""
    names = _loop.__globals__ | {"_element": device_function(element)}
    filled = FunctionType(_loop.__code__, names)
    filled.__qualname__ = element.__name__
    compiled = kernel(filled)

    def apply(x: Array, order: int = 0) -> Array:
        wide = x if x.dtype in FLOATS else x.astype(np.float32)
        out = np.empty(x.shape, wide.dtype)
        compiled.run(x.size, out.reshape(-1), np.ascontiguousarray(wide).reshape(-1), order)
        return out.astype(x.dtype, copy=False)

    return apply


@_over_array
def erfc(x: float, order: int) -> float:
    return math.erfc(x)


@_over_array
def lgamma(x: float, order: int) -> float:
    if math.isinf(x) or (x == np.floor(x) and x <= 0):
        return math.inf
    return math.lgamma(x)


@_over_array
def digamma(x: float, order: int) -> float:
    if x == 0:
        return -math.copysign(math.inf, x)
    if x < 0 and x == np.floor(x):
        return math.nan
    reflection = 0.0
    if x < 0:  # psi(1 - x) - psi(x) = pi / tan(pi x)
        # By the distance to the nearest pole, which has full precision beside it.
        reflection = -math.pi / math.tan(math.pi * (x - np.rint(x)))
        x = 1 - x
    shift = 0.0
    while x < 10:
        shift -= 1 / x
        x += 1
    z = 1 / (x * x)
    series = 1 / 12 - z * (
        1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132 - z * (691 / 32760 - z / 12))))
    )
    return reflection + shift + math.log(x) - 0.5 / x - z * series


@device_function
def _hurwitz_zeta(s: int, q: float) -> Any:
    """The Hurwitz zeta function, the sum of (q + k)**-s over k >= 0, for q > 0."""
    total = 0.0
    while q < 12:
        power = q**s  # Numba's q**-s raises ZeroDivisionError where it underflows
        total += 1 / power if power > 0 else math.inf
        q += 1
    total += q ** (1 - s) / (s - 1) + 0.5 * q**-s
    factor = s * q ** (-s - 1)
    z = 1 / (q * q)
    # Bernoulli numbers over factorials: B2/2!, B4/4!, ...
    for k, b in enumerate((1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)):
        total += b * factor
        factor *= (s + 2 * k + 1) * (s + 2 * k + 2) * z
    return total


@_over_array
def polygamma(x: float, order: int) -> float:
    """(-1)**(n + 1) n! zeta(n + 1, x), the n-th derivative of digamma, n >= 1."""
    s = order + 1
    if math.isnan(x):
        return x
    if x > 0:
        zeta = _hurwitz_zeta(s, x) if x < math.inf else 0.0
    else:  # the terms at negative positions, then those at positive ones
        below = -x - np.floor(-x)
        if below == 0:
            zeta = math.inf
        else:
            lower = _hurwitz_zeta(s, below) - _hurwitz_zeta(s, 1 - x)
            zeta = _hurwitz_zeta(s, 1 - below) + (lower if s % 2 == 0 else -lower)
    return (math.gamma(s) if s % 2 == 0 else -math.gamma(s)) * zeta


@device_function
def _polynomial(x: float, coefficients: Any) -> Any:
    total = 0.0
    for c in coefficients:
        total = total * x + c
    return total


@_over_array
def erfinv(x: float, order: int) -> float:
    if not -1 < x < 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    w = -math.log1p(-x * x)
    if w < 5:
        centre = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                  -0.00125372503, -0.00417768164, 0.246640727, 1.50140941)  # fmt: skip
        y = _polynomial(w - 2.5, centre) * x
    else:
        edge = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                -0.0076224613, 0.00943887047, 1.00167406, 2.83297682)  # fmt: skip
        y = _polynomial(math.sqrt(w) - 3, edge) * x
    for _ in range(2):
        if abs(x) < 0.5:
            excess = math.erf(y) - x
        else:  # 1 - erf(y) without cancellation
            excess = math.copysign(1.0, x) * ((1 - abs(x)) - math.erfc(abs(y)))
        y -= excess * math.exp(y * y) * (0.5 * math.sqrt(math.pi))
    return float(y)
