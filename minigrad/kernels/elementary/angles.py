"""Angles and their tangents."""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.elementary.loops import of_one, of_two
from minigrad.kernels.elementary.polynomials import arc_sine, arc_tangent, cosine, sine

HALF_PI = math.pi / 2
# pi / 2 in three parts: the multiples of the first two that are taken off an angle are exact.
_LEAD, _MIDDLE, _REST = 1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21
_PER_QUARTER = 2 / math.pi
# The largest angle with exact multiples, about.
_LARGEST = 1_000_000.0


def _is_large_angle(x: float) -> bool:
    return abs(x) > _LARGEST


def _tan(x: float) -> Any:
    n = np.rint(x * _PER_QUARTER)
    r = ((x - n * _LEAD) - n * _MIDDLE) - n * _REST
    square = r * r
    opposite, adjacent = r * sine(square), cosine(square)
    half = n * 0.5
    is_turned = half != np.floor(half)  # by an odd number of right angles
    top = -adjacent if is_turned else opposite
    bottom = opposite if is_turned else adjacent
    return top / bottom if x != 0 else x


def _tan_of_any(x: float) -> float:
    return math.tan(x)


def _atan(x: float) -> Any:
    size = abs(x)
    is_steep = size > 1
    t = 1 / size if is_steep else size
    angle = t * arc_tangent(t * t)
    return math.copysign(HALF_PI - angle if is_steep else angle, x)


def _atan2(y: float, x: float) -> Any:
    up, along = abs(y), abs(x)
    is_steep = up > along
    low, high = along if is_steep else up, up if is_steep else along
    t = 1.0 if up == along else low / high
    t = 0.0 if up + along == 0 else t
    angle = t * arc_tangent(t * t)
    angle = HALF_PI - angle if is_steep else angle
    angle = math.pi - angle if math.copysign(1.0, x) < 0 else angle
    return math.copysign(angle, y)


@device_function(inlined=True)
def _folded(size: float) -> Any:
    """asin(size) up to 1/2, and half of acos(size) beyond."""
    square = (1 - size) * 0.5 if size > 0.5 else size * size
    root = np.sqrt(square) if size > 0.5 else size
    return root * arc_sine(square)


def _asin(x: float) -> Any:
    is_beyond = abs(x) > 0.5
    part = _folded(abs(x))
    return math.copysign(HALF_PI - (part + part) if is_beyond else part, x)


def _acos(x: float) -> Any:
    is_beyond = abs(x) > 0.5
    part = _folded(abs(x))
    complement = math.copysign(part, x)
    twice = part + part
    return (math.pi - twice if x < 0 else twice) if is_beyond else HALF_PI - complement


tan = of_one(_tan, np.tan, _is_large_angle, _tan_of_any)
atan = of_one(_atan, np.arctan)
atan2 = of_two(_atan2, np.arctan2)
asin = of_one(_asin, np.arcsin)
acos = of_one(_acos, np.arccos)
