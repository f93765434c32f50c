"""How often two versions are started, and how their cases are timed by turns."""

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minigrad.bench.ab.interval import MARGIN, UNRESOLVED, Verdict, verdict_of
from minigrad.bench.ab.versions import Version
from minigrad.bench.case import Case
from minigrad.bench.case_runner import SETTLE, check
from minigrad.bench.process import Process, WorkerError

# Launches of every case, and of those that look changed.
FIRST, AT_MOST = 5, 14
ROUNDS = 9
SECONDS = 0.004


class Comparison(NamedTuple):
    """A case in both versions: the verdict, the best times, and the launches, or the failure."""

    label: str
    verdict: Verdict
    old: float
    new: float
    launches: int
    failure: str | None = None


class _Measured:
    """What the launches of one case have given."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.ratios: list[float] = []
        self.best = [np.inf, np.inf]
        self.failure: str | None = None

    def add(self, times: Sequence[Sequence[float]]) -> None:
        """Add the times of one launch, of the old version and of the new."""
        old, new = (min(each) for each in times)
        self.ratios.append(new / old)
        self.best = [min(self.best[0], old), min(self.best[1], new)]

    def suspicious(self, margin: float) -> bool:
        """True if more launches may come to a verdict."""
        if self.failure is not None:
            return False
        found = verdict_of(self.ratios, margin)
        likely = max(found.ratio, 1 / found.ratio) > 1 + margin / 2
        return likely and found.verdict == UNRESOLVED

    def comparison(self, margin: float) -> Comparison:
        """The verdict of all launches."""
        found = Verdict(np.nan, np.nan, np.nan, UNRESOLVED)
        if self.ratios:
            found = verdict_of(self.ratios, margin)
        launches = len(self.ratios)
        old, new = self.best
        return Comparison(self.case.label, found, old, new, launches, self.failure)


def compare_versions(
    old: Version,
    new: Version,
    cases: Sequence[Case],
    *,
    threads: int = 1,
    dtype: str = "float32",
    margin: float = MARGIN,
    seed: int = 0,
    progress: Callable[[str], object] = lambda words: None,
) -> list[Comparison]:
    """Time cases in two versions by turns, in fresh processes, and decide about each.

    Every case is timed in 5 launches; those that look changed in up to 14.  Cases, versions and
    rounds come in random order.  Raises WorkerError if a version cannot be started.
    """
    rng = random.Random(seed)
    measured = [_Measured(case) for case in cases]
    for launch in range(AT_MOST):
        wanted = measured if launch < FIRST else [m for m in measured if m.suspicious(margin)]
        wanted = [m for m in wanted if m.failure is None]
        if not wanted:
            break
        progress(f"launch {launch + 1}, {len(wanted)} cases")
        _launch(old, new, wanted, threads, dtype, rng)
    return [m.comparison(margin) for m in measured]


def _launch(
    old: Version, new: Version, wanted: Sequence[_Measured], threads: int, dtype: str,
    rng: random.Random,
) -> None:  # fmt: skip
    """Time the cases in one fresh process of each version."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        started: dict[int, Process] = {}
        for side in rng.sample((0, 1), 2):
            started[side] = stack.enter_context((old, new)[side].start(threads))
        for m in rng.sample(list(wanted), len(wanted)):
            try:
                m.add(_times(m.case, started, folder, threads, dtype, rng))
            except (WorkerError, ValueError) as error:
                m.failure = str(error)


def _times(
    case: Case, started: dict[int, Process], folder: Path, threads: int, dtype: str,
    rng: random.Random,
) -> list[list[float]]:  # fmt: skip
    """The times of a case's rounds in both processes; results are compared before."""
    results = []
    for side in (0, 1):
        file = folder / f"{side}.npz"
        started[side].ask("prepare", case=case.label, dtype=dtype, result=str(file))
        with np.load(file) as arrays:
            results.append([arrays[name] for name in arrays])
    check(results[1], results[0], case.tolerance)
    number = min(started[side].ask("warm_up", seconds=SECONDS)["number"] for side in (0, 1))
    times: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for side in rng.sample((0, 1), 2):
            if threads > 1:
                time.sleep(SETTLE)
            times[side].append(started[side].ask("time", number=number)["seconds"])
    for side in (0, 1):
        started[side].ask("drop")
    return times
