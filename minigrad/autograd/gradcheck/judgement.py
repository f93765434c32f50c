"""The judgement of one derivative: right, wrong, or right as one of several slopes at a kink."""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from minigrad.autograd.gradcheck import numeric
from minigrad.autograd.gradcheck.numeric import Estimate, Terms
from minigrad.autograd.gradcheck.situation import Situation
from minigrad.autograd.gradcheck.strictness import CANCELLATION, Bounds
from minigrad.core.types import Array

# Slopes of both sides that differ by this much more than their errors are those of a kink.
JUMP = 10.0
LEAST_JUMP = 1e-4


class Verdict(NamedTuple):
    """One derivative as function values have it, and how far off a right one may be.

    slopes: of both sides where they differ, which is at a kink; any number between them is right.
    resolved: False where no step gives a derivative to the tolerance.
    """

    numeric: float
    allowed: float
    slopes: tuple[float, float] | None
    resolved: bool
    right: bool
    error: float

    def scaled(self, factor: float) -> "Verdict":
        """The verdict on the derivative in another unit."""
        slopes = self.slopes and (self.slopes[0] * factor, self.slopes[1] * factor)
        return self._replace(
            numeric=self.numeric * factor, allowed=self.allowed * factor,
            error=self.error * factor, slopes=slopes,
        )  # fmt: skip


class Judge:
    """Judges derivatives in one argument of a situation along directions."""

    def __init__(
        self, situation: Situation, position: int, bounds: Bounds, size: float, linear: bool
    ) -> None:
        self.situation = situation
        self.position = position
        self.bounds = bounds
        self.size = size
        self.linear = linear

    def verdict(self, direction: Array, analytic: float, scale: float) -> Verdict:
        """Judge a derivative along a direction: a sum of terms of total size `scale`."""
        terms = self.situation.terms_along(self.position, direction)
        estimate = self._estimate(terms, scale)
        found = self._judged(estimate, analytic, scale)
        if not np.isfinite(analytic):
            return found._replace(right=False)
        if not found.right:
            found = self._with_lost_digits(found, terms, analytic, scale)
        if found.right or self.linear or not found.resolved:
            return found  # a kink's central difference is resolved: it is the mean of both slopes
        tolerance = self._tolerance(found.numeric, scale)
        if numeric.jump(terms, self.bounds.rounding, self.size):
            return found._replace(allowed=tolerance, resolved=False)
        return self._at_kink(found, terms, analytic, tolerance)

    def _tolerance(self, value: float, scale: float) -> float:
        tolerance = self.bounds.tolerance(value, scale, self.size)
        if self.situation.point[self.position].dtype.itemsize < 8:
            # The moved point itself is rounded.
            tolerance += self.bounds.rounding * scale / self.bounds.step
        return tolerance

    def _judged(self, estimate: Estimate, analytic: float, scale: float) -> Verdict:
        value = float(estimate.value)
        resolved = self.bounds.enough(estimate, scale, self.size)
        allowed = self._tolerance(value, scale) + (float(estimate.error) if resolved else 0.0)
        error = abs(analytic - value)
        return Verdict(value, allowed, None, resolved, error <= allowed, error)

    def _estimates(self, terms: Terms) -> Iterator[Estimate]:
        rounding = self.bounds.rounding
        if self.linear:
            return iter([numeric.exact(terms, rounding)])
        steps = numeric.steps_from(self.bounds.step)
        return (numeric.central(terms, step, rounding) for step in steps)

    def _estimate(self, terms: Terms, scale: float) -> Estimate:
        return numeric.best(
            self._estimates(terms), lambda e: self.bounds.enough(e, scale, self.size)
        )

    # --- where digits are lost inside the function -----------------------------------------------

    def _with_lost_digits(
        self, found: Verdict, terms: Terms, analytic: float, scale: float
    ) -> Verdict:
        """The verdict with the scatter of the values in the bound.

        Values inside the function that are a thousand times as large as its results explain some
        scatter.  More than that is no excuse: a derivative that it could hide is not resolved.
        """
        bounds = self.bounds
        sizes = (float(np.abs(x).max(initial=0.0)) for x in self.situation.point)
        most = min(CANCELLATION * bounds.rounding, bounds.atol) * max(self.size, *sizes)
        own = numeric.scatter(terms, bounds.step, bounds.rounding)
        # Values along one entry may agree by chance.
        scatter = max(own, self._scatter) if max(own, self._scatter) <= most else own
        estimate = numeric.best(
            (e.with_scatter(scatter) for e in self._estimates(terms)), lambda e: False
        )
        value, lost = float(estimate.value), float(estimate.error)
        if value == 0 and not self._moves(terms):
            lost = most / (max(numeric.OTHERS) * bounds.step)
        elif not scatter:
            return found
        allowed, error = self._tolerance(value, scale) + lost, abs(analytic - value)
        if error > allowed:
            return found
        excused = scatter <= most
        return Verdict(value, allowed, None, excused, excused, error)

    def _moves(self, terms: Terms) -> bool:
        """True if a term has another value at the longest step."""
        step = max(numeric.OTHERS) * self.bounds.step
        with np.errstate(all="ignore"):
            return not (terms(-step) == terms(step)).all()

    @cached_property
    def _scatter(self) -> float:
        """The scatter of the terms where the whole argument moves."""
        point = self.situation.point[self.position]
        rng = np.random.default_rng(self.situation.seed)
        direction = numeric.sizes_of(point) * numeric.away_from_zero(rng, point.shape)
        terms = self.situation.terms_along(self.position, direction)
        return numeric.scatter(terms, self.bounds.step, self.bounds.rounding)

    def _at_kink(self, found: Verdict, terms: Terms, analytic: float, tolerance: float) -> Verdict:
        """The verdict with the slopes of both sides, if they differ."""
        sides = []
        for sign in (-1.0, 1.0):
            steps = [sign * step for step in numeric.steps_from(self.bounds.step)[:4]]
            tried = (numeric.one_sided(terms, step, self.bounds.rounding) for step in steps)
            sides.append(numeric.best(tried, lambda estimate: estimate.worst <= tolerance))
        left, right = (float(side.value) for side in sides)
        error = sides[0].worst + sides[1].worst
        jump = abs(right - left)
        if not jump > JUMP * error + LEAST_JUMP * (abs(left) + abs(right)):
            return found
        least, most = sorted((left, right))
        allowed = tolerance + error
        inside = least - allowed <= analytic <= most + allowed
        outside = max(least - analytic, analytic - most, 0.0)
        return Verdict(found.numeric, allowed, (left, right), True, inside, outside)
