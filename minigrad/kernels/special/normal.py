"""The scaled error function and the normal distribution's logarithm and inverse (DLMF 7)."""

import math
from typing import Any

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.special.loops import of_one

SPLITTER = 2.0**27 + 1


@device_function(fastmath=frozenset())
def _exp_square(x: float) -> Any:
    """exp(x**2).  The square of the leading half of x is exact, so that its exponential is, too."""
    half = SPLITTER * x
    half = half - (half - x)
    return math.exp(half * half) * math.exp((x - half) * (x + half))


@device_function(fastmath=frozenset())
def _scaled_erfc(x: float) -> Any:
    """exp(x**2) erfc(x)."""
    if math.isnan(x):
        return x
    if x < 0:
        return math.inf if x < -26.7 else 2 * _exp_square(x) - _scaled_tail(-x)
    return _scaled_tail(x)


@device_function(fastmath=frozenset())
def _scaled_tail(x: float) -> Any:
    """exp(x**2) erfc(x) for x >= 0: as it stands, and asymptotically for large x (DLMF 7.12.1)."""
    if x < 26:
        return _exp_square(x) * math.erfc(x)
    z = 0.5 / (x * x)
    series = 1 - z * (1 - 3 * z * (1 - 5 * z * (1 - 7 * z * (1 - 9 * z * (1 - 11 * z)))))
    return series / (x * math.sqrt(math.pi))


@device_function
def _log_normal(x: float) -> Any:
    """The logarithm of the standard normal distribution function."""
    scaled = -x * math.sqrt(0.5)
    if x < -1:
        return math.log(0.5 * _scaled_tail(scaled)) - scaled * scaled
    return math.log1p(-0.5 * math.erfc(-scaled))


@of_one
def erfcx(x: float) -> Any:
    return _scaled_erfc(x)


@of_one
def log_ndtr(x: float) -> Any:
    return -math.inf if x == -math.inf else _log_normal(x)


@of_one
def ndtri(p: float) -> Any:
    if not 0 < p < 1:
        return -math.inf if p == 0 else (math.inf if p == 1 else math.nan)
    tail = min(p, 1 - p)
    if tail > 0.25:
        x = math.sqrt(2 * math.pi) * (p - 0.5)
        for _ in range(6):
            excess = 0.5 * math.erf(x * math.sqrt(0.5)) - (p - 0.5)
            slope = excess * math.sqrt(2 * math.pi) * math.exp(0.5 * x * x)
            x -= slope / (1 + 0.5 * x * slope)  # Halley's step
        return x
    # Abramowitz & Stegun 26.2.23, then Newton's steps on the logarithm, which is almost a parabola
    t = math.sqrt(-2 * math.log(tail))
    above = 2.515517 + t * (0.802853 + t * 0.010328)
    below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    x, goal = above / below - t, math.log(tail)
    for _ in range(4):
        ratio = math.sqrt(2 / math.pi) / _scaled_erfc(-x * math.sqrt(0.5))
        x -= (_log_normal(x) - goal) / ratio
    return x if p < 0.5 else -x
