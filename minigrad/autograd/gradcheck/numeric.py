"""Derivatives from function values alone, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.types import Array

STEP = 2e-3
# Where the first step meets a kink or the edge of the domain, one this much smaller may not.
FINER = 1e-2


def directional_derivative(
    function: Callable[[Array], Any],
    point: Array,
    direction: Array,
    *,
    linear: bool = False,
    step: float = STEP,
) -> Any:
    """d/dt function(point + t * direction) at 0; the function gives a number or an array.

    For a linear function the difference over step 1 is exact up to rounding.  Otherwise a central
    difference with one Richardson step: the error falls with the fourth power of the step.
    """
    if linear:
        return function(point + direction) - function(point)

    def central(h: float) -> Any:
        ahead, behind = function(point + h * direction), function(point - h * direction)
        return (ahead - behind) / (2 * h)

    return (4 * central(step / 2) - central(step)) / 3


def slope_jump(
    function: Callable[[Array], float], point: Array, direction: Array, step: float
) -> float:
    """By how much the slopes on both sides differ: of the order of `step` unless at a kink."""
    ahead, behind = function(point + step * direction), function(point - step * direction)
    return abs(ahead - 2 * function(point) + behind) / step


def away_from_zero(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random numbers of either sign and size 0.5 to 1.5, so that no entry goes unnoticed."""
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


def unit(shape: tuple[int, ...], index: tuple[int, ...]) -> Array:
    """The direction of one entry."""
    direction: Array = np.zeros(shape)
    direction[index] = 1.0
    return direction
