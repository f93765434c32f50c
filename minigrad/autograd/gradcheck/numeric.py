"""Derivatives from function values alone, each with a bound on its error.

A central difference with one Richardson step errs in two ways: by the function's curvature, which
two steps of different length show, and by the rounding of its values, which grows as the step
gets shorter.  The bound is the sum of both; a step that leaves it too large is replaced by others.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.types import Array

# Steps, relative to the size of what is moved, by the dtype's rounding: near its fifth root.
STEPS = {"f8": 2e-3, "f4": 6e-2, "f2": 0.25}
STEP = STEPS["f8"]
# What the first step is multiplied by where its error is too large: near a kink, near the edge of
# the domain and for functions that turn fast shorter ones are right, for noisy ones longer ones.
OTHERS = (1e-2, 1e-4, 1e-6, 20.0)
# By how many roundings the value of a function is off.
ROUNDINGS = 8.0
# Values beside the point whose scatter is measured, how far apart they are, as a part of the step
# and in roundings, and by how much of the scatter a difference of values may be off.
BESIDE, PART_OF_STEP, ROUNDINGS_APART, SCATTERS = 17, 1e-3, 8.0, 16.0
PLACES = 65  # at which values are looked at to tell whether they are those of a step function


class Estimate(NamedTuple):
    """A derivative, the errors that it can have by curvature and by rounding, and its step."""

    value: Any
    curvature: Any
    rounding: Any
    step: float

    @property
    def error(self) -> Any:
        """The bound on the error."""
        return self.curvature + self.rounding

    def with_scatter(self, scatter: float) -> "Estimate":
        """The estimate from values that scatter by so much."""
        return self._replace(rounding=self.rounding + SCATTERS * scatter / self.step)

    @property
    def worst(self) -> float:
        """The largest error; infinite if it is not known."""
        worst = float(np.max(self.error, initial=0.0))
        return worst if np.isfinite(worst) and np.isfinite(self.value).all() else np.inf


Terms = Callable[[float], Array]
Combine = Callable[[Array], Any]


def identity(changes: Array) -> Array:
    """Each value's derivative for itself."""
    return changes


def total(changes: Array) -> Any:
    """The derivative of the sum of the values."""
    return changes.sum()


def rounding_of(dtype: np.dtype[Any]) -> float:
    """The relative error of one rounding in this dtype."""
    return float(np.finfo(dtype).eps) / 2


def step_of(dtype: np.dtype[Any]) -> float:
    """The step that suits this dtype."""
    return STEPS[f"f{dtype.itemsize}"]


def central(terms: Terms, step: float, rounding: float, combine: Combine = total) -> Estimate:
    """d/dt of `terms(t)` at 0, combined: the error falls with the fourth power of the step."""
    with np.errstate(all="ignore"):
        (wide, size), (near, near_size) = (_spread(terms, h) for h in (step, step / 2))
        coarse, fine = combine(wide / (2 * step)), combine(near / step)
        value = (4 * fine - coarse) / 3
        seen = combine(np.maximum(size, near_size))
        rounded = ROUNDINGS * rounding * seen / step
        return Estimate(value, np.abs(fine - coarse) / 3, rounded, step)


def _spread(terms: Terms, step: float) -> tuple[Array, Array]:
    """The terms' change from one side to the other, and the size of those that change at all."""
    ahead, behind = terms(step), terms(-step)
    change = ahead - behind
    return change, np.where(change == 0, 0.0, np.maximum(np.abs(ahead), np.abs(behind)))


def one_sided(terms: Terms, step: float, rounding: float, combine: Combine = total) -> Estimate:
    """The derivative from one side: ahead for a positive step, from behind for a negative one."""
    with np.errstate(all="ignore"):
        start, far, near = terms(0.0), terms(step), terms(step / 2)
        coarse, fine = combine((far - start) / step), combine((near - start) / (step / 2))
        size = combine(np.where(far == start, 0.0, np.maximum(np.abs(far), np.abs(start))))
        rounded = 2 * ROUNDINGS * rounding * size / abs(step)
        return Estimate(2 * fine - coarse, np.abs(fine - coarse), rounded, abs(step))


def exact(terms: Terms, rounding: float, combine: Combine = total) -> Estimate:
    """The difference over step 1, which is the derivative if the function is linear."""
    with np.errstate(all="ignore"):
        start, ahead = terms(0.0), terms(1.0)
        change = ahead - start
        size = combine(np.where(change == 0, 0.0, np.maximum(np.abs(ahead), np.abs(start))))
        return Estimate(combine(change), 0.0 * size, ROUNDINGS * rounding * size, 1.0)


def scatter(terms: Terms, step: float, rounding: float) -> float:
    """By how much rounding inside the function moves its terms, together; 0 if it is not known.

    Fourth differences of values close beside each other have nothing left of a smooth function.
    Moré & Wild 2011, Estimating Computational Noise, SIAM J. Sci. Comput. 33.
    """
    apart = max(PART_OF_STEP * step, ROUNDINGS_APART * rounding)
    places = np.arange(BESIDE) - BESIDE // 2
    with np.errstate(all="ignore"):
        left = np.diff([terms(float(place * apart)) for place in places], 4, axis=0) ** 2
        most = np.sort(left, axis=0)[: -(-3 * len(left) // 4)]  # without those at a kink
        found = float(np.sqrt(most.mean(axis=0) / 70).sum())  # 70: sum of squared weights
    return found if np.isfinite(found) else 0.0


def noise(terms: Terms, step: float) -> float:
    """By how much terms scatter at most places near the point, close together or not.

    Those at a kink do so at few, and those of a smooth function by less where they are closer.
    """
    found = []
    for reach in (4 * step, 0.4 * step):
        with np.errstate(all="ignore"):
            seen = [terms(float(t)) for t in np.linspace(-reach, reach, PLACES)]
            left = np.median(np.abs(np.diff(seen, 4, axis=0)), axis=0)
            found.append(float(left.sum()) / np.sqrt(70))
    wide, near = found
    return wide if np.isfinite(wide) and near > 0.2 * wide else 0.0


def stairs(terms: Terms, step: float) -> float:
    """By how much terms jump that are constant in between, near the point; 0 if none is so."""
    with np.errstate(all="ignore"):
        seen = np.array([terms(float(t)) for t in np.linspace(-10 * step, 10 * step, PLACES)])
        changes = np.abs(np.diff(seen, axis=0))
    if not np.isfinite(changes).all():
        return 0.0
    some = changes != 0
    alone = ~some[:-2] & some[1:-1] & ~some[2:]  # constant on both sides
    stepwise = alone.any(axis=0) & (alone == some[1:-1]).all(axis=0)
    return float(changes[1:-1][:, stepwise].max(initial=0.0))


def jump(terms: Terms, rounding: float, size: float = 0.0) -> float:
    """By how much values of this size jump however short the step; 0 if by rounding alone."""
    with np.errstate(all="ignore"):
        middle = terms(0.0)
        bent = [
            float(np.max(np.abs(terms(step) - 2 * middle + terms(-step)), initial=0.0))
            for step in (1e-4, 1e-6, 1e-8)
        ]
        least = 100 * rounding * float(np.abs(middle).max(initial=size))
    noisy = np.isfinite(bent).all() and max(bent[1:]) > max(0.02 * bent[0], least)
    return max(bent[1:]) if noisy else 0.0


def best(estimates: Iterable[Estimate], enough: Callable[[Estimate], bool]) -> Estimate:
    """The first estimate that is good enough; if none is, the one with the least error."""
    chosen = None
    for estimate in estimates:
        if enough(estimate):
            return estimate
        if chosen is None or estimate.worst < chosen.worst:
            chosen = estimate
    assert chosen is not None
    return chosen


def steps_from(first: float) -> list[float]:
    """The steps to try, the usual one first."""
    return [first, *(first * factor for factor in OTHERS)]


def sizes_of(point: Array) -> Array:
    """The size of each entry, or of the usual entry of the array where that is larger.

    Steps are multiples of it: an entry of 1e8 is moved by more than one of 1.
    """
    magnitudes = np.abs(point).astype(np.float64)
    present = magnitudes[magnitudes > 0]
    usual = float(np.median(present)) if present.size else 1.0
    return np.asarray(np.maximum(magnitudes, usual))


def away_from_zero(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random numbers of either sign and size 0.5 to 1.5, so that no entry goes unnoticed."""
    return np.asarray(rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))


def unit(shape: tuple[int, ...], index: tuple[int, ...]) -> Array:
    """The direction of one entry."""
    direction: Array = np.zeros(shape)
    direction[index] = 1.0
    return direction
