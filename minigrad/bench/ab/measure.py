"""How often two versions are started, and how their cases are timed in turns."""

import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigrad.bench.ab.interval import MARGIN, UNRESOLVED, Verdict, verdict_of
from minigrad.bench.ab.rounds import time_by_turns
from minigrad.bench.ab.versions import Version
from minigrad.bench.case import Case
from minigrad.bench.case_runner import check
from minigrad.bench.process import Process, WorkerError

# Launches of every case, and of those that look changed.
FIRST, AT_MOST = 5, 24
# A launch in which a version took so much longer than in an undisturbed one does not count.  That
# one's time is what a quarter of the launches stay below: in a few, memory lies better or the clock
# is faster than in all others, and against the best these would not count.
DISTURBED = 0.06
UNDISTURBED = 0.25


class Comparison(NamedTuple):
    """A case in both versions: the verdict, the best times, and the launches, or the failure.

    times: of each launch, of the old version and of the new.
    """

    label: str
    verdict: Verdict
    old: float
    new: float
    launches: int
    failure: str | None = None
    times: Sequence[tuple[float, float]] = ()


NOTHING_SEEN = Verdict(np.nan, np.nan, np.nan, UNRESOLVED)


class _Measured:
    """What the launches of one case have given."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.times: list[tuple[float, float]] = []
        self.failure: str | None = None

    @property
    def best(self) -> tuple[float, float]:
        """The best times of the old version and of the new."""
        old, new = zip(*self.times, strict=True)
        return min(old), min(new)

    @property
    def ratios(self) -> list[float]:
        """New over old, of the launches in which both ran undisturbed."""
        sides = zip(*self.times, strict=True)
        most = [(1 + DISTURBED) * np.quantile(side, UNDISTURBED, method="lower") for side in sides]
        return [new / old for old, new in self.times if old <= most[0] and new <= most[1]]

    def suspicious(self, margin: float) -> bool:
        """True if more launches may come to a verdict."""
        if self.failure is not None:
            return False
        ratios = self.ratios
        if len(ratios) < FIRST // 2:
            return True  # nothing is known yet
        found = verdict_of(ratios, margin)
        likely = max(found.ratio, 1 / found.ratio) > 1 + margin / 2
        return likely and found.verdict == UNRESOLVED

    def comparison(self, margin: float) -> Comparison:
        """The verdict of all launches."""
        if not self.times:
            return Comparison(self.label, NOTHING_SEEN, np.nan, np.nan, 0, self.failure)
        ratios, launches = self.ratios, len(self.times)
        # In each launch something else may have disturbed one of the two.
        found = verdict_of(ratios, margin) if ratios else NOTHING_SEEN
        return Comparison(self.label, found, *self.best, launches, self.failure, self.times)


def compare_versions(
    old: Version,
    new: Version,
    cases: Sequence[Case],
    *,
    threads: int = 1,
    dtype: str = "float32",
    margin: float = MARGIN,
    seed: int = 0,
    at_least: int = FIRST,
    progress: Callable[[str], object] = lambda words: None,
) -> list[Comparison]:
    """Time cases in two versions in turns, in fresh processes, and decide about each.

    Every case is timed in 5 launches, or `at_least` so many; those that look changed in up to 24,
    until the verdict is clear.  Cases, versions and rounds come in random order.  Raises
    WorkerError if a version cannot be started.
    """
    rng = random.Random(seed)
    measured = [(case, _Measured(case.label)) for case in cases]
    for launch in range(AT_MOST):
        wanted = [
            (case, m)
            for case, m in measured
            if m.failure is None and (launch < at_least or m.suspicious(margin))
        ]
        if not wanted:
            break
        progress(f"launch {launch + 1}, {len(wanted)} cases")
        _launch(old, new, wanted, threads, dtype, rng)
    return [m.comparison(margin) for _, m in measured]


def decided(launches: Iterable[tuple[float, float]], margin: float = MARGIN) -> Verdict:
    """The verdict to which launches of these times would have led; later ones are not looked at."""
    measured = _Measured("")
    for launch, times in enumerate(islice(launches, AT_MOST)):
        if launch >= FIRST and not measured.suspicious(margin):
            break
        measured.times.append(times)
    return measured.comparison(margin).verdict


def _launch(
    old: Version, new: Version, wanted: Sequence[tuple[Case, _Measured]], threads: int, dtype: str,
    rng: random.Random,
) -> None:  # fmt: skip
    """Time the cases in one fresh process of each version."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        started: dict[int, Process] = {}
        for side in rng.sample((0, 1), 2):
            started[side] = stack.enter_context((old, new)[side].start(threads))
        for case, m in rng.sample(list(wanted), len(wanted)):
            try:
                m.times.append(_times(case, started, folder, threads, dtype, rng))
            except (WorkerError, ValueError) as error:
                m.failure = str(error)


def _times(
    case: Case, started: dict[int, Process], folder: Path, threads: int, dtype: str,
    rng: random.Random,
) -> tuple[float, float]:  # fmt: skip
    """The times of a case in both processes; results are compared before."""
    results = []
    for side in (0, 1):
        file = folder / f"{side}.npz"
        started[side].ask("prepare", case=case.label, dtype=dtype, result=str(file))
        with np.load(file) as arrays:
            results.append([arrays[name] for name in arrays])
    check(results[1], results[0], case.tolerance)
    found = time_by_turns(started[0], started[1], threads == 1, rng)
    for side in (0, 1):
        started[side].ask("drop")
    return found
