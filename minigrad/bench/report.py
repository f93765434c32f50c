"""The results of a run in words: a table, and a summary of how minigrad compares."""

import math
from collections.abc import Iterable, Sequence

from minigrad.bench.peaks import Peaks
from minigrad.bench.record import Entry, Run
from minigrad.utils import terminal
from minigrad.utils.benchmark import select_unit

# Why a case takes more than the whole roof, by the word that stands beside its share.
OVER_THE_ROOF = {
    "fewer": "the algorithm does fewer operations than the definition, whose are counted:\n"
    "Winograd's convolution, say",
    "cache": "what it reads stays in a cache nearer than its size says",
    "busy": "memory was slower while the roof was measured than in the case: other programs\n"
    "were at work; measure again",
}
FLAT = 1.5  # times as fast as main memory: less than that is no cache
CALLS = (
    "call: the machine needs less time for the work than the call of the smallest operation takes, "
    "{call};\nthe roof says nothing of such a case"
)
LEVELS = {"first-level cache": 2**14, "main memory": 2**60}


def seconds(value: float) -> str:
    """A time with its unit."""
    unit, scale = select_unit(value)
    number = value / scale
    return f"{number:.3g} {unit}" if number < 999.5 else f"{number:.0f} {unit}"


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean of positive numbers; nan of none."""
    logs = [math.log(value) for value in values]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def heading(run: Run) -> str:
    """Machine, versions and peaks, in a few lines."""
    versions = ", ".join(f"{name} {version}" for name, version in run.libraries.items())
    if run.main != "minigrad":
        versions = f"{run.main}, in {versions}"
    rates = [f"{run.peaks.bandwidth(size) / 1e9:.0f} GB/s {name}" for name, size in LEVELS.items()]
    lines = [
        f"{versions}; {run.dtype}, {run.threads} thread{'s' if run.threads > 1 else ''}, "
        f"{run.machine['cpu']}",
        f"peaks measured now: {run.peaks.flops / 1e9:.0f} GFLOP/s, {', '.join(rates)}",
    ]
    if run.missing:
        lines.append(f"left out, not installed: {', '.join(run.missing)}")
    return "\n".join(lines)


def table(run: Run, width: int | None = None) -> str:
    """A row for each case; the last columns say how many times as fast minigrad is.

    Where that is wider than `width`, a row takes two lines.
    """
    head, *rows = cells(run)
    lines = [terminal.table(head, rows, width), *words_in_shares([run])]
    for entry in run.entries:
        lines += [f"failed: {entry.label}, {k}: {reason}" for k, reason in entry.failures.items()]
    return "\n".join(lines)


def cells(run: Run) -> list[list[str]]:
    """The head of the table, and its rows."""
    others = [name for name in run.libraries if name != "minigrad"]
    head = ["case", "best", "median", "spread", "rate", "of roof", "first call", *others]
    return [head, *(_row(entry, run.peaks, others) for entry in run.entries)]


def threads_table(runs: Sequence[Run], width: int | None = None) -> str:
    """Runs of the same cases on more and more threads, in one table.

    For each number of threads: the best time, the share of its roof, how many times as fast that is
    as on the fewest, and as each other library on as many.
    """
    first, *more = runs
    others = [name for name in first.libraries if name != "minigrad"]
    head = ["case", f"{first.threads} thr.", "of roof"]
    head += [word for run in more for word in (f"{run.threads} thr.", "of roof", "speed-up")]
    head += [f"{name}, {run.threads}" for name in others for run in runs]
    found = [{entry.label: entry for entry in run.entries} for run in runs]
    rows = []
    for label in found[0]:
        row = [label]
        for place, (run, entries) in enumerate(zip(runs, found, strict=True)):
            row += _on_threads(entries.get(label), run, found[0][label] if place else None)
        for name in others:
            ratios = [e[label].ratio(name) if label in e else None for e in found]
            row += ["" if ratio is None else f"{ratio:.2f}x" for ratio in ratios]
        rows.append(row)
    return "\n".join([terminal.table(head, rows, width), *words_in_shares(runs)])


def words_in_shares(runs: Sequence[Run]) -> list[str]:
    """What the words mean that stand in the column of shares of the roof."""
    lines = []
    pairs = [(entry, run.peaks) for run in runs for entry in run.entries]
    calls = [p.call for entry, p in pairs if p.bound_by_calls(entry.flops, entry.bytes)]
    if calls:
        lines.append(CALLS.format(call=seconds(min(calls))))
    found = {over_the_roof(entry, "minigrad", peaks) for entry, peaks in pairs}
    lines += [f"more than 100 %, {word}: {why}" for word, why in OVER_THE_ROOF.items()
              if word in found]  # fmt: skip
    return lines


def _on_threads(entry: Entry | None, run: Run, fewest: Entry | None) -> list[str]:
    """Best time, share of the roof and, given the entry on the fewest threads, the speed-up."""
    count = 2 if fewest is None else 3
    if entry is None or "minigrad" not in entry.timings:
        return [""] * count
    best = entry.timings["minigrad"].best
    row = [seconds(best), _share(entry, run.peaks)]
    if fewest is not None:
        start = fewest.timings.get("minigrad")
        row.append("" if start is None else f"{start.best / best:.2f}")
    return row


def _share(entry: Entry, peaks: Peaks) -> str:
    """The share of the roof, or that a call takes longer than the work."""
    if peaks.bound_by_calls(entry.flops, entry.bytes):
        return "call"
    return share_with_reason(entry, "minigrad", peaks)


def share_with_reason(entry: Entry, library: str, peaks: Peaks) -> str:
    """The share of the roof, with a word of `OVER_THE_ROOF` if it is more than the whole."""
    share = entry.share_of_roof(library, peaks)
    return "" if share is None else f"{share:.0%} {over_the_roof(entry, library, peaks)}".strip()


def over_the_roof(entry: Entry, library: str, peaks: Peaks) -> str:
    """The word of `OVER_THE_ROOF` for a share of more than 100 %; empty for others."""
    if round(entry.share_of_roof(library, peaks) or 0.0, 2) <= 1:
        return ""
    if not peaks.bound_by_memory(entry.flops, entry.bytes):
        return "fewer"
    memory = peaks.bandwidth(LEVELS["main memory"])
    return "cache" if peaks.bandwidth(entry.bytes) > FLAT * memory else "busy"


def summary(run: Run) -> str:
    """For each other library the geometric mean of the ratios, and the least one."""
    lines = []
    for library in run.libraries:
        ratios = {
            entry.label: ratio
            for entry in run.entries
            if library != "minigrad" and (ratio := entry.ratio(library)) is not None
        }
        if ratios:
            least = min(ratios, key=ratios.__getitem__)
            lines.append(
                f"{run.main} is {geometric_mean(ratios.values()):.2f} times as fast as {library} "
                f"(geometric mean of {len(ratios)} cases; least {ratios[least]:.2f}: {least})"
            )
    return "\n".join(lines)


def rate(entry: Entry, library: str, peaks: Peaks) -> str:
    """GFLOP/s, or GB/s where memory is the bound; nothing if nothing was counted."""
    if not (entry.flops or entry.bytes):
        return ""
    best = entry.timings[library].best
    if peaks.bound_by_memory(entry.flops, entry.bytes):
        return f"{entry.bytes / best / 1e9:.3g} GB/s"
    return f"{entry.flops / best / 1e9:.3g} GFLOP/s"


def _row(entry: Entry, peaks: Peaks, others: list[str]) -> list[str]:
    ratios = [
        "failed" if name in entry.failures else f"{ratio:.2f}x" if ratio is not None else ""
        for name in others
        for ratio in [entry.ratio(name)]
    ]
    if "minigrad" not in entry.timings:
        reason = "failed" if "minigrad" in entry.failures else ""
        return [entry.label, reason, "", "", "", "", "", *ratios]
    timing = entry.timings["minigrad"]
    return [
        entry.label,
        seconds(timing.best),
        seconds(timing.median),
        f"{timing.spread:.0%}",
        rate(entry, "minigrad", peaks),
        _share(entry, peaks),
        seconds(timing.first),
        *ratios,
    ]
