"""Comparison of two runs: cases that are slower or faster beyond noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from minigrad.bench.record import Run, Timing

# A change of the median below this share is not worth a word, however steady the times.
MARGIN = 0.05
# So often a case that looks changed is timed again.
CONFIRMATIONS = 2


@dataclass(frozen=True)
class Change:
    """One case in two runs: now / before, of the medians; verdict is slower, faster or same."""

    label: str
    before: float
    now: float
    verdict: str

    @property
    def ratio(self) -> float:
        """The time now over the time before."""
        return self.now / self.before


def compare(now: Run, before: Run, library: str = "minigrad") -> list[Change]:
    """The cases that both runs have timed.

    A case is slower where the faster quarter of its times now is above the slower quarter of those
    before, its best time is longer as well, and the median has moved by more than MARGIN; faster
    in the same way.  Raises ValueError if the runs differ in threads or dtype.
    """
    for what in ("threads", "dtype"):
        ours, theirs = getattr(now, what), getattr(before, what)
        if ours != theirs:
            raise ValueError(f"a run with {what}={ours} cannot be compared to one with {theirs}")
    earlier = {entry.label: entry.timings.get(library) for entry in before.entries}
    changes = []
    for entry in now.entries:
        new, old = entry.timings.get(library), earlier.get(entry.label)
        if new is not None and old is not None:
            changes.append(Change(entry.label, old.median, new.median, _verdict(new, old)))
    return changes


def _verdict(new: Timing, old: Timing) -> str:
    if _longer(new, old):
        return "slower"
    return "faster" if _longer(old, new) else "same"


def _longer(one: Timing, other: Timing) -> bool:
    apart = np.quantile(one.times, 0.25) > np.quantile(other.times, 0.75)
    moved = one.median > (1 + MARGIN) * other.median
    return bool(apart and moved and one.best > other.best)


def confirmed(now: Run, before: Run, again: Callable[[str], Run]) -> list[Change]:
    """The changes that are there again when the case is timed anew, in fresh processes.

    again: times the cases with this label.  What is not there every time counts as the same.
    """
    changes = compare(now, before)
    for place, change in enumerate(changes):
        for _ in range(CONFIRMATIONS):
            if changes[place].verdict == "same":
                break
            found = {c.label: c for c in compare(again(change.label), before)}[change.label]
            if found.verdict != change.verdict:
                changes[place] = replace(found, verdict="same")
    return changes


def tell(now: Run, before: Run, changes: Sequence[Change] | None = None) -> tuple[str, bool]:
    """A report of the changes, and True if a case is slower."""
    changes = compare(now, before) if changes is None else changes
    lines = []
    for verdict in ("slower", "faster"):
        lines += [
            f"{verdict}: {change.label}: {change.ratio:.2f} times as long"
            for change in changes
            if change.verdict == verdict
        ]
    same = sum(change.verdict == "same" for change in changes)
    drift = now.peaks.flops / before.peaks.flops
    lines.append(
        f"{same} of {len(changes)} cases unchanged within the noise; "
        f"the machine's FMA peak is {drift:.2f} times what it was then"
    )
    return "\n".join(lines), any(change.verdict == "slower" for change in changes)
