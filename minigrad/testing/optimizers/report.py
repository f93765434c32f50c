"""The outcomes of a diagnosis as a table, as JSON and as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.core.files import write_atomically
from minigrad.testing.optimizers.problems import PROBLEMS, Problem
from minigrad.testing.optimizers.runs import Outcome


def _grid(outcomes: Sequence[Outcome]) -> tuple[list[str], list[str], dict[Any, Outcome]]:
    """Optimizers, the one that solves most and fastest first, problems, and the outcomes."""
    by = {(o.optimizer, o.problem): o for o in outcomes}
    problems = [p for p in PROBLEMS if any(o.problem == p for o in outcomes)]
    names = list(dict.fromkeys(o.optimizer for o in outcomes))
    return sorted(names, key=lambda n: -_score(n, problems, by)), problems, by


def _score(name: str, problems: Sequence[str], by: dict[Any, Outcome]) -> float:
    """The sum over problems of the part of the steps that were not needed."""
    needed = ((by[name, p].steps, PROBLEMS[p].steps) for p in problems)
    return sum(1 + (1 - steps / most) for steps, most in needed if steps is not None)


def table(outcomes: Sequence[Outcome]) -> str:
    """Steps to the target and the rate, for each optimizer and problem, as Markdown.

    Where the target was not reached the loss in the end stands in brackets.
    """
    names, problems, by = _grid(outcomes)
    lines = [
        "| optimizer | " + " | ".join(problems) + " | solved |",
        "|---" * (len(problems) + 2) + "|",
    ]
    for name in names:
        cells = []
        for problem in problems:
            o = by[name, problem]
            loss = f"{o.loss:.2g}" if np.isfinite(o.loss) else "diverged"
            cells.append(f"({loss})" if o.steps is None else f"{o.steps} @ {o.rate:g}")
        solved = sum(by[name, p].steps is not None for p in problems)
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {solved} |")
    return "\n".join(lines)


def _described(problem: Problem) -> dict[str, Any]:
    return {"steps": problem.steps, "target": problem.target, "what": problem.what}


def as_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Everything, for `json.dump`: losses that are infinite become null."""
    return {
        "problems": {name: _described(p) for name, p in PROBLEMS.items()},
        "outcomes": [
            {
                "optimizer": o.optimizer, "problem": o.problem, "rate": o.rate,
                "loss": o.loss if np.isfinite(o.loss) else None, "steps": o.steps,
                "losses": {
                    str(rate): [x if np.isfinite(x) else None for x in losses]
                    for rate, losses in o.losses.items()
                },
            }
            for o in outcomes
        ],
    }  # fmt: skip


def draw(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write a picture: steps to the target by colour, the best optimizers on top.

    Raises ImportError without matplotlib.
    """
    try:
        from matplotlib import colormaps, figure  # noqa: PLC0415  extra `plot`
    except ImportError as error:
        raise ImportError("a picture needs matplotlib: pip install 'minigrad[plot]'") from error
    names, problems, by = _grid(outcomes)
    parts = np.full((len(names), len(problems)), np.nan)
    for i, name in enumerate(names):
        for j, problem in enumerate(problems):
            steps = by[name, problem].steps
            if steps is not None:
                parts[i, j] = steps / PROBLEMS[problem].steps
    picture = figure.Figure(
        figsize=(1.1 * len(problems) + 2.5, 0.24 * len(names) + 1.8), layout="constrained"
    )
    axes = picture.subplots()
    colours = colormaps["viridis_r"].with_extremes(bad="#e8e8e8")
    axes.grid(visible=False)  # whatever the style in use has
    image = axes.imshow(parts, aspect="auto", cmap=colours, vmin=0, vmax=1)
    for i, name in enumerate(names):
        for j, problem in enumerate(problems):
            o = by[name, problem]
            text = "–" if o.steps is None else f"{o.steps}"
            dark = o.steps is not None and parts[i, j] > 0.5
            axes.text(j, i, text, ha="center", va="center", fontsize=7, color="w" if dark else "k")
    axes.set_xticks(range(len(problems)), problems)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    axes.set_title("Steps to the target at the best rate; grey: not reached", fontsize=10)
    picture.colorbar(image, shrink=0.4, label="part of the steps allowed")
    write_atomically(path, lambda part: picture.savefig(part, format="png", dpi=130))
