"""Bessel functions of orders 0 and 1, modified ones, and Airy's function (DLMF 9 and 10).

The series have positive terms or end before they cancel.  Backward recurrence, the trapezoidal
rule and steps along the differential equation serve where asymptotic expansions do not reach.
"""

import math
from typing import Any

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.special.loops import of_one

EPSILON = 2.0**-53
EULER = 0.5772156649015329
TWO_OVER_PI = 2 / math.pi
# Asymptotic expansions have an error of about exp(-2 x).
FAR = 25.0
STEP = 0.12  # of the trapezoidal rule


@device_function
def _hankel_sums(order: float, x: float) -> Any:
    """The sums over even and over odd k of DLMF 10.17.3: of (-1)**(k // 2) a_k / x**k."""
    even, odd, term, k = 1.0, 0.0, 1.0, 0
    while abs(term) > EPSILON and k < 60:
        k += 1
        term *= (4 * order * order - (2 * k - 1) ** 2) / (8 * k * x)
        signed = -term if k % 4 in (2, 3) else term
        if k % 2:
            odd += signed
        else:
            even += signed
    return even, odd


@device_function
def _far_jy(order: int, x: float) -> Any:
    """J and Y of order 0 or 1 for large x.  The angle x - pi/4 is never rounded."""
    even, odd = _hankel_sums(float(order), x)
    cosine, sine = math.cos(x), math.sin(x)
    if order == 0:
        cosine, sine = cosine + sine, sine - cosine
    else:
        cosine, sine = sine - cosine, -sine - cosine
    size = 1 / math.sqrt(math.pi * x)
    return size * (even * cosine - odd * sine), size * (even * sine + odd * cosine)


@device_function
def _near_jy(order: int, x: float) -> Any:
    """J and Y of order 0 or 1 for 0 < x < 25.

    Backward recurrence gives all J_n; their sum is known (DLMF 10.12.4), and Y is a series of them
    (Abramowitz & Stegun 9.1.88).
    """
    logarithm = math.log(0.5 * x) + EULER
    if x < 1e-8:
        if order == 0:
            return 1.0, TWO_OVER_PI * logarithm
        return 0.5 * x, -TWO_OVER_PI / x
    here, above, sum_of_all, first, second = 1e-30, 0.0, 0.0, 0.0, 0.0
    for n in range(2 * int(16 + 0.9 * x), 0, -1):
        sign, k = 1 - (n // 2) % 2 * 2, n // 2
        if n % 2 == 0:
            sum_of_all += 2 * here
            first += sign * here / k
        elif k:
            second += sign * n * here / (k * (k + 1))
        here, above = 2 * n / x * here - above, here
    sum_of_all += here
    j0, j1 = here / sum_of_all, above / sum_of_all
    if order == 0:
        return j0, TWO_OVER_PI * (logarithm * j0 - 2 * first / sum_of_all)
    return j1, TWO_OVER_PI * ((logarithm - 1) * j1 - second / sum_of_all - j0 / x)


@device_function
def _bessel_j(order: int, x: float) -> Any:
    if math.isnan(x) or math.isinf(x):
        return 0.0 * (x if math.isnan(x) else 1.0)
    if x == 0:
        return 1.0 if order == 0 else x
    size = abs(x)
    value = _near_jy(order, size)[0] if size < FAR else _far_jy(order, size)[0]
    return -value if order == 1 and x < 0 else value


@device_function
def _bessel_y(order: int, x: float) -> Any:
    if not 0 < x < math.inf:
        return -math.inf if x == 0 else (0.0 if x > 0 else math.nan)
    return _near_jy(order, x)[1] if x < FAR else _far_jy(order, x)[1]


@of_one
def bessel_j0(x: float) -> Any:
    return _bessel_j(0, x)


@of_one
def bessel_j1(x: float) -> Any:
    return _bessel_j(1, x)


@of_one
def bessel_y0(x: float) -> Any:
    return _bessel_y(0, x)


@of_one
def bessel_y1(x: float) -> Any:
    return _bessel_y(1, x)


@of_one
def spherical_bessel_j0(x: float) -> Any:
    if math.isinf(x):
        return 0.0
    return 1.0 if x == 0 else math.sin(x) / x


@device_function
def _far_modified(order: float, x: float) -> Any:
    """The sum of a_k / x**k (DLMF 10.40.2); of (-1)**k a_k / x**k (10.40.1) for negative x."""
    total, term, k = 1.0, 1.0, 0
    while abs(term) > EPSILON and k < 50:
        k += 1
        term *= (4 * order * order - (2 * k - 1) ** 2) / (8 * k * x)
        total += term
    return total


@device_function
def _scaled_i(order: int, x: float) -> Any:
    """exp(-x) I(x) for x >= 0 (DLMF 10.25.2)."""
    if x > FAR:
        return 0.0 if math.isinf(x) else (
            _far_modified(float(order), -x) / math.sqrt(2 * math.pi * x)
        )  # fmt: skip
    square = 0.25 * x * x
    total = term = 1.0
    k = 0
    while term > EPSILON * total:
        k += 1
        term *= square / (k * (k + order))
        total += term
    return total * math.exp(-x) * (0.5 * x if order else 1.0)


@of_one
def i0e(x: float) -> Any:
    return _scaled_i(0, abs(x))


@of_one
def i1e(x: float) -> Any:
    return math.copysign(_scaled_i(1, abs(x)), x)


@device_function
def _unscaled_i(order: int, x: float) -> Any:
    """I(x) for x >= 0, finite as long as the result is."""
    half = math.exp(0.5 * x)
    return math.inf if math.isinf(x) else half * _scaled_i(order, x) * half


@of_one
def modified_bessel_i0(x: float) -> Any:
    return _unscaled_i(0, abs(x))


@of_one
def modified_bessel_i1(x: float) -> Any:
    return math.copysign(_unscaled_i(1, abs(x)), x)


@device_function
def _scaled_k_integral(order: float, x: float) -> Any:
    """exp(x) K(x) for x >= 1, the integral DLMF 10.32.9 by the trapezoidal rule."""
    if x > FAR:
        return _far_modified(order, x) * math.sqrt(0.5 * math.pi / x)
    total, weight, t = 0.5, 1.0, 0.0
    while weight > EPSILON * total:
        t += STEP
        sinh = math.sinh(0.5 * t)
        weight = math.exp(-2 * x * sinh * sinh) * math.cosh(order * t)
        total += weight
    return STEP * total


@device_function
def _near_k(order: int, x: float) -> Any:
    """K(x) for 0 < x < 1 (DLMF 10.31.1 and 10.31.2)."""
    square, logarithm = 0.25 * x * x, math.log(0.5 * x) + EULER
    term, harmonic, total = 1.0, 0.0, 0.0
    for k in range(12):
        if order == 0:
            total += term * (harmonic - logarithm)
        else:
            total += term * (harmonic + 0.5 / (k + 1) - logarithm)
        harmonic += 1 / (k + 1)
        term *= square / ((k + 1) * (k + 1 + order))
    return total if order == 0 else 1 / x - 0.5 * x * total


@device_function
def _bessel_k(order: int, x: float, scaled: bool) -> Any:
    if not 0 < x < math.inf:
        return math.inf if x == 0 else (0.0 if x > 0 else math.nan)
    if x < 1:
        return _near_k(order, x) * (math.exp(x) if scaled else 1.0)
    return _scaled_k_integral(float(order), x) * (1.0 if scaled else math.exp(-x))


@of_one
def modified_bessel_k0(x: float) -> Any:
    return _bessel_k(0, x, False)


@of_one
def modified_bessel_k1(x: float) -> Any:
    return _bessel_k(1, x, False)


@of_one
def scaled_modified_bessel_k0(x: float) -> Any:
    return _bessel_k(0, x, True)


@of_one
def scaled_modified_bessel_k1(x: float) -> Any:
    return _bessel_k(1, x, True)


@device_function
def _airy_by_steps(x: float) -> Any:
    """Ai(x) from its value at 0, in steps along w'' = x w by Taylor series."""
    value, slope, at = 0.3550280538878172, -0.2588194037928068, 0.0
    steps = int(abs(x)) + 1
    h = x / steps
    for _ in range(steps):
        before, here, after = 0.0, value, slope * h  # terms of the series, w_n h**n
        value, slope_sum = here + after, after
        for n in range(28):
            following = (at * h * h * here + h**3 * before) / ((n + 1) * (n + 2))
            before, here, after = here, after, following
            value += after
            slope_sum += (n + 2) * after
        slope = slope_sum / h if h else slope
        at += h
    return value


@of_one
def airy_ai(x: float) -> Any:
    if math.isnan(x):
        return x
    zeta = 2 / 3 * abs(x) * math.sqrt(abs(x))
    if math.isinf(zeta):
        return 0.0
    if x > 1.5:  # DLMF 9.6.2
        return math.sqrt(x / 3) / math.pi * math.exp(-zeta) * _scaled_k_integral(1 / 3, zeta)
    if x > -9:
        return _airy_by_steps(x)
    # DLMF 9.7.9: the coefficients are those of the modified Bessel function of order 1/3
    even, odd = _hankel_sums(1 / 3, zeta)
    cosine, sine = math.cos(zeta), math.sin(zeta)
    size = 1 / math.sqrt(2 * math.pi * math.sqrt(-x))
    return size * (even * (cosine + sine) - odd * (sine - cosine))
