"""What is known of a wrong gradient, and what more can be asked of the function."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np

from minigrad.autograd.gradcheck.judgement import Verdict
from minigrad.autograd.gradcheck.numeric import central, identity, sizes_of, unit
from minigrad.autograd.gradcheck.situation import Situation
from minigrad.autograd.gradcheck.strictness import Bounds
from minigrad.core.types import Array

# Whole Jacobians are taken of functions with so few entries of the argument and of the outputs.
MOST_PARTS = 64


class Cause(NamedTuple):
    """A likely mistake: its kind in one or two words, and a sentence."""

    kind: str
    words: str


class Jacobians(NamedTuple):
    """Every output entry's derivative in every entry of the argument, times its cotangent.

    analytic, numeric: (output entries, argument entries).
    """

    analytic: Array
    numeric: Array

    @property
    def supports(self) -> tuple[Array, Array]:
        """True where an output entry depends on one of the argument: by the rule, in truth."""
        least = 1e-5 * np.abs(self.numeric).max(initial=0.0)
        return np.abs(self.analytic) > least, np.abs(self.numeric) > least


class Evidence:
    """One gradient, from the rules and from function values.

    analytic: the gradient; verdicts: what function values say, for the entries looked at.
    """

    def __init__(
        self, situation: Situation, position: int, analytic: Array,
        verdicts: Mapping[tuple[int, ...], Verdict], bounds: Bounds,
    ) -> None:  # fmt: skip
        self.situation = situation
        self.position = position
        self.analytic = analytic
        self.verdicts = verdicts
        self.bounds = bounds
        self.point = situation.point[position].astype(np.float64)
        self.same_to = 10 * bounds.rtol

    def _each(self, what: str, fill: float | bool, kind: type) -> Array:
        found: Array = np.full(self.analytic.shape, fill, kind)
        for index, verdict in self.verdicts.items():
            found[index] = getattr(verdict, what)
        return found

    @cached_property
    def numeric(self) -> Array:
        """The derivatives by differences; nan at entries not looked at."""
        return self._each("numeric", np.nan, float)

    @cached_property
    def looked(self) -> Array:
        """True at entries that were looked at and have a finite difference."""
        return np.isfinite(self.numeric)

    @cached_property
    def wrong(self) -> Array:
        """True at entries whose derivative is wrong."""
        return ~self._each("right", True, bool)

    @cached_property
    def unresolved(self) -> Array:
        """True at entries where no step gives a derivative to the tolerance."""
        return ~self._each("resolved", True, bool)

    @cached_property
    def kinks(self) -> Array:
        """True at entries where the slopes of both sides differ."""
        found = np.zeros(self.analytic.shape, bool)
        for index, verdict in self.verdicts.items():
            found[index] = verdict.slopes is not None
        return found

    @cached_property
    def is_clear(self) -> bool:
        """True if an entry is wrong by more than a difference's error at another point."""
        return bool((self.wrong & self.differs(self.analytic, self.numeric)).any())

    @cached_property
    def is_small(self) -> bool:
        """True if the whole argument was looked at, and is not too large for closer looks."""
        return self.analytic.size <= MOST_PARTS and bool(self.looked.all())

    def same(self, a: Array, b: Array) -> bool:
        """True if two arrays are the same derivative, at the entries where both are known."""
        if a.shape != b.shape:
            return False
        seen = np.isfinite(b)
        scale = np.abs(b[seen]).max(initial=0.0)
        return bool(scale > 0 and np.abs(a - b)[seen].max() <= self.same_to * scale)

    def gradient(self, situation: Situation | None = None) -> Array:
        """The analytic gradient again, or that of another situation."""
        return (situation or self.situation).gradients()[self.position].astype(np.float64)

    def scaled_gradient(self, factor: float) -> Array:
        """The analytic gradient for `factor` times the cotangents."""
        scaled = [factor * c for c in self.situation.cotangents]
        return self.situation.gradients(scaled)[self.position].astype(np.float64)

    def differences(self, situation: Situation, position: int | None = None) -> Array:
        """The gradient of a small argument by differences of the usual step, in a situation."""
        at = self.position if position is None else position
        x = situation.point[at]
        sizes, found = sizes_of(x), np.empty(x.shape)
        for index in np.ndindex(x.shape):
            terms = situation.terms_along(at, sizes[index] * unit(x.shape, index))
            estimate = central(terms, self.bounds.step, self.bounds.rounding)
            found[index] = float(estimate.value) / sizes[index]
        return found

    def others(self) -> Iterator[tuple[str, Array]]:
        """(label, gradient by differences) of the other small arguments of the same shape."""
        for position, x in enumerate(self.situation.point):
            alike = x.shape == self.analytic.shape and x.size <= MOST_PARTS
            if position != self.position and alike:
                label = self.situation.labels[position]
                yield label, self.differences(self.situation, position)

    @cached_property
    def shuffled(self) -> list[tuple[Array, Array, Array]]:
        """(point, analytic, by differences) where the argument's entries have changed places."""
        rng = np.random.default_rng(self.situation.seed)
        found = []
        for _ in range(2):
            moved = rng.permutation(np.ravel(self.situation.point[self.position]))
            there = self.situation.moved(self.position, moved.reshape(self.analytic.shape))
            numeric = self.differences(there)
            found.append((moved.reshape(self.analytic.shape), self.gradient(there), numeric))
        return found

    def differs(self, analytic: Array, numeric: Array) -> Array:
        """True at entries that disagree by much more than a difference's error."""
        scale = np.abs(numeric[np.isfinite(numeric)]).max(initial=0.0)
        bound = self.same_to * np.abs(numeric) + 0.1 * self.same_to * scale
        return np.asarray(~(np.abs(analytic - numeric) <= bound))

    @cached_property
    def jacobians(self) -> Jacobians | None:
        """The Jacobians in the argument; None for functions of too many entries."""
        outputs = sum(np.size(c) for c in self.situation.cotangents)
        if not (self.is_small and 0 < outputs <= MOST_PARTS):
            return None
        sizes, numeric = sizes_of(self.point), np.empty((outputs, self.point.size))
        for place, index in enumerate(np.ndindex(self.point.shape)):
            direction = sizes[index] * unit(self.point.shape, index)
            terms = self.situation.terms_along(self.position, direction)
            step, rounding = self.bounds.step, self.bounds.rounding
            column = central(terms, step, rounding, identity).value
            numeric[:, place] = column / sizes[index]
        analytic = [
            np.ravel(self.situation.gradients(self.situation.one_hot(o))[self.position])
            for o in range(outputs)
        ]
        return Jacobians(np.array(analytic, float), numeric)
