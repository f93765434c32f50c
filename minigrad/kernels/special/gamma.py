"""The incomplete gamma functions and the Hurwitz zeta function (DLMF 8 and 25.11)."""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.special.loops import of_two

EPSILON = 2.0**-53
TINY = 1e-300
EULER = 0.5772156649015329
# From here on the uniform expansion is taken: series and fraction need about sqrt(a) terms.
LARGE = 1e5


@device_function
def _minus_log1p(x: float) -> Any:
    """x - log(1 + x) for x > -1, with a small relative error near 0 too."""
    if abs(x) > 0.5:
        return x - math.log1p(x)
    # log(1 + x) = 2 atanh(r), and x - 2 r = x r
    r = x / (2 + x)
    square, power, total, k = r * r, r, 0.0, 1
    while abs(power) > EPSILON * abs(total):
        power *= square
        k += 2
        total += power / k
    return x * r - 2 * total


@device_function
def _prefactor(a: float, x: float) -> Any:
    """x**a exp(-x) / gamma(a + 1), for large `a` by Stirling's series (DLMF 5.11.1)."""
    if a < 10:
        half = math.exp(-0.5 * x)  # exp(-x) alone would be subnormal too early
        return half * x**a / math.gamma(a + 1) * half
    z = 1 / (a * a)
    rest = 1 / 1260 - z * (1 / 1680 - z * (1 / 1188 - z * (691 / 360360)))
    rest = (1 / 12 - z * (1 / 360 - z * rest)) / a
    mu = (x - a) / a
    excess = _minus_log1p(mu) if mu > -0.5 else mu - math.log(x / a)
    return math.exp(-a * excess - rest) / math.sqrt(2 * math.pi * a)


@device_function
def _lower_series(a: float, x: float) -> Any:
    """P(a, x) by the series DLMF 8.11.4, for x below about a + 1."""
    total = term = 1.0
    k = 0
    while term > EPSILON * total:
        k += 1
        term *= x / (a + k)
        total += term
    return _prefactor(a, x) * total


@device_function
def _upper_fraction(a: float, x: float) -> Any:
    """Q(a, x) by the continued fraction DLMF 8.9.2, evaluated by Lentz's method, for x > a + 1."""
    b = x + 1 - a
    c, d = 1 / TINY, 1 / b
    value, step, k = d, 0.0, 0
    while abs(step - 1) > 2 * EPSILON:
        k += 1
        numerator = -k * (k - a)
        b += 2
        d = numerator * d + b
        d = 1 / (d if abs(d) > TINY else TINY)
        c = b + numerator / c
        c = c if abs(c) > TINY else TINY
        step = c * d
        value *= step
    return a * _prefactor(a, x) * value


@device_function
def _upper_series(a: float, x: float) -> Any:
    """Q(a, x) for small x (DLMF 8.7.3), where 1 - P(a, x) would cancel."""
    if a < 0.1:  # log gamma(1 + a), DLMF 5.7.3
        zetas = (1.6449340668482264, 1.2020569031595942, 1.0823232337111382, 1.0369277551433699,
                 1.0173430619844491, 1.0083492773819228, 1.0040773561979443, 1.0020083928260822,
                 1.000994575127818, 1.0004941886041195, 1.000246086553308, 1.0001227133475785,
                 1.0000612481350587, 1.0000305882363070)  # fmt: skip
        log_gamma, power = -EULER * a, -a
        for k, zeta in enumerate(zetas):
            power *= -a
            log_gamma += zeta * power / (k + 2)
    else:
        log_gamma = math.lgamma(1 + a)
    factor, total, term, k = 1.0, 0.0, 1.0, 0
    while abs(term) > EPSILON * abs(total):
        k += 1
        factor *= -x / k
        term = factor / (a + k)
        total += term
    exponent = a * math.log(x) - log_gamma
    return -math.expm1(exponent) - a * math.exp(exponent) * total


@device_function
def _uniform(a: float, x: float, side: float) -> Any:
    """Q(a, x), or P(a, x) with side -1, for large `a` (DLMF 8.12.3 and 8.12.4, to order a**-2)."""
    mu = (x - a) / a
    half_square = _minus_log1p(mu)
    if a * half_square > 745:
        return 0.0 if mu * side > 0 else 1.0
    eta = math.copysign(math.sqrt(2 * half_square), mu)
    first = -1 / 3 + eta * (1 / 12 - eta * (2 / 135 - eta * (
        1 / 864 + eta * (1 / 2835 - eta * (139 / 777600 - eta / 25515)))))  # fmt: skip
    second = -1 / 540 - eta * (1 / 288 - eta / 378)
    sums = first + (second + 25 / 6048 / a) / a
    rest = math.exp(-a * half_square) / math.sqrt(2 * math.pi * a) * sums
    return 0.5 * math.erfc(side * eta * math.sqrt(0.5 * a)) + side * rest


@device_function
def _limit_of_lower(a: float, x: float) -> Any:
    """P(a, x) where an argument is 0, infinite, negative or nan."""
    if math.isnan(a) or math.isnan(x) or a < 0 or x < 0 or (a == 0 and x == 0):
        return math.nan
    if math.isinf(a) and math.isinf(x):
        return math.nan
    return 1.0 if a == 0 or math.isinf(x) else 0.0


@of_two
def gammainc(a: float, x: float) -> Any:
    if not (0 < a < math.inf and 0 < x < math.inf):
        return _limit_of_lower(a, x)
    if a > LARGE:
        return _uniform(a, x, -1.0)
    return _lower_series(a, x) if x < a + 1 else 1 - _upper_fraction(a, x)


@of_two
def gammaincc(a: float, x: float) -> Any:
    if not (0 < a < math.inf and 0 < x < math.inf):
        return 1 - _limit_of_lower(a, x)
    if a > LARGE:
        return _uniform(a, x, 1.0)
    if x >= a + 1 and x > 1.1:
        return _upper_fraction(a, x)
    is_near_one = a > -0.4 / math.log(x) if x < 0.5 else a > 1.1 * x
    return 1 - _lower_series(a, x) if x > 1.1 or is_near_one else _upper_series(a, x)


@device_function
def _hurwitz(s: float, q: float) -> Any:
    """The sum of (q + k)**-s over k >= 0, for s > 1 and q > 0 (DLMF 25.11.5)."""
    total = 0.0
    while q < 12 + s and q < 200:
        term = q**-s
        total += term
        if term < EPSILON * total or math.isinf(total):
            return total
        q += 1
    total += q ** (1 - s) / (s - 1) + 0.5 * q**-s
    factor = s * q ** (-s - 1)
    z = 1 / (q * q)
    # Bernoulli numbers over factorials: B2/2!, B4/4!, ...
    numbers = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000,
               1 / 74724249600, -3617 / 10670622842880000)  # fmt: skip
    for k, b in enumerate(numbers):
        total += b * factor
        factor *= (s + 2 * k + 1) * (s + 2 * k + 2) * z
    return total


@device_function
def _limit_of_zeta(s: float, q: float) -> Any:
    """The zeta function at its poles, of infinite arguments and beyond its domain."""
    if math.isnan(s) or math.isnan(q) or s < 1:
        return math.nan
    if s == 1 or (q <= 0 and q == np.floor(q)):
        return math.inf
    if q > 0:  # one of the arguments is infinite
        return math.inf if q < 1 else (1.0 if q == 1 else 0.0)
    return math.nan


@of_two
def zeta(s: float, q: float) -> Any:
    is_pole = q <= 0 and q == np.floor(q)
    if not 1 < s < math.inf or is_pole or not q < math.inf or (q < 0 and s != np.floor(s)):
        return _limit_of_zeta(s, q)
    if q > 0:
        return _hurwitz(s, q)
    # the terms at negative positions, then those at positive ones
    below = -q - np.floor(-q)
    lower = _hurwitz(s, below) - _hurwitz(s, 1 - q)
    return _hurwitz(s, 1 - below) + (lower if s % 2 == 0 else -lower)
