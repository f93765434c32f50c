"""The roofline picture of a run (extra `plot`)."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.bench.record import Run
from minigrad.bench.roofline_points import Point, places_of_labels, points_of
from minigrad.core.files import write_atomically

COLOURS = ("#c0392b", "#2a5f9e", "#2a7f3f", "#8e44ad", "#d68910")
MARKS = "os^Dvp*PXhd<>"
LINES = {"first-level cache": 2**14, "last-level cache": 2**22, "main memory": 2**60}
LETTERS = 6.5  # size of labels, in points


def draw_roofline(path: str | Path, run: Run) -> None:
    """Write a PNG: for each case FLOP/s over FLOP per byte, under the roof of this machine.

    Full marks are forward passes, hollow ones gradients.  Raises ValueError if no case has counts
    of both, and ImportError without matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  extra `plot`
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise ImportError("a picture needs matplotlib: pip install 'minigrad[plot]'") from error

    points = points_of(run)
    figure = Figure(figsize=(13, 8.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    kinds = list(dict.fromkeys(point.kind for point in points))
    marks = {kind: MARKS[i % len(MARKS)] for i, kind in enumerate(kinds)}
    colours = dict(zip(run.libraries, cycle(COLOURS), strict=False))
    for point in points:
        colour = colours[point.library]
        axes.scatter(
            point.x, point.flops / 1e9, marker=marks[point.kind], s=26, alpha=0.8, linewidths=1,
            facecolors="none" if point.is_gradient else colour, edgecolors=colour,
        )  # fmt: skip
    _draw_roof(axes, run)
    _draw_legends(axes, colours, marks)
    axes.set_xlabel(
        "operations per byte (FLOP/B); cases that have the same stand beside each other"
    )
    axes.set_ylabel("GFLOP/s, best turn")
    axes.set_title(f"{run.dtype}, {run.threads} thread(s), {run.machine['cpu']}")
    axes.grid(alpha=0.25, which="both")
    figure.draw_without_rendering()  # after which places in the picture are known
    _draw_labels(axes, points)
    write_atomically(path, lambda p: figure.savefig(p, dpi=120, format="png"))


def _draw_labels(axes: Any, points: Sequence[Point]) -> None:
    """Names of the points, where they cover neither points nor each other."""
    pixels = axes.figure.dpi / 72
    corner = axes.bbox.p0
    size = axes.bbox.p1 - corner
    named = sorted((p for p in points if p.labelled), key=lambda p: -p.flops)
    places = axes.transData.transform([(p.x, p.flops / 1e9) for p in named]) - corner
    widths = [0.56 * LETTERS * pixels * len(p.label) for p in named]
    height = 1.25 * LETTERS * pixels
    found = places_of_labels([tuple(p) for p in places], widths, height, (size[0], size[1]))
    for point, place, anchor in zip(named, found, places, strict=True):
        if place is not None:
            axes.annotate(
                point.label, (point.x, point.flops / 1e9),
                xytext=((place[0] - anchor[0]) / pixels, (place[1] - anchor[1]) / pixels),
                textcoords="offset points", size=LETTERS, color="0.25", va="center",
            )  # fmt: skip


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
    passes = [
        axes.scatter([], [], facecolors=face, edgecolors="0.4", label=name)
        for name, face in (("forward", "0.4"), ("gradient", "none"))
    ]
    axes.add_artist(axes.legend(handles=[*libraries, *passes], loc="lower right", fontsize=8))
    kinds = [axes.scatter([], [], c="0.5", marker=mark, label=k) for k, mark in marks.items()]
    axes.legend(handles=kinds, loc="lower center", ncols=3, fontsize=8)
