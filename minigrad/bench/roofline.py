"""The roofline picture of a run (extra `plot`)."""

from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.bench.record import Run
from minigrad.core.files import write_atomically

COLOURS = ("#c0392b", "#2a5f9e", "#2a7f3f", "#8e44ad", "#d68910")
MARKS = "os^Dvp*PXhd<>"
LINES = {"first-level cache": 2**14, "last-level cache": 2**22, "main memory": 2**60}


def draw_roofline(path: str | Path, run: Run) -> None:
    """Write a PNG: for each case FLOP/s over FLOP per byte, under the roof of this machine.

    Raises ValueError if no case has counts of both, and ImportError without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  extra `plot`
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("a picture needs matplotlib: pip install 'minigrad[plot]'") from error

    entries = [entry for entry in run.entries if entry.flops and entry.bytes and entry.timings]
    if not entries:
        raise ValueError("no case of this run has both operations and bytes counted: no picture")
    figure = Figure(figsize=(11, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    groups = list(dict.fromkeys(entry.name.split()[0] for entry in entries))
    marks = {group: MARKS[i % len(MARKS)] for i, group in enumerate(groups)}
    colours = dict(zip(run.libraries, cycle(COLOURS), strict=False))
    for library, colour in colours.items():
        for group in groups:
            timed = [e for e in entries if library in e.timings and e.name.split()[0] == group]
            axes.scatter(
                [e.flops / e.bytes for e in timed],
                [e.flops / e.timings[library].best / 1e9 for e in timed],
                c=colour, marker=marks[group], s=28, alpha=0.75, linewidths=0,
            )  # fmt: skip
    _draw_roof(axes, run)
    _draw_legends(axes, colours, marks)
    axes.set_xlabel("operations per byte (FLOP/B)")
    axes.set_ylabel("GFLOP/s, best turn")
    axes.set_title(f"{run.dtype}, {run.threads} thread(s), {run.machine['cpu']}")
    axes.grid(alpha=0.25, which="both")
    write_atomically(path, lambda p: figure.savefig(p, dpi=120, format="png"))


def _draw_roof(axes: Any, run: Run) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    peak = run.peaks.flops / 1e9
    left, right = axes.get_xlim()
    intensity = np.geomspace(left, max(right, 100.0), 200)
    for (name, size), style in zip(LINES.items(), ("-", "--", ":"), strict=True):
        rate = run.peaks.bandwidth(size) / 1e9
        roof = np.minimum(peak, intensity * rate)
        axes.plot(intensity, roof, style, color="0.3", lw=1, label=f"{name}, {rate:.0f} GB/s")
    axes.annotate(
        f"FMA peak {peak:.0f} GFLOP/s", (intensity[-1], peak), xytext=(-4, 4),
        textcoords="offset points", size=8, ha="right", color="0.3",
    )  # fmt: skip


def _draw_legends(axes: Any, colours: dict[str, str], marks: dict[str, str]) -> None:
    axes.add_artist(axes.legend(loc="upper left", fontsize=8))  # the lines of the roof
    libraries = [axes.scatter([], [], c=colour, label=name) for name, colour in colours.items()]
    kinds = [axes.scatter([], [], c="0.5", marker=mark, label=k) for k, mark in marks.items()]
    axes.add_artist(axes.legend(handles=libraries, loc="lower right"))
    axes.legend(handles=kinds, loc="lower center", ncols=3, fontsize=8)
