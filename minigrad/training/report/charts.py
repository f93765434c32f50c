"""Charts as SVG: lines over epochs, bars of calibration, points of a regression."""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 14, 36
COLOURS = ("#1f6feb", "#d9480f", "#2b8a3e", "#862e9c", "#0b7285", "#a61e4d", "#5c940d", "#364fc7")


class Line(NamedTuple):
    """A line of a chart: its name, its points, its colour, and whether it is dashed."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    dashed: bool = False


class _Axes(NamedTuple):
    left: float
    right: float
    low: float
    high: float

    def x(self, value: float) -> float:
        """The place of a value from left to right."""
        share = (value - self.left) / (self.right - self.left)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """The place of a value from the top."""
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def line_chart(title: str, x_title: str, lines: Sequence[Line]) -> str:
    """Lines over a common axis; points that are not finite are left out."""
    kept = [line._replace(points=[p for p in line.points if _finite(*p)]) for line in lines]
    points = [point for line in kept for point in line.points]
    if not points:
        return f"<figure><figcaption>{escape(title)}</figcaption><p>no values</p></figure>"
    axes = _axes(points)
    drawn = []
    for line in kept:
        path = " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in line.points)
        dashes = ' stroke-dasharray="5 4"' if line.dashed else ""
        drawn.append(
            f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2"'
            f"{dashes}/>"
        )
        if len(line.points) <= 40:
            drawn += [
                f'<circle cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="2.5" fill="{line.colour}">'
                f"<title>{escape(line.name)}: {y:.5g} at {x:g}</title></circle>"
                for x, y in line.points
            ]
    return _figure(title, x_title, axes, drawn, lines)


def point_chart(
    title: str, x_title: str, points: Sequence[tuple[float, float]], radius: float = 2.5
) -> str:
    """Points, and the diagonal on which both numbers are the same."""
    kept = [point for point in points if _finite(*point)]
    if not kept:
        return f"<figure><figcaption>{escape(title)}</figcaption><p>no values</p></figure>"
    values = [v for point in kept for v in point]
    axes = _axes([(min(values), min(values)), (max(values), max(values))])
    low, high = axes.left, axes.right
    drawn = [
        f'<line x1="{axes.x(low):.1f}" y1="{axes.y(low):.1f}" x2="{axes.x(high):.1f}" '
        f'y2="{axes.y(high):.1f}" stroke="#868e96" stroke-dasharray="4 4"/>',
        *(
            f'<circle cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="{radius}" fill="{COLOURS[0]}" '
            f'fill-opacity="0.6"><title>{x:.4g}, {y:.4g}</title></circle>'
            for x, y in kept
        ),
    ]
    return _figure(title, x_title, axes, drawn, [])


def _figure(title: str, x_title: str, axes: _Axes, drawn: list[str], lines: Sequence[Line]) -> str:
    grid = []
    for value in _ticks(axes.low, axes.high):
        y = axes.y(value)
        grid.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" class="grid"/>'
        )
        grid.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for value in _ticks(axes.left, axes.right):
        if x_title == "epoch" and value != round(value):
            continue
        x = axes.x(value)
        grid.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{value:g}</text>'
        )
    grid.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" text-anchor="middle">'
        f"{escape(x_title)}</text>"
    )
    legend = "".join(
        f'<span><i style="color:{line.colour}"{" class=dashed" if line.dashed else ""}></i>'
        f"{escape(line.name)}</span>"
        for line in lines
    )
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'{"".join(grid)}{"".join(drawn)}</svg><p class="legend">{legend}</p></figure>'
    )


def _axes(points: Sequence[tuple[float, float]]) -> _Axes:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right = min(xs), max(xs)
    low, high = min(ys), max(ys)
    if right == left:
        left, right = left - 0.5, right + 0.5
    border = (high - low) * 0.05 or abs(high) * 0.05 or 0.5
    return _Axes(left, right, low - border, high + border)


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers from low to high."""
    step = 10.0 ** math.floor(math.log10((high - low) / 5))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 6)
    first = math.ceil(low / step)
    return [round(i * step, 12) for i in range(first, math.floor(high / step) + 1)]


def _finite(x: float | None, y: float | None) -> bool:
    return x is not None and y is not None and math.isfinite(x) and math.isfinite(y)
