"""The judgement of one derivative: right, wrong, or right as one of several slopes at a kink."""

from typing import NamedTuple

import numpy as np

from minigrad.autograd.gradcheck import numeric
from minigrad.autograd.gradcheck.numeric import Estimate, Terms
from minigrad.autograd.gradcheck.situation import Situation
from minigrad.autograd.gradcheck.strictness import Bounds
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
        value = float(estimate.value)
        resolved = self.bounds.enough(estimate, scale, self.size)
        tolerance = self.bounds.tolerance(value, scale, self.size)
        if self.situation.point[self.position].dtype.itemsize < 8:
            # The moved point itself is rounded.
            tolerance += self.bounds.rounding * scale / self.bounds.step
        allowed = tolerance + (float(estimate.error) if resolved else 0.0)
        error = abs(analytic - value)
        found = Verdict(value, allowed, None, resolved, error <= allowed, error)
        if not np.isfinite(analytic):
            return found._replace(right=False)
        if found.right or self.linear or not resolved:
            return found  # a kink's central difference is resolved: it is the mean of both slopes
        if numeric.jump(terms, self.bounds.rounding, self.size):
            return found._replace(allowed=tolerance, resolved=False)
        return self._at_kink(found, terms, analytic, tolerance)

    def _estimate(self, terms: Terms, scale: float) -> Estimate:
        rounding = self.bounds.rounding
        if self.linear:
            return numeric.exact(terms, rounding)
        steps = numeric.steps_from(self.bounds.step)
        return numeric.best(
            (numeric.central(terms, step, rounding) for step in steps),
            lambda estimate: self.bounds.enough(estimate, scale, self.size),
        )

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
