"""Tables of minigrad's own cases, of one machine and of several kinds side by side."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from minigrad.bench import Run, geometric_mean
from minigrad.bench.record import Entry
from minigrad.bench.report import seconds

# Which cases are summed up together, by how their names begin; the first that fits counts.
GROUPS = {
    "matrix products": ("matmul",),
    "conv2d forward": ("conv2d", "forward"),
    "conv2d input gradient": ("conv2d", "input gradient"),
    "conv2d weight gradient": ("conv2d", "weight gradient"),
    "pooling": ("", "pool2d"),
    "indexing": ("indexing",),
    "training steps": ("training step",),
    "optimizer steps": ("optimizer",),
    "chains of small operations": ("chain",),
    "recurrent layers and attention, forward and gradient": ("", "round trip"),
    "elementwise, reductions, softmax, norms: forward": ("", "forward"),
    "elementwise, reductions, softmax, norms: gradient": ("", "gradient"),
}
LIBRARIES = ("torch", "numpy")
STEP = "training step "


def case_runs(folder: Path) -> list[Run]:
    """The runs of minigrad's own cases, by their number of threads."""
    runs = [Run.load(path) for path in folder.glob("cases-*.json")]
    return sorted(runs, key=lambda run: run.threads)


def rows(head: Sequence[str], body: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines: list[Sequence[object]] = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def group_of(case: str) -> str:
    """The group of a case, by the case's name."""
    return next(
        group
        for group, words in GROUPS.items()
        if case.startswith(words[0]) and all(word in case for word in words)
    )


def group_table(runs: Sequence[Run]) -> str:
    """Geometric mean and least ratio of each group of cases, to each library."""
    columns = [
        (f"{library}, {run.threads} thr.", run, library)
        for run in runs
        for library in LIBRARIES
        if library in run.libraries
    ]
    return _group_rows(columns)


def side_by_side(measured: Sequence[tuple[str, Run]], library: str) -> str:
    """The same for runs of several machines, to one library."""
    return _group_rows([(_column(title, run), run, library) for title, run in measured])


def _column(title: str, run: Run) -> str:
    return f"{title}, {run.threads} thr."


def _group_rows(columns: Sequence[tuple[str, Run, str]]) -> str:
    body = []
    for group in GROUPS:
        cells = [_group_cell(group, run, library) for _, run, library in columns]
        if any(cells):
            body.append([group, *cells])
    return rows(["geometric mean", *(title for title, _, _ in columns)], body)


def _group_cell(group: str, run: Run, library: str) -> str:
    found = (entry.ratio(library) for entry in run.entries if group_of(entry.name) == group)
    ratios = [ratio for ratio in found if ratio is not None]
    if not ratios:
        return ""
    return f"{geometric_mean(ratios):.2f} (least {min(ratios):.2f}, of {len(ratios)})"


def steps_side_by_side(measured: Sequence[tuple[str, Run]]) -> str:
    """Every training step on several machines: minigrad's time, PyTorch's, their ratio."""
    by_label = [{entry.label: entry for entry in run.entries} for _, run in measured]
    labels = dict.fromkeys(label for entries in by_label for label in entries)
    body = [
        [label.removeprefix(STEP), *(_one_cell(entries.get(label)) for entries in by_label)]
        for label in labels
        if label.startswith(STEP)
    ]
    return rows(["training step", *(_column(title, run) for title, run in measured)], body)


def _one_cell(entry: Entry | None) -> str:
    mine, theirs, ratio = step_cells(entry)
    return f"{mine} : {theirs}, {ratio}" if ratio else mine


def training_table(runs: Sequence[Run]) -> str:
    """Every training step with its times."""
    head = ["training step"]
    for run in runs:
        head += [f"minigrad, {run.threads} thr.", f"torch, {run.threads} thr.", "ratio"]
    first = {entry.label: entry for entry in runs[0].entries}
    body = []
    for label in [label for label, e in first.items() if e.name.startswith(STEP.strip())]:
        line = [label.removeprefix(STEP)]
        for run in runs:
            entry = next((entry for entry in run.entries if entry.label == label), None)
            line += step_cells(entry)
        body.append(line)
    return rows(head, body)


def step_cells(entry: Entry | None) -> list[str]:
    if entry is None:
        return ["", "", ""]
    ratio = entry.ratio("torch")
    times = [best(entry, library) for library in ("minigrad", "torch")]
    return [*times, "" if ratio is None else f"**{ratio:.2f}**"]


def best(entry: Entry, library: str) -> str:
    """The best time, or nothing if there is none."""
    return seconds(entry.timings[library].best) if library in entry.timings else ""


def speedups(runs: Sequence[Run]) -> str:
    """From the first number of threads to the last, for the larger cases."""
    one, many = runs[0], runs[-1]
    later = {entry.label: entry for entry in many.entries}
    body = []
    for entry in one.entries:
        other = later.get(entry.label)
        if entry.name.startswith(STEP.strip()) and other is not None:
            ratios = [
                f"{entry.timings[k].best / other.timings[k].best:.2f}"
                if k in entry.timings and k in other.timings
                else ""
                for k in ("minigrad", "torch")
            ]
            body.append([entry.label.removeprefix(STEP), *ratios])
    head = [f"{one.threads} -> {many.threads} threads, times as fast", "minigrad", "torch"]
    return rows(head, body)
