"""A section of a kind's page for each file of results beside minigrad's own cases."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import compiled_steps
from benchmarks.published.tables import rows, step_cells
from benchmarks.published.targets import optimizer_targets
from minigrad.bench import Run
from minigrad.bench.report import rate, seconds

FIRST_STEPS = 20  # whose losses are compared: rounding errors grow from step to step
LAST_STEPS = 20  # whose losses' mean is reported


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


def compiled(path: Path) -> str:
    """A row for each training step, and a column for each engine."""
    threads = int(path.stem.rpartition("-")[2])
    found = json.loads(path.read_text())
    lines = [compiled_steps.row(*each) for each in found.items()]
    return (
        f"## Compiled steps, {threads} thread(s)\n\nThe best time of each engine, in a process of "
        f"its own, in turns (`python -m benchmarks.compiled_steps`).\n\n"
        f"{compiled_steps.table(threads, lines)}\n\n{compiled_steps.notes(found)}"
    ).rstrip()


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


def verdicts(path: Path) -> str:
    """Rows of what was measured and of what was drawn from it, with the number of each verdict."""
    record = json.loads(path.read_text())
    found, load = record["verdicts"], record["machine"]["load"][0]
    words = ("slower", "faster", "unresolved")
    body = []
    for kind in [kind for kind in found if kind != "comparisons"]:
        for how in ("measured", "resampled"):
            counts = found[kind][how]
            numbers = [counts.get(word, 0) for word in words]
            body.append([kind, how, sum(numbers), *numbers])
    launches = max(len(times) for times in found["identical code"]["launches"].values())
    return (
        "## Verdicts on two versions\n\nOf `minigrad bench --ab` on identical code, and on code "
        f"with a tenth more work (`python -m benchmarks.verdicts`). *Measured*: each case once, in "
        f"up to {launches} launches. *Resampled*: a case at random, and launches drawn from the "
        f"recorded ones of that case, on which the same procedure decides; no time is made up. "
        f"{load:.0f} processes wanted a core at the end of it.\n\n"
        f"{rows(['compared', 'how', 'comparisons', *words], body)}"
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
    "verdicts": verdicts,
    "optimizer-targets": optimizer_targets,
} | {
    f"{name}-{threads}": section
    for name, section in (("optimizers", optimizers), ("compiled-steps", compiled))
    for threads in (1, 2, 4, 8, 16, 32)
}
