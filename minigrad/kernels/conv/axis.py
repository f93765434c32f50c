"""Outputs along an axis and the pixels that they read, and the axis cut into pieces."""

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise
from operator import neg
from typing import NamedTuple

import numpy as np


class Axis(NamedTuple):
    """Outputs along one axis, and what they read: output i reads source[origin + i * stride + tap].

    Output i is stored at index `out_offset + i * out_stride`.  Where `source_dilation` is not 1,
    the source's pixels are taken to be so far apart, with zeros between them; then `stride` is 1.
    """

    length: int
    stride: int
    origin: int
    taps: tuple[int, ...]
    out_offset: int = 0
    out_stride: int = 1
    source_dilation: int = 1

    @property
    def extent(self) -> int:
        """Pixels from the first that an output may read to the last."""
        return max(self.taps) + 1

    def has_even_taps(self) -> bool:
        """Whether there are several taps at equal distances, a multiple of the stride."""
        distances = {second - first for first, second in pairwise(self.taps)}
        return len(distances) == 1 and 0 not in distances and min(distances) % self.stride == 0

    @property
    def dilation(self) -> int:
        """The distance of even taps, in outputs."""
        return abs(self.taps[1] - self.taps[0]) // self.stride

    def interleaved(self) -> "tuple[Axis, ...]":
        """An axis of even taps as axes whose outputs have the distance that the taps have."""
        dilation = self.dilation
        return tuple(
            Axis(
                -(-(self.length - i) // dilation),
                self.stride * dilation,
                self.origin + i * self.stride,
                self.taps,
                self.out_offset + i * self.out_stride,
                self.out_stride * dilation,
            )
            for i in range(min(dilation, self.length))
        )

    def by_threes(self) -> "tuple[Axis, ...]":
        """An axis of even taps as axes of three taps each, whose results add up.

        The last may have taps that this axis lacks.
        """
        distance = self.taps[1] - self.taps[0]
        axes = []
        for first in self.taps[::3]:
            taps = first, first + distance, first + 2 * distance
            least = min(taps)
            axes.append(
                self._replace(origin=self.origin + least, taps=tuple(tap - least for tap in taps))
            )
        return tuple(axes)


def parts(size: int, most: int) -> tuple[int, int]:
    """The number of nearly equal parts of at most `most` that `size` is cut into, and their length.

    The last part may be shorter.
    """
    length = -(-size // -(-size // most))
    return -(-size // length), length


# An axis is cut in pieces, a call of the kernels each, where at most this share of its taps reads
# a pixel; or both axes where that is so of the taps of both, into a few pieces.
SPARSE, MOST_PIECES = 0.6, 9


class Piece(NamedTuple):
    """Some outputs along an axis, with the taps of the kernel that they read through."""

    axis: Axis
    taps: slice

    @property
    def outputs(self) -> slice:
        """The indices at which the outputs are stored."""
        first, stride = self.axis.out_offset, self.axis.out_stride
        return slice(first, first + self.axis.length * stride, stride)

    def for_winograd(self) -> "tuple[tuple[Piece, ...], ...]":
        """Pieces whose outputs have the distance that the taps have, each for three taps a time."""
        first, step, count = self.taps.start, self.taps.step, len(self.axis.taps)
        slices = [
            slice(first + k * step, first + min(k + 3, count) * step, step)
            for k in range(0, count, 3)
        ]
        return tuple(
            tuple(Piece(*piece) for piece in zip(axis.by_threes(), slices, strict=True))
            for axis in self.axis.interleaved()
        )


def cut_of(pair: tuple[Piece, Piece], source: tuple[int, ...]) -> list[tuple[Piece, ...]]:
    """Cut axes where the taps that read one of the `source` pixels change, if few of them do.

    On maps as small as the kernel most taps fall on padding: it pays not to multiply by those.
    """
    along = [Reading(piece, size) for piece, size in zip(pair, source, strict=True)]
    is_sparse = math.prod(each.share for each in along) <= SPARSE
    if is_sparse and math.prod(len(each.runs) for each in along) <= MOST_PIECES:
        return [each.cut() for each in along]
    return [
        each.cut() if each.share <= SPARSE or len(each.runs) == 1 else (each.whole,)
        for each in along
    ]


class Reading:
    """What the outputs of a piece read, and the piece cut where that changes."""

    def __init__(self, whole: Piece, source: int) -> None:
        self.whole = whole
        self.runs = _runs(whole.axis, source)
        useful = sum((end - begin) * outputs for _, outputs, begin, end in self.runs)
        self.share = useful / max(1, whole.axis.length * len(whole.axis.taps))

    def cut(self) -> tuple[Piece, ...]:
        """The pieces: the outputs of each read through the same taps."""
        axis, taps = self.whole
        pieces = []
        for first, outputs, begin, end in self.runs:
            least = min(axis.taps[begin:end], default=0)
            piece = Axis(
                outputs,
                axis.stride,
                axis.origin + first * axis.stride + least,
                tuple(tap - least for tap in axis.taps[begin:end]),
                axis.out_offset + first * axis.out_stride,
                axis.out_stride,
            )
            kept = slice(taps.start + begin * taps.step, taps.start + end * taps.step, taps.step)
            pieces.append(Piece(piece, kept))
        return tuple(pieces)


def _runs(axis: Axis, source: int) -> list[tuple[int, int, int, int]]:
    """Runs of outputs that read pixels through the same taps: (first, outputs, begin, end).

    Output i reads a pixel through axis.taps[begin:end].  The work does not depend on the number of
    outputs: only where a tap enters or leaves the source can a run end.
    """
    edges = {0, axis.length}
    for tap in axis.taps:
        for edge in (0, source):
            output = -(-(edge - tap - axis.origin) // axis.stride)
            if 0 < output < axis.length:
                edges.add(output)
    runs: list[tuple[int, int, int, int]] = []
    for output, following in pairwise(sorted(edges)):
        begin, end = _reading(axis.taps, axis.origin + output * axis.stride, source)
        first = runs.pop()[0] if runs and runs[-1][2:] == (begin, end) else output
        runs.append((first, following - first, begin, end))
    return runs


def _reading(taps: tuple[int, ...], first: int, source: int) -> tuple[int, int]:
    """Which of the taps, all in order or in reverse order, read a pixel from `first` on."""
    if not taps:
        return 0, 0
    if taps[0] <= taps[-1]:
        begin, end = bisect_left(taps, -first), bisect_left(taps, source - first)
    else:
        begin = bisect_right(taps, first - source, key=neg)
        end = bisect_right(taps, first, key=neg)
    return (begin, end) if begin < end else (0, 0)


def taps_that_read(axis: Axis, source: int) -> np.ndarray:
    """The first tap that reads one of `source` pixels, and the end of those, of each output."""
    extent = (source - 1) * axis.source_dilation + 1
    found = np.empty((axis.length, 2), np.int64)
    for first, outputs, begin, end in _runs(axis, extent):
        found[first : first + outputs] = begin, end
    return found
