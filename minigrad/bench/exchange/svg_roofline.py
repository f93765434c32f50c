"""The roofline of a run as SVG, which a page shows without other files."""

import math
from html import escape

from minigrad.bench.record import Run
from minigrad.bench.roofline import COLOURS, LINES
from minigrad.bench.roofline_points import Point, places_of_labels, points_of

WIDTH, HEIGHT = 1000, 560
LEFT, RIGHT, TOP, BOTTOM = 60, 16, 16, 44
LETTER, LINE = 5.4, 11.0  # width and height of a label's letters
RADIUS = 4
DASHES = {"solid": "", "dashed": "6 4", "dotted": "2 4"}  # of the roofs


class _Axes:
    """Logarithmic axes: FLOP per byte from left to right, FLOP/s upwards."""

    def __init__(self, points: list[Point], run: Run) -> None:
        xs = [math.log10(p.x) for p in points] + [1.5]
        ys = [math.log10(p.flops) for p in points] + [math.log10(run.peaks.flops)]
        self.x_range = min(xs) - 0.15, max(xs) + 0.4
        self.y_range = min(ys) - 0.2, max(ys) + 0.2

    def x(self, intensity: float) -> float:
        low, high = self.x_range
        share = (math.log10(intensity) - low) / (high - low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, flops: float) -> float:
        low, high = self.y_range
        share = (math.log10(flops) - low) / (high - low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def svg_roofline(run: Run) -> str:
    """The picture, or a sentence where no case has operations and bytes counted."""
    try:
        points = points_of(run)
    except ValueError as reason:
        return f"<p>{escape(str(reason))}</p>"
    axes = _Axes(points, run)
    colours = {k: COLOURS[i % len(COLOURS)] for i, k in enumerate(run.libraries)}
    marks = [_mark(point, axes, colours[point.library]) for point in points]
    legend = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)}</span>'
        for name, colour in colours.items()
    )
    lines = "".join(
        f'<span><i class="line {style}"></i>{name}, {run.peaks.bandwidth(size) / 1e9:.0f} GB/s'
        "</span>"
        for (name, size), style in zip(LINES.items(), DASHES, strict=True)
    )
    return (
        f"<figure><figcaption>Roofline, {run.dtype}, {run.threads} thread(s)</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="roofline">'
        f"{_grid(axes)}{_roof(axes, run)}{''.join(marks)}{_labels(points, axes)}</svg>"
        f'<p class="legend">{legend}<span>full: forward; hollow: gradient</span></p>'
        f'<p class="legend">Roofs: {lines}</p></figure>'
    )


def _grid(axes: _Axes) -> str:
    found = []
    for power in range(math.ceil(axes.x_range[0]), math.floor(axes.x_range[1]) + 1):
        x = axes.x(10.0**power)
        found.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" '
                     f'class="grid"/><text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" '
                     f'text-anchor="middle">{10.0**power:g}</text>')  # fmt: skip
    for power in range(math.ceil(axes.y_range[0]), math.floor(axes.y_range[1]) + 1):
        y = axes.y(10.0**power)
        found.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                     f'class="grid"/><text x="{LEFT - 6}" y="{y + 4:.1f}" '
                     f'text-anchor="end">{10.0 ** (power - 9):g}</text>')  # fmt: skip
    found.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 6}" text-anchor="middle">operations per byte '
                 "(FLOP/B)</text>"
                 f'<text x="14" y="{HEIGHT / 2}" transform="rotate(-90 14 {HEIGHT / 2})" '
                 'text-anchor="middle">GFLOP/s</text>')  # fmt: skip
    return "".join(found)


def _roof(axes: _Axes, run: Run) -> str:
    left, right = (10**edge for edge in axes.x_range)
    bottom = 10 ** axes.y_range[0]
    found = []
    for (name, size), dashes in zip(LINES.items(), DASHES.values(), strict=True):
        rate = run.peaks.bandwidth(size)
        ridge = run.peaks.flops / rate
        start = max(left, bottom / rate)
        line = [(start, start * rate), (ridge, run.peaks.flops), (right, run.peaks.flops)]
        path = " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in line)
        found.append(f'<polyline points="{path}" class="roof" stroke-dasharray="{dashes}">'
                     f"<title>{name}, {rate / 1e9:.0f} GB/s</title></polyline>")  # fmt: skip
    above = axes.y(run.peaks.flops) - 5
    found.append(
        f'<text x="{WIDTH - RIGHT}" y="{above:.1f}" text-anchor="end">multiply-adds, '
        f"{run.peaks.flops / 1e9:.0f} GFLOP/s</text>"
    )
    return "".join(found)


def _mark(point: Point, axes: _Axes, colour: str) -> str:
    words = (f"{point.label}, {point.library}: {point.flops / 1e9:.3g} GFLOP/s, "
             f"{point.intensity:.3g} FLOP/B, {point.share:.0%} of the roof")  # fmt: skip
    fill = "none" if point.is_gradient else colour
    return (f'<circle cx="{axes.x(point.x):.1f}" cy="{axes.y(point.flops):.1f}" r="{RADIUS}" '
            f'fill="{fill}" fill-opacity="0.75" stroke="{colour}" pointer-events="all">'
            f"<title>{escape(words)}</title></circle>")  # fmt: skip


def _labels(points: list[Point], axes: _Axes) -> str:
    named = sorted((p for p in points if p.labelled), key=lambda p: -p.flops)
    anchors = [(axes.x(p.x), axes.y(p.flops)) for p in named]
    widths = [LETTER * len(p.label) for p in named]
    places = places_of_labels(anchors, widths, LINE, (WIDTH - RIGHT, HEIGHT - BOTTOM))
    return "".join(
        f'<text x="{place[0]:.1f}" y="{place[1] + LINE / 3:.1f}" class="label">'
        f"{escape(point.label)}</text>"
        for point, place in zip(named, places, strict=True)
        if place is not None
    )
