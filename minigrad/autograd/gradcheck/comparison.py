"""Comparison of one gradient with differences of function values: all entries, or directions."""

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.gradcheck.diagnosis import report
from minigrad.autograd.gradcheck.diagnosis.evidence import Evidence
from minigrad.autograd.gradcheck.failures import GradcheckError, NotSmoothError
from minigrad.autograd.gradcheck.judgement import Judge, Verdict
from minigrad.autograd.gradcheck.numeric import away_from_zero, sizes_of
from minigrad.autograd.gradcheck.situation import Situation
from minigrad.autograd.gradcheck.strictness import Bounds, Strictness
from minigrad.core.types import Array

# Arguments up to this size are checked entry by entry; of larger ones directions and a sample are.
MOST_ENTRIES = 1024
# A sample has so many entries, fewer where that would be more work than so many elements.
SAMPLED, LEAST_SAMPLED, MOST_WORK = 128, 8, 2**23
DIRECTIONS = 8
# Where no step gives a derivative, and the report names one of these, nothing is known of the rule.
UNCLEAR = {None, "not smooth", "noise", "steps"}
# The stated probability of missing an error in an argument that is too large for every entry.
MISSED = 1e-6


class Coverage(NamedTuple):
    """What was looked at of an argument of which not every entry was.

    detectable: a wrong entry goes unnoticed with a probability of at most `MISSED` if it is off by
        more than this.
    """

    label: str
    entries: int
    checked: int
    directions: int
    detectable: float

    def __str__(self) -> str:
        return (
            f"{self.label}: {self.checked} of {self.entries} entries and {self.directions} random "
            f"directions; an entry off by more than {self.detectable:.2g} is missed with a "
            f"probability of at most {MISSED:g}"
        )


class Comparison:
    """The gradient of one argument, compared along directions; raises where it disagrees."""

    def __init__(
        self, situation: Situation, position: int, analytic: Array, strictness: Strictness,
        bounds: Bounds, size: float,
    ) -> None:  # fmt: skip
        self.situation = situation
        self.position = position
        self.analytic = analytic.astype(np.float64)
        self.strict = strictness
        self.sizes = sizes_of(situation.point[position])
        self.judge = Judge(situation, position, bounds, size, strictness.linear)
        self.coverage: Coverage | None = None
        self.worst = 0.0

    def check(self, rng: np.random.Generator) -> float:
        """Compare; the worst error, relative to the size of the terms."""
        with np.errstate(all="ignore"):  # what is not finite is reported
            return self._check(rng)

    def _check(self, rng: np.random.Generator) -> float:
        count = self.analytic.size
        whole = count <= MOST_ENTRIES or not self.strict.entrywise
        directions = 1 if whole else DIRECTIONS
        started = time.monotonic()
        margins = [self._along(away_from_zero(rng, self.analytic.shape)) for _ in range(directions)]
        if self.strict.entrywise:
            checked = sum(1 for _ in self._entry_by_entry(rng, started))
            if checked < count:
                # Each direction misses an error of size e with probability margin / e at most.
                detectable = float(np.exp(np.mean(np.log(margins)))) * MISSED ** (-1 / directions)
                usual = float(np.median(self.sizes))
                label = self.situation.labels[self.position]
                self.coverage = Coverage(label, count, checked, directions, detectable / usual)
        return self.worst

    def _entry_by_entry(self, rng: np.random.Generator, started: float) -> Iterator[None]:
        """Compare single entries: all of them, a sample, or as many as the budget has time for."""
        count, budget = self.analytic.size, self.strict.budget
        chosen: Sequence[int] | Array = range(count)
        if count > MOST_ENTRIES:
            sampled = max(LEAST_SAMPLED, min(SAMPLED, MOST_WORK // count))
            chosen = rng.permutation(count)[: None if budget else sampled]
        for done, flat in enumerate(chosen):
            if budget and time.monotonic() - started > budget:
                return
            if self.strict.progress is not None:
                label = self.situation.labels[self.position]
                self.strict.progress(label, done, len(chosen))
            index = np.unravel_index(flat, self.analytic.shape)
            self._entry(tuple(map(int, index)))
            yield

    def _along(self, weights: Array) -> float:
        """Compare along a direction; by how much more the derivative must be off to be seen."""
        direction = weights * self.sizes
        terms = self.analytic * direction
        scale = float(np.linalg.norm(np.ravel(terms)))
        found = self.judge.verdict(direction, float(terms.sum()), scale)
        self._note(found, scale)
        if not found.right:
            self._explain()
        return 2.0 * found.allowed or math.ulp(1.0)

    def _entry(self, index: tuple[int, ...]) -> None:
        found = self.at(index)
        self._note(found, abs(float(self.analytic[index])))
        if not found.right:
            self._explain()

    def at(self, index: tuple[int, ...]) -> Verdict:
        """The verdict on one entry, by steps for its own size if it is smaller than is usual."""
        usual, own = (
            float(self.sizes[index]),
            abs(float(self.situation.point[self.position][index])),
        )
        found = self._at(index, usual)
        return found if found.right or not 0 < own < usual else self._at(index, own)

    def _at(self, index: tuple[int, ...], size: float) -> Verdict:
        direction: Array = np.zeros(self.analytic.shape)
        direction[index] = size
        analytic = float(self.analytic[index]) * size
        return self.judge.verdict(direction, analytic, abs(analytic)).scaled(1.0 / size)

    def _note(self, found: Verdict, scale: float) -> None:
        if found.right:
            self.worst = max(self.worst, found.error / (1.0 + scale))

    # --- where it disagrees ----------------------------------------------------------------------

    def _explain(self) -> None:
        """Raise GradcheckError with the entries that disagree and the likely cause.

        Returns where every entry is right though their sum is not: entries of very different
        sizes, and slopes at kinks.
        """
        evidence = self._evidence()
        if not evidence.wrong.any() and (evidence.kinks.any() or evidence.looked.all()):
            return
        raise self._failure(evidence)

    def _failure(self, evidence: Evidence) -> GradcheckError:
        words, kind = report(evidence)
        label, shape = self.situation.labels[self.position], list(self.analytic.shape)
        unclear = bool(evidence.unresolved[evidence.wrong].any()) and kind in UNCLEAR
        verb = "cannot be compared" if unclear else "disagrees"
        return (NotSmoothError if unclear else GradcheckError)(
            f"{self.situation.name}: the gradient of {label} (shape {shape}) {verb} with "
            f"differences of function values {words}\nseed: {self.situation.seed}",
            kind,
        )

    def _evidence(self) -> Evidence:
        shape = self.analytic.shape
        verdicts: dict[tuple[int, ...], Verdict] = {}
        for flat in self._suspects():
            index = tuple(map(int, np.unravel_index(flat, shape)))
            verdicts[index] = self.at(index)
        return Evidence(self.situation, self.position, self.analytic, verdicts, self.judge.bounds)

    def _suspects(self) -> Any:
        """Halve the entries until few are left, keeping the half that disagrees more."""
        suspects = np.arange(self.analytic.size)
        if suspects.size <= MOST_ENTRIES:
            return suspects
        rng = np.random.default_rng(self.situation.seed)
        while suspects.size > max(LEAST_SAMPLED, min(SAMPLED, MOST_WORK // self.analytic.size)):
            halves = np.array_split(suspects, 2)
            suspects = halves[int(np.argmax([self._disagreement(half, rng) for half in halves]))]
        return suspects

    def _disagreement(self, entries: Array, rng: np.random.Generator) -> float:
        direction = np.zeros(self.analytic.size)
        direction[entries] = away_from_zero(rng, entries.shape)
        weighted = direction.reshape(self.analytic.shape) * self.sizes
        terms = self.analytic * weighted
        scale = float(np.linalg.norm(np.ravel(terms)))
        return self.judge.verdict(weighted, float(terms.sum()), scale).error
