"""The plan of a convolution: how outputs read the source, by which algorithm, in which steps."""

import math
from functools import lru_cache
from itertools import groupby, product
from typing import NamedTuple

from minigrad.kernels.simd.ir_builder import VECTOR_BYTES
from minigrad.kernels.simd.microkernels import NR_VECTORS


class Axis(NamedTuple):
    """How outputs along one axis meet the source: output i reads source[origin + i * step + tap].

    It is stored at `first + i * spacing`.  Where `spread` is not 1, the source's pixels lie so far
    apart and zeros between them; then `step` is 1.
    """

    length: int
    step: int
    origin: int
    taps: tuple[int, ...]
    first: int = 0
    spacing: int = 1
    spread: int = 1

    @property
    def reach(self) -> int:
        return max(self.taps) + 1

    def has_three_even_taps(self) -> bool:
        """Whether there are three taps, evenly apart by some number of steps, in either order."""
        if len(self.taps) != 3:
            return False
        first, middle, last = self.taps
        return first + last == 2 * middle and first != last and (middle - first) % self.step == 0

    def interleaved(self) -> "tuple[Axis, ...]":
        """An axis of even taps as axes whose outputs lie as far apart as the taps do."""
        apart = abs(self.taps[1] - self.taps[0]) // self.step
        return tuple(
            Axis(
                -(-(self.length - i) // apart),
                self.step * apart,
                self.origin + i * self.step,
                self.taps,
                self.first + i * self.spacing,
                self.spacing * apart,
            )
            for i in range(min(apart, self.length))
        )


def readable(shape: tuple[int, ...], contiguous: bool) -> int:
    """How many elements there are to read, used or not, from an array's first on.

    Where they do not lie in order that is none, wherever one begins: strides may be negative.
    """
    return math.prod(shape) if contiguous else -(2**62)


def parts(size: int, most: int) -> tuple[int, int]:
    """How many nearly equal parts of at most `most` there are in `size`, and their length."""
    length = -(-size // -(-size // most))
    return -(-size // length), length


# Measured: what it costs to take a tile to its points, for one vector of channels; to take a result
# there or back, for one vector of filters; and a filter; by the size of the tile.
TILE_COSTS = {4: (500, 400, 300), 2: (250, 200, 150)}
# Lanes of a tile that cost as much as a multiply-add of pixels.
LANES_OF_PIXELS = 4
# A plane is spread with zeros where it grows by a factor that, times the taps, is at most this.
MOST_SPREAD = 40


def fills_few_lanes(filters: int, itemsize: int) -> bool:
    """Whether vectors of pixels are faster than tiles of a group's filters, most of them idle."""
    return LANES_OF_PIXELS * filters <= NR_VECTORS * VECTOR_BYTES // itemsize


def is_better_spread(channels: int, filters: int, itemsize: int, stride: int, taps: int) -> bool:
    """Whether a convolution of so many places, meeting gradients that lie `stride` places apart,
    is faster over planes with zeros between them than over each phase of the stride by itself.

    Where a plane meets a plane, copying it for each phase takes longer than multiplying by zeros.
    """
    planes = channels == 1 and fills_few_lanes(filters, itemsize)
    return planes and stride > 1 and stride * taps <= MOST_SPREAD


def winograd_tile(
    images: int, channels: int, filters: int, axes: tuple[Axis, Axis], taps: int, itemsize: int
) -> int:
    """Outputs along the side of Winograd's tiles, where they are the fastest, or 0.

    `taps` is the sum over the outputs of one plane of the taps that the direct way multiplies by.
    """
    if not all(axis.has_three_even_taps() for axis in axes):
        return 0
    vector = VECTOR_BYTES // itemsize
    groups, vectors = -(-channels // vector), -(-filters // (NR_VECTORS * vector)) * NR_VECTORS
    lanes = min(vectors * vector, LANES_OF_PIXELS * filters)
    costs = {0: images * taps * channels * lanes // vector}
    for size, (there, back, filter) in TILE_COSTS.items():
        tiles = images * _tiles(axes, size)
        multiplied = tiles * (size + 2) ** 2 * channels * vectors
        transformed = tiles * (groups * there + vectors * back) + channels * vectors * filter
        costs[size] = multiplied + transformed
    return min(costs, key=costs.__getitem__)


def _tiles(axes: tuple[Axis, Axis], size: int) -> int:
    rows, columns = (sum(-(-phase.length // size) for phase in axis.interleaved()) for axis in axes)
    return rows * columns


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
