"""The table of results/README.md, made from the JSON files beside it."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.bench import Run, geometric_mean, heading, table
from minigrad.bench.record import Entry
from minigrad.bench.report import rate, seconds

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
    "elementwise, reductions, softmax, norms: forward": ("", "forward"),
    "elementwise, reductions, softmax, norms: gradient": ("", "gradient"),
}
LIBRARIES = ("torch", "numpy")
FIRST_STEPS = 20  # whose losses are compared: rounding errors grow from step to step
LAST_STEPS = 20  # whose losses' mean is reported


def case_runs(folder: Path) -> list[Run]:
    """The runs of minigrad's own cases, by their number of threads."""
    runs = [Run.load(path) for path in folder.glob("cases-*.json")]
    return sorted(runs, key=lambda run: run.threads)


def summary(folder: Path) -> str:
    """The tables of docs/tables/speed.md: training steps, and every kind of case in one number."""
    runs = case_runs(folder)
    return "\n\n".join((training_table(runs), group_table(runs)))


def render(folder: Path) -> str:
    """The page, of the parts whose files are there."""
    runs = case_runs(folder)
    parts = [
        "# Results",
        "Made by `python -m benchmarks`. Ratios say how many times as fast minigrad is: above 1 it "
        "is the faster one. Each library ran in a process of its own, in turns with the others; "
        "the best turn counts, and results were checked before.",
    ]
    if runs:
        machine = runs[0].machine
        parts.append(
            f"Measured {machine['when']} on {machine['cores']} cores ({machine['cpu']}, "
            f"{machine['system']}), Python {machine['python']}, Numba {machine['numba']}, "
            f"commit {machine['commit']}."
        )
        parts += ["## By kind", group_table(runs), "## Training steps", training_table(runs)]
        if len(runs) > 1:
            parts.append(speedups(runs))
    for name, section in SECTIONS.items():
        if (path := folder / f"{name}.json").exists():
            parts.append(section(path))
    parts += [details(run) for run in runs]
    return "\n\n".join(parts) + "\n"


def rows(head: Sequence[str], body: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines: list[Sequence[object]] = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def group_of(entry: Entry) -> str:
    return next(
        name
        for name, words in GROUPS.items()
        if entry.name.startswith(words[0]) and all(word in entry.name for word in words)
    )


def group_table(runs: Sequence[Run]) -> str:
    """Geometric mean and least ratio of each group of cases."""
    columns = [(run, library) for run in runs for library in LIBRARIES if library in run.libraries]
    body = []
    for group in GROUPS:
        cells = []
        for run, library in columns:
            ratios = [
                ratio
                for entry in run.entries
                if group_of(entry) == group and (ratio := entry.ratio(library)) is not None
            ]
            mean = geometric_mean(ratios)
            cells.append(
                f"{mean:.2f} (least {min(ratios):.2f}, of {len(ratios)})" if ratios else ""
            )
        if any(cells):
            body.append([group, *cells])
    head = ["geometric mean", *(f"{library}, {run.threads} thr." for run, library in columns)]
    return rows(head, body)


def training_table(runs: Sequence[Run]) -> str:
    """Every training step with its times."""
    head = ["training step"]
    for run in runs:
        head += [f"minigrad, {run.threads} thr.", f"torch, {run.threads} thr.", "ratio"]
    first = {entry.label: entry for entry in runs[0].entries}
    body = []
    for label in [label for label, e in first.items() if e.name.startswith("training step")]:
        line = [label.removeprefix("training step ")]
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
        if entry.name.startswith("training step") and other is not None:
            ratios = [
                f"{entry.timings[k].best / other.timings[k].best:.2f}"
                if k in entry.timings and k in other.timings
                else ""
                for k in ("minigrad", "torch")
            ]
            body.append([entry.label.removeprefix("training step "), *ratios])
    head = [f"{one.threads} -> {many.threads} threads, times as fast", "minigrad", "torch"]
    return rows(head, body)


def startup(path: Path) -> str:
    found = json.loads(path.read_text())
    kinds = list(dict.fromkeys(kind for times in found.values() for kind in times))
    body = [
        [library, *(seconds(times[k]) if k in times else "" for k in kinds)]
        for library, times in found.items()
    ]
    return (
        "## Start-up\n\nFrom the start of the process; the step is the lecture's network, batch "
        f"64.\n\n{rows(['library', *kinds], body)}"
    )


def memory(path: Path) -> str:
    found = json.loads(path.read_text())
    kinds = list(next(iter(found.values())))
    body = [
        [library, *(f"{sizes[k] / 2**20:.0f} MiB" for k in kinds)]
        for library, sizes in found.items()
    ]
    return f"## Peak memory\n\nOf a process that trains.\n\n{rows(['library', *kinds], body)}"


def neighbour(path: Path) -> str:
    """Both runs: `path` is the one beside a busy process."""
    busy, alone = Run.load(path), Run.load(path.with_name("neighbour-none.json"))
    body = []
    for library in busy.libraries:
        with_it, without = (run.entries[0].timings.get(library) for run in (busy, alone))
        if with_it and without:
            factor = with_it.median / without.median
            body.append(
                [library, seconds(without.median), seconds(with_it.median), f"{factor:.2f}"]
            )
    head = ["library", "median alone", "median beside a busy process", "times as long"]
    return (
        f"## A busy neighbour\n\nLecture CNN, batch 64, {busy.threads} threads.\n\n"
        f"{rows(head, body)}"
    )


def of_cases(title: str) -> Callable[[Path], str]:
    """A section with a row for each case of a run."""

    def section(path: Path) -> str:
        run = Run.load(path)
        body = [
            [
                e.label,
                *(seconds(e.timings[k].best) if k in e.timings else "" for k in run.libraries),
            ]
            for e in run.entries
        ]
        left_out = f"\n\nNot installed: {', '.join(run.missing)}." if run.missing else ""
        return f"## {title}\n\n{rows(['case', *run.libraries], body)}{left_out}"

    return section


def optimizers(path: Path) -> str:
    """A row for each optimizer: times, how much faster, and how near to the memory's bandwidth."""
    run = Run.load(path)
    body = [
        [
            entry.label.removeprefix("optimizer "),
            *step_cells(entry),
            rate(entry, "minigrad", run.peaks),
            f"{share:.0%}" if (share := entry.share_of_roof("minigrad", run.peaks)) else "",
        ]
        for entry in run.entries
        if "minigrad" in entry.timings
    ]
    head = ["step", "minigrad", "torch", "ratio", "memory traffic", "of its bandwidth"]
    return f"## Optimizer steps, {run.threads} thread(s)\n\n{rows(head, body)}"


def run_row(runs: Sequence[dict[str, Any]]) -> str:
    """The last run as a line of the table, beside minigrad's own of the same start."""
    run = runs[-1]
    apart = ratio = ""
    mine = next(
        other for other in runs
        if all(other[k] == run[k] for k in ("task", "optimizer", "seed", "epochs"))
    )  # fmt: skip
    if mine is not run:
        first = [np.array(r["losses"][:FIRST_STEPS]) for r in (mine, run)]
        apart = f"{np.abs(first[0] - first[1]).max():.1e}"
        ratio = f"**{run['seconds'] / mine['seconds']:.2f}**"
    cells = (
        run["task"],
        f"{run['optimizer']}, seed {run['seed']}",
        run["library"],
        f"{np.mean(run['losses'][-LAST_STEPS:]):.3f}",
        f"{run['accuracy']:.2%}",
        f"{run['seconds']:.0f} s",
        ratio,
        apart,
    )
    return f"| {' | '.join(cells)} |"


def full_data(path: Path) -> str:
    """Runs on whole data sets; the last two columns compare torch's with minigrad's."""
    runs = json.loads(path.read_text())
    head = (
        f"run|optimizer|library|loss, last {LAST_STEPS} steps|test accuracy|training|"
        f"times as fast|first {FIRST_STEPS} losses apart"
    ).split("|")
    body = "\n".join(run_row(runs[: i + 1]) for i in range(len(runs)))
    return (
        "## Whole data sets\n\nThe same initial weights and batches in both libraries, default "
        f"threads (`python -m benchmarks.full_data`).\n\n{rows(head, [])}\n{body}"
    )


def inner_loops(path: Path) -> str:
    """A row for each CPU, and a column for each micro-kernel."""
    found = json.loads(path.read_text())
    kinds = list(dict.fromkeys(kind for loops in found["loops"].values() for kind in loops))
    body = [[cpu, *(loops.get(k, "") for k in kinds)] for cpu, loops in found["loops"].items()]
    return (
        "## Innermost loops on other CPUs\n\nShare of the peak of multiply-adds, where all data "
        f"lie in the first-level cache, by {found['simulator']}; vectors that are spilled to the "
        "stack or moved between registers are counted (`python -m benchmarks.inner_loops`).\n\n"
        f"{rows(['CPU', *kinds], body)}"
    )


def winograd_errors(path: Path) -> str:
    """A row for each dtype, number of channels and direction."""
    found = json.loads(path.read_text())
    head = ["dtype", "channels", "of the", *found[0]["errors"]]
    body = [
        [
            *(each[key] for key in ("dtype", "channels", "direction")),
            *(f"{error:.1e}" for error in each["errors"].values()),
        ]
        for each in found
    ]
    return (
        "## Rounding errors of Winograd's convolution\n\nThe largest error, relative to the "
        "largest result, of 3 x 3 convolutions by each algorithm; sums in long numbers are taken "
        "for exact (`python -m benchmarks.winograd_errors`). Plain sums: "
        f"`minigrad.backends.winograd.flags(enabled=False)`.\n\n{rows(head, body)}"
    )


def language_model_row(found: dict[str, Any]) -> str:
    """A model in both libraries: losses, how far they lie apart, and speed."""
    mine, theirs = found["runs"]["minigrad"], found["runs"].get("torch")
    columns = [mine] if theirs is None else [mine, theirs]
    apart = ratio = ""
    if theirs is not None:
        losses = [np.array(run["losses"]) for run in columns]
        apart = f"{np.abs(losses[0] - losses[1]).max():.1e}"
        ratio = f"**{theirs['step'] / mine['step']:.2f}**"
    cells = [
        found["task"],
        len(mine["losses"]),
        f"{mine['losses'][0]:.3f} to {np.mean(mine['losses'][-LAST_STEPS:]):.3f}",
        apart,
        *(f"{found['tokens'] / run['step']:,.0f}" for run in columns),
        *[""] * (2 - len(columns)),
        ratio,
    ]
    return f"| {' | '.join(map(str, cells))} |"


def language_models(path: Path) -> str:
    """Runs of language models, and what they write after them."""
    found = json.loads(path.read_text())
    threads = next(iter(found.values()))["threads"]
    head = [
        "model",
        "steps",
        "loss, first to last",
        "largest difference of losses",
        "tokens/s, minigrad",
        "tokens/s, torch",
        "times as fast",
    ]
    body = "\n".join(language_model_row(each) for each in found.values())
    texts = "\n\n".join(
        f"What minigrad's {each['task'].partition(',')[0]} writes then:\n\n"
        f"```text\n{each['runs']['minigrad']['text'].strip()}\n```"
        for each in found.values()
    )
    return (
        "## Language models\n\nOn tinyshakespeare, the same initial weights and batches of 12 "
        f"windows of 64 characters in both libraries, AdamW, {threads} thread(s), the fastest step "
        f"of several runs (`python -m benchmarks.language_models`).\n\n{rows(head, [])}\n{body}"
        f"\n\n{texts}"
    )


def details(run: Run) -> str:
    """Everything that was measured at one number of threads."""
    return (
        f"<details><summary>All cases, {run.threads} thread(s)</summary>\n\n```\n{heading(run)}\n\n"
        f"{table(run)}\n```\n\n</details>"
    )


SECTIONS: dict[str, Callable[[Path], str]] = {
    "startup": startup,
    "memory": memory,
    "neighbour-busy": neighbour,
    "growth": of_cases("Growth with batch and depth, 1 thread"),
    "alternatives": of_cases("What else one might pick, 1 thread"),
    "full-data": full_data,
    "inner-loops": inner_loops,
    "language-models": language_models,
    "winograd-errors": winograd_errors,
} | {f"optimizers-{threads}": optimizers for threads in (1, 2, 4, 8, 16, 32)}
