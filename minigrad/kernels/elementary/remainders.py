"""Quotients rounded to integers, and their remainders, exact as in C."""

import math
from typing import Any

import numpy as np

from minigrad.kernels.elementary.loops import of_two

# A quotient of two float32 below this is on the right side of the integers next to it, and that
# integer times the divisor fits a double: both numbers have 24 bits.
_LARGEST = 2.0**28


def _is_large_quotient(x: float, y: float) -> bool:
    """Whether the quotient is large, infinite or nan."""
    return not abs(x / y) < _LARGEST


def _fmod(x: float, y: float) -> Any:
    n = np.trunc(x / y)
    rest = x - n * y
    return math.copysign(rest, x) if n != 0 else x


def _fmod_of_any(x: float, y: float) -> Any:
    return np.fmod(x, y) if y != 0 and abs(x) < math.inf else math.nan


def _remainder(x: float, y: float) -> Any:
    n = np.trunc(x / y)
    rest = x - n * y if n != 0 else x
    rest = rest + y if rest != 0 and (rest < 0) != (y < 0) else rest
    return rest if rest != 0 else math.copysign(0.0, y)


def _remainder_of_any(x: float, y: float) -> Any:
    if y == 0 or not abs(x) < math.inf or math.isnan(y):
        return math.nan
    rest = np.fmod(x, y)
    rest = rest + y if rest != 0 and (rest < 0) != (y < 0) else rest
    return rest if rest != 0 else math.copysign(0.0, y)


fmod = of_two(_fmod, np.fmod, _is_large_quotient, _fmod_of_any)
remainder = of_two(_remainder, np.remainder, _is_large_quotient, _remainder_of_any)


def _is_inexact_quotient(x: float, y: float) -> bool:
    """Whether a number is infinite or nan, or a quotient so large that NumPy's roundings count."""
    return not (abs(x / y) < 2.0**22 and abs(y) < math.inf)


def _floor_divide(x: float, y: float) -> Any:
    n = np.floor(x / y)
    return n if n != 0 else math.copysign(0.0, x / y)


def _floor_divide_of_any(x: float, y: float) -> Any:
    left, right = np.float32(x), np.float32(y)
    if right == 0:
        return left / right
    rest = np.float32(np.fmod(x, y)) if abs(x) < math.inf else np.float32(math.nan)
    quotient = np.float32(np.float32(left - rest) / right)
    if rest != 0 and (rest < 0) != (right < 0):
        quotient = np.float32(quotient - np.float32(1))
    if quotient == 0:
        return np.float32(math.copysign(0.0, x / y))
    floor = np.floor(quotient)
    return np.float32(floor + np.float32(1)) if quotient - floor > 0.5 else np.float32(floor)


floor_divide = of_two(_floor_divide, np.floor_divide, _is_inexact_quotient, _floor_divide_of_any)
