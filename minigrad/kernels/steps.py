"""A convolution as steps: calls of the kernels, each by the algorithm that suits it."""

import math
from functools import lru_cache
from itertools import groupby, product
from typing import NamedTuple

from minigrad.kernels.axis import Axis
from minigrad.kernels.choice import is_better_spread, winograd_tile

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
Shape = tuple[int, ...]

# An axis is cut in pieces, a call of the kernels each, where at most this share of taps is useful.
SPARSE = 0.6


class Piece(NamedTuple):
    """Some outputs along an axis, with the taps of the kernel that they meet."""

    axis: Axis
    taps: slice

    @property
    def outputs(self) -> slice:
        first, spacing = self.axis.first, self.axis.spacing
        return slice(first, first + self.axis.length * spacing, spacing)


class Step(NamedTuple):
    """A call of a kernel: some rows and columns; by Winograd's tiles if their size is not 0."""

    rows: Piece
    columns: Piece
    tile: int


Steps = tuple[Step, ...]


@lru_cache(1024)
def forward_steps(
    out: Shape, weight: Shape, source: Shape, stride: Pair, padding: Padding, dilation: Pair,
    groups: int, itemsize: int,
) -> Steps:  # fmt: skip
    """The steps to a convolution's output; its weight's gradient sums over the same."""
    sizes = out[0], weight[1], weight[0] // groups, itemsize
    axes = [_whole(*a) for a in zip(out[2:], weight[2:], stride, padding, dilation, strict=True)]
    return _steps(axes[0], axes[1], source[2:], sizes)


@lru_cache(1024)
def backward_steps(
    out: Shape, weight: Shape, source: Shape, stride: Pair, padding: Padding, dilation: Pair,
    groups: int, itemsize: int,
) -> Steps:  # fmt: skip
    """The steps to the gradient of the input.

    The input's pixels fall into stride x stride phases.  Each phase meets taps of its own, whose
    sources are neighbours in the output's gradient: it is a convolution of stride 1.  Or they are
    taken all at once, from the gradient spread with zeros.
    """
    sizes = out[0], weight[0] // groups, weight[1], itemsize
    spread = is_better_spread(*sizes[1:], math.prod(stride), math.prod(weight[2:]))
    along = _spread if spread else _reached
    rows, columns = (
        along(source[i], weight[i], stride[i - 2], padding[i - 2][0], dilation[i - 2])
        for i in (2, 3)
    )
    if spread:
        return (Step(rows[0], columns[0], 0),)
    return _steps(rows, columns, out[2:], sizes)


def _whole(size: int, kernel: int, stride: int, padding: Pair, dilation: int) -> tuple[Piece, ...]:
    taps = tuple(range(0, kernel * dilation, dilation))
    return (Piece(Axis(size, stride, -padding[0], taps), slice(0, kernel, 1)),)


def _reached(size: int, kernel: int, stride: int, padding: int, dilation: int) -> tuple[Piece, ...]:
    """Each phase of an input axis with the slice of the kernel's taps that reach it."""
    period = stride // math.gcd(stride, dilation)
    pieces = []
    for first in range(min(stride, size)):
        met = [r for r in range(kernel) if (first + padding - r * dilation) % stride == 0]
        sources = [(first + padding - r * dilation) // stride for r in met]
        origin = min(sources, default=0)
        count = -(-(size - first) // stride)
        taps = slice(met[0], kernel, period) if met else slice(0, 0, 1)
        axis = Axis(count, 1, origin, tuple(r - origin for r in sources), first, stride)
        pieces.append(Piece(axis, taps))
    return tuple(pieces)


def _spread(size: int, kernel: int, stride: int, padding: int, dilation: int) -> tuple[Piece, ...]:
    """An input axis with all taps, which meet the output's gradient spread by the stride."""
    reach = (kernel - 1) * dilation
    taps = tuple(range(reach, -1, -dilation))
    return (Piece(Axis(size, 1, padding - reach, taps, spread=stride), slice(0, kernel, 1)),)


def _steps(
    down: tuple[Piece, ...], across: tuple[Piece, ...], source: Shape,
    sizes: tuple[int, int, int, int],
) -> Steps:  # fmt: skip
    """Every pair of pieces, cut as the algorithm needs it that is the fastest for them."""
    steps: list[Step] = []
    images, channels, filters, itemsize = sizes
    for pair in product(down, across):
        cut = [_split(piece, size) for piece, size in zip(pair, source, strict=True)]
        taps = math.prod(sum(p.axis.length * len(p.axis.taps) for p in pieces) for pieces in cut)
        axes = pair[0].axis, pair[1].axis
        tile = winograd_tile(images, channels, filters, axes, taps, itemsize)
        if tile:
            cut = [tuple(Piece(axis, p.taps) for axis in p.axis.interleaved()) for p in pair]
        steps += [Step(rows, columns, tile) for rows, columns in product(*cut)]
    return tuple(steps)


def _split(whole: Piece, source: int) -> tuple[Piece, ...]:
    """Cut an axis where the taps that fall on its `source` pixels change, if few of them do.

    On maps as small as the kernel most taps meet padding: it pays not to multiply by those.
    """
    axis, taps = whole
    met = []
    for i in range(axis.length):
        at = axis.origin + i * axis.step
        inside = [k for k, tap in enumerate(axis.taps) if 0 <= at + tap < source]
        met.append((inside[0], inside[-1] + 1) if inside else (0, 0))
    useful = sum(end - begin for begin, end in met)
    if len(set(met)) > 1 and useful > SPARSE * axis.length * len(axis.taps):
        return (whole,)
    pieces = []
    for (begin, end), group in groupby(range(axis.length), key=met.__getitem__):
        run = list(group)
        least = min(axis.taps[begin:end], default=0)
        piece = Axis(
            len(run),
            axis.step,
            axis.origin + run[0] * axis.step + least,
            tuple(tap - least for tap in axis.taps[begin:end]),
            axis.first + run[0] * axis.spacing,
            axis.spacing,
        )
        kept = slice(taps.start + begin * taps.step, taps.start + end * taps.step, taps.step)
        pieces.append(Piece(piece, kept))
    return tuple(pieces)
