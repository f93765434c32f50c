"""Derivatives from function values alone, in float64."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

STEP = 2e-3


class Estimate(NamedTuple):
    """A derivative, and by how much halving the step changed it (0 for an exact one)."""

    value: float
    unsteady: float


def directional_derivative(
    function: Callable[[Array], float], point: Array, direction: Array, *, linear: bool
) -> Estimate:
    """d/dt function(point + t * direction) at 0.

    For a linear function the difference over step 1 is exact up to rounding.  Otherwise a central
    difference with one Richardson step: the error falls with the fourth power of the step, and
    where it does not, as across a kink, the estimate is marked as unsteady.
    """
    if linear:
        return Estimate(function(point + direction) - function(point), 0.0)

    def central(h: float) -> float:
        ahead, behind = function(point + h * direction), function(point - h * direction)
        return (ahead - behind) / (2 * h)

    coarse, fine = central(STEP), central(STEP / 2)
    return Estimate((4 * fine - coarse) / 3, abs(fine - coarse))


def away_from_zero(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random numbers of either sign and size 0.5 to 1.5, so that no entry goes unnoticed."""
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


def unit(shape: tuple[int, ...], index: tuple[int, ...]) -> Array:
    """The direction of one entry."""
    direction: Array = np.zeros(shape)
    direction[index] = 1.0
    return direction
