"""The pages of results: an overview of all kinds of machines, and for each kind its measurements.

`results/README.md` sets the kinds side by side and is short; `results/<kind>/README.md` has a
section for each file of results, `results/<kind>/cases-<threads>.md` every case.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.published.kinds import TITLES, kinds_in
from benchmarks.published.sections import SECTIONS
from benchmarks.published.tables import (
    case_runs,
    group_table,
    rows,
    side_by_side,
    speedups,
    steps_side_by_side,
    training_table,
)
from minigrad.bench import Run, heading, table

HOW = (
    "Ratios say how many times as fast minigrad is: above 1 it is the faster one. Each library ran "
    "in a process of its own, in turns with the others; the best turn counts, and results were "
    "checked before."
)


def publish(results: Path) -> None:
    """Write all pages of the folder, of the files that are there."""
    (results / "README.md").write_text(overview(results), encoding="utf-8")
    for kind in kinds_in(results):
        for name, text in pages(results / kind).items():
            (results / kind / name).write_text(text, encoding="utf-8")


def overview(results: Path) -> str:
    """All kinds of machines side by side, and links to what was measured on each."""
    kinds = kinds_in(results)
    runs = {kind: case_runs(results / kind) for kind in kinds}
    measured = [(TITLES[kind], run) for kind in kinds for run in runs[kind]]
    machines = [machine_row(kind, runs[kind]) for kind in kinds]
    parts = [
        "# Results",
        f"Made by `python -m benchmarks`, one folder for each kind of machine. {HOW}",
        rows(["machine", "CPU", "cores", "measured", "Python, Numba", "commit"], machines),
    ]
    if measured:
        parts += ["## By kind of case", "Against PyTorch, the geometric mean (and the least)."]
        parts += [side_by_side(measured, "torch"), "## Training steps"]
        parts += ["minigrad's time, PyTorch's, and how many times as fast minigrad is."]
        parts += [steps_side_by_side(measured)]
    return "\n\n".join([*parts, "## Everything that was measured", links(results, kinds)]) + "\n"


def machine_row(kind: str, runs: Sequence[Run]) -> list[object]:
    """A kind's machine: its first run tells it."""
    name = f"[{TITLES[kind]}]({kind}/README.md)"
    if not runs:
        return [name, *[""] * 5]
    m = runs[0].machine
    versions = f"{m['python']}, {m['numba']}"
    return [name, m["cpu"], m["cores"], str(m["when"])[:10], versions, f"`{m['commit']}`"]


def links(results: Path, kinds: Sequence[str]) -> str:
    """A row for each part, with a link for each kind that has it."""
    found: dict[str, dict[str, str]] = {}
    for kind in kinds:
        for title, target in parts_of(results / kind):
            found.setdefault(title, {})[kind] = f"[{TITLES[kind]}]({kind}/{target})"
    body = [[title, " ".join(by_kind.values())] for title, by_kind in found.items()]
    for page in sorted(results.glob("[!R]*.md")):
        title = page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        body.append([title, f"[all machines]({page.name})"])
    return rows(["what", "where"], body)


def parts_of(folder: Path) -> Iterator[tuple[str, str]]:
    """The titles of a kind's pages and sections, and where they are."""
    for run in case_runs(folder):
        yield f"Every case, {run.threads} thread(s)", f"cases-{run.threads}.md"
    for text in sections(folder):
        title = text.partition("\n")[0].removeprefix("## ")
        yield title, f"README.md#{anchor(title)}"


def anchor(title: str) -> str:
    """The name that a Markdown page gives to a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def sections(folder: Path) -> Iterator[str]:
    """A section for each file of results."""
    for name, section in SECTIONS.items():
        if (path := folder / f"{name}.json").exists():
            yield section(path)


def pages(folder: Path) -> dict[str, str]:
    """The pages of one kind, by their names."""
    runs = case_runs(folder)
    parts = [f"# Measured on {TITLES.get(folder.name, folder.name)}", HOW]
    if runs:
        m = runs[0].machine
        parts.append(
            f"Measured {m['when']} on {m['cores']} cores ({m['cpu']}, {m['system']}), Python "
            f"{m['python']}, Numba {m['numba']}, commit {m['commit']}. "
            + " ".join(f"[Every case, {r.threads} thread(s)](cases-{r.threads}.md)." for r in runs)
        )
        parts += ["## By kind of case", group_table(runs), "## Training steps"]
        parts += [training_table(runs)]
        if len(runs) > 1:
            parts.append(speedups(runs))
    cases = {f"cases-{run.threads}.md": every_case(run) for run in runs}
    return {"README.md": "\n\n".join([*parts, *sections(folder)]) + "\n"} | cases


def every_case(run: Run) -> str:
    """Everything that was measured at one number of threads."""
    title = f"# Every case, {run.threads} thread(s)"
    return f"{title}\n\n```text\n{heading(run)}\n\n{table(run)}\n```\n"


def summary(results: Path) -> str:
    """The tables of docs/tables/speed.md: training steps, and every kind of case in one number."""
    found = []
    for kind in kinds_in(results):
        if runs := case_runs(results / kind):
            found += [f"## {TITLES[kind]}", training_table(runs), group_table(runs)]
    return "\n\n".join(found)
