"""Points of a roofline, and free places for their labels; every picture draws these.

Points of the same operations per byte would stand upon one another, as all elementwise functions
do at the left edge: they are spread sideways, by their kind.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from minigrad.bench.record import Run

# A point is moved by up to this share of its operations per byte.
SPREAD = 0.12
# Fewer points than this are all labelled; of more, the largest case of each name.
ALL_LABELLED = 30


class Point(NamedTuple):
    """A case in a library: operations per byte, as drawn and counted, and FLOP/s.

    kind: the first word of the case's name; labelled: whether the picture names it.
    """

    label: str
    library: str
    kind: str
    is_gradient: bool
    x: float
    intensity: float
    flops: float
    share: float
    labelled: bool


def points_of(run: Run) -> list[Point]:
    """A point for each case and library.  Raises ValueError if no case has counts of both."""
    entries = [entry for entry in run.entries if entry.flops and entry.bytes and entry.timings]
    if not entries:
        raise ValueError("no case of this run has both operations and bytes counted: no picture")
    largest: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: entry.bytes):
        largest[entry.name] = entry.label
    names = set(largest.values()) if len(entries) > ALL_LABELLED else {e.label for e in entries}
    kinds = list(dict.fromkeys(entry.name.split()[0] for entry in entries))
    alone = Counter(_rounded(e.flops / e.bytes) for e in entries)
    found = []
    for entry in entries:
        kind, intensity = entry.name.split()[0], entry.flops / entry.bytes
        crowded = alone[_rounded(intensity)] > 1 and len(kinds) > 1
        sideways = 2 * kinds.index(kind) / (len(kinds) - 1) - 1 if crowded else 0.0
        for library, timing in entry.timings.items():
            share = entry.share_of_roof(library, run.peaks) or math.nan
            found.append(Point(
                entry.label, library, kind, "gradient" in entry.name,
                intensity * (1 + SPREAD) ** sideways, intensity, entry.flops / timing.best, share,
                library == "minigrad" and entry.label in names,
            ))  # fmt: skip
    return found


def _rounded(intensity: float) -> int:
    """Equal for intensities that a picture cannot tell apart."""
    return round(20 * math.log10(intensity))


def places_of_labels(
    anchors: Sequence[tuple[float, float]],
    widths: Sequence[float],
    height: float,
    room: tuple[float, float],
) -> list[tuple[float, float] | None]:
    """The left end and the middle line of each label, beside its anchor; None without a free place.

    Lengths are the picture's, y grows downwards or upwards.  No label covers another, or a point.
    """  # fmt: skip
    taken: list[tuple[float, float, float, float]] = []
    found: list[tuple[float, float] | None] = []
    gap = 0.6 * height
    for (x, y), width in zip(anchors, widths, strict=True):
        place = None
        for step in (0, 1, -1, 2, -2, 3, -3):
            for left in (x + gap, x - gap - width):
                box = (left, y + step * height - height / 2, left + width,
                       y + step * height + height / 2)  # fmt: skip
                if place is None and _is_free(box, taken, anchors, room):
                    taken.append(box)
                    place = left, y + step * height
        found.append(place)
    return found


def _is_free(
    box: tuple[float, float, float, float],
    taken: Sequence[tuple[float, float, float, float]],
    points: Sequence[tuple[float, float]],
    room: tuple[float, float],
) -> bool:
    left, low, right, high = box
    if left < 0 or low < 0 or right > room[0] or high > room[1]:
        return False
    if any(left < r and right > l and low < h and high > b for l, b, r, h in taken):
        return False
    return not any(left < x < right and low < y < high for x, y in points)
