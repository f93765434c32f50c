"""Orthogonal polynomials by their recurrences (DLMF 18.9), as functions of a position and a degree.

A degree is cut to a whole number; below 0 the polynomial is 0.
"""

import math
from typing import Any

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.special.loops import of_two

# Above this degree Chebyshev polynomials between -1 and 1 are taken from their angle.
SHORT = 8


@device_function
def _is_number(x: float, n: float) -> Any:
    return not (math.isnan(x) or math.isnan(n) or math.isinf(n))


@device_function
def _overflowed(is_outside: bool, base: float, degree: int) -> Any:
    """A polynomial too large for float64: beyond all its zeros the sign is that of its power."""
    if not is_outside:
        return math.nan
    return -math.inf if base < 0 and degree % 2 else math.inf


@device_function
def _chebyshev_steps(x: float, first: float, degree: int) -> Any:
    """The degree-th member of the sequence 1, first, ..., p = 2 x q - r."""
    if degree == 0:
        return 1.0
    before, here = 1.0, first
    for _ in range(degree - 1):
        before, here = here, 2 * x * here - before
        if math.isinf(here):
            break
    return _overflowed(True, x, degree) if math.isinf(here) else here


@device_function
def _chebyshev_t(x: float, n: float) -> Any:
    if not _is_number(x, n):
        return math.nan
    degree = int(n)
    if degree < 0:
        return 0.0
    if abs(x) == 1:
        return 1.0 if x > 0 or degree % 2 == 0 else -1.0
    if degree > SHORT and abs(x) < 1:
        return math.cos(degree * math.acos(x))
    return _chebyshev_steps(x, x, degree)


@device_function
def _chebyshev_u(x: float, n: float) -> Any:
    if not _is_number(x, n):
        return math.nan
    degree = int(n)
    if degree < 0:
        return 0.0
    if abs(x) == 1:
        return degree + 1.0 if x > 0 or degree % 2 == 0 else -(degree + 1.0)
    if degree > SHORT and abs(x) < 1:
        angle = math.acos(x)
        return math.sin((degree + 1) * angle) / math.sin(angle)
    return _chebyshev_steps(x, 2 * x, degree)


@device_function
def _chebyshev_v(x: float, n: float) -> Any:
    if not _is_number(x, n):
        return math.nan
    degree = int(n)
    if degree < 0:
        return 0.0
    if abs(x) == 1:
        return 1.0 if x > 0 else (2 * degree + 1.0) * (1 - degree % 2 * 2)
    if degree > SHORT and abs(x) < 1:
        angle = math.acos(x)
        return math.cos((degree + 0.5) * angle) / math.cos(0.5 * angle)
    return _chebyshev_steps(x, 2 * x - 1, degree)


@device_function
def _chebyshev_w(x: float, n: float) -> Any:
    if not _is_number(x, n):
        return math.nan
    degree = int(n)
    if degree < 0:
        return 0.0
    if abs(x) == 1:
        return 2 * degree + 1.0 if x > 0 else 1.0 - degree % 2 * 2
    if degree > SHORT and abs(x) < 1:
        angle = math.acos(x)
        return math.sin((degree + 0.5) * angle) / math.sin(0.5 * angle)
    return _chebyshev_steps(x, 2 * x + 1, degree)


@of_two
def chebyshev_polynomial_t(x: float, n: float) -> Any:
    return _chebyshev_t(x, n)


@of_two
def chebyshev_polynomial_u(x: float, n: float) -> Any:
    return _chebyshev_u(x, n)


@of_two
def chebyshev_polynomial_v(x: float, n: float) -> Any:
    return _chebyshev_v(x, n)


@of_two
def chebyshev_polynomial_w(x: float, n: float) -> Any:
    return _chebyshev_w(x, n)


@of_two
def shifted_chebyshev_polynomial_t(x: float, n: float) -> Any:
    return _chebyshev_t(2 * x - 1, n)


@of_two
def shifted_chebyshev_polynomial_u(x: float, n: float) -> Any:
    return _chebyshev_u(2 * x - 1, n)


@of_two
def shifted_chebyshev_polynomial_v(x: float, n: float) -> Any:
    return _chebyshev_v(2 * x - 1, n)


@of_two
def shifted_chebyshev_polynomial_w(x: float, n: float) -> Any:
    return _chebyshev_w(2 * x - 1, n)


@device_function
def _hermite(x: float, n: float, scale: float) -> Any:
    """He (scale 1) or H (scale 2): p = scale (x q - k r)."""
    if not _is_number(x, n):
        return math.nan
    degree = int(n)
    if degree < 1:
        return 1.0 if degree == 0 else 0.0
    before, here = 1.0, scale * x
    for k in range(1, degree):
        before, here = here, scale * (x * here - k * before)
        if math.isinf(here):
            break
    if math.isinf(here):
        return _overflowed(x * x * scale > 4 * degree, x, degree)
    return here


@of_two
def hermite_polynomial_h(x: float, n: float) -> Any:
    return _hermite(x, n, 2.0)


@of_two
def hermite_polynomial_he(x: float, n: float) -> Any:
    return _hermite(x, n, 1.0)


@of_two
def laguerre_polynomial_l(x: float, n: float) -> Any:
    if not _is_number(x, n):
        return math.nan
    degree = int(n)
    if degree < 1 or x == 0:
        return 1.0 if degree >= 0 else 0.0
    before, here = 1.0, 1 - x
    for k in range(1, degree):
        before, here = here, ((2 * k + 1 - x) * here - k * before) / (k + 1)
        if math.isinf(here):
            break
    if math.isinf(here):
        return _overflowed(x < 0 or x > 4 * degree + 2, -x, degree)
    return here


@of_two
def legendre_polynomial_p(x: float, n: float) -> Any:
    if not _is_number(x, n):
        return math.nan
    degree = int(n)
    if degree < 0:
        return 0.0
    if abs(x) == 1:
        return 1.0 if x > 0 or degree % 2 == 0 else -1.0
    if degree == 0:
        return 1.0
    before, here = 1.0, x
    for k in range(1, degree):
        before, here = here, ((2 * k + 1) * x * here - k * before) / (k + 1)
        if math.isinf(here):
            break
    return _overflowed(True, x, degree) if math.isinf(here) else here
