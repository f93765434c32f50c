"""The plan of a convolution: what outputs read, in which steps, and by which algorithm."""

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from functools import lru_cache
from itertools import pairwise, product
from operator import neg
from typing import Literal, NamedTuple

from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.simd.microkernels import NR_VECTORS

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
Shape = tuple[int, ...]

# "winograd" multiplies filters in Winograd's domain, 3x3 taps at a time, "direct" vectors of pixels
# with one tap after the other, "implicit_gemm" matrices of pixels and filters.
Algorithm = Literal["winograd", "direct", "implicit_gemm"]


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


# Measured costs, by the size of the tile, of one vector: of channels, to transform a tile of the
# images; of filters, to transform a tile of the result; and of filters, to transform a filter.
TILE_COSTS = {4: (500, 400, 300), 2: (250, 200, 150)}
# The same of adding a tile of results to those of other taps.  Beside it, filters of more than
# three taps, whose parts transform all images anew, take longer than counted by this factor.
ADDING_COST, PARTS_FACTOR = 150, 1.5
# The cost of a step, beside what it multiplies.
STEP_COST = 36_000
# Lanes of a register tile that cost as much as a multiply-add of pixels.
LANES_OF_PIXELS = 4
# The source is dilated with zeros where its growth, times the number of taps, is at most this.
MOST_DILATED = 40


class Sizes(NamedTuple):
    """The sizes that an algorithm's cost depends on; channels and filters are those of a group."""

    images: int
    channels: int
    filters: int
    itemsize: int
    is_weight_grad: bool = False

    @property
    def vector(self) -> int:
        """Elements of a vector."""
        return VECTOR_BYTES // self.itemsize


def select_algorithm(
    sizes: Sizes, axes: tuple[Axis, Axis], taps: int
) -> tuple[Algorithm, int] | None:
    """The fastest algorithm for a correlation, and m of Winograd's F(m x m, 3 x 3) or 0.

    `taps` is the sum, over the outputs of one plane, of the taps that read a pixel; only Winograd's
    algorithm multiplies the others too.  The result is None for a dilated source if it is faster to
    read it undilated, one phase of the outputs after the other.
    """
    # A register tile holds vectors of filters: of a few filters most lanes would be idle.
    few_filters = LANES_OF_PIXELS * sizes.filters <= NR_VECTORS * sizes.vector
    if (dilation := math.prod(axis.source_dilation for axis in axes)) > 1:
        # Copying a single plane for each phase takes longer than multiplying by zeros.
        taps = math.prod(len(axis.taps) for axis in axes)
        dilates = sizes.channels == 1 and few_filters and dilation * taps <= MOST_DILATED
        return ("direct", 0) if dilates else None
    costs = algorithm_costs(sizes, axes, taps)
    if tile := min(costs, key=costs.__getitem__):
        return "winograd", tile
    return ("direct" if few_filters else "implicit_gemm"), 0


class _Winograd:
    """Whether Winograd's algorithm may be chosen."""

    enabled = True


def winograd_enabled() -> bool:
    """Whether Winograd's algorithm is chosen where it is the fastest."""
    return _Winograd.enabled


def set_winograd_enabled(enabled: bool) -> None:
    """Choose Winograd's algorithm where it is the fastest, or never.  Plans are made anew."""
    _Winograd.enabled = enabled
    forward_steps.cache_clear()
    backward_steps.cache_clear()


def register_lanes(sizes: Sizes) -> int:
    """Lanes that a pixel takes under a tap, of `direct` or of whole panels of filters."""
    panel = NR_VECTORS * sizes.vector
    return min(-(-sizes.filters // panel) * panel, LANES_OF_PIXELS * sizes.filters)


def algorithm_costs(sizes: Sizes, axes: tuple[Axis, Axis], taps: int) -> dict[int, float]:
    """The costs, in multiply-adds of a vector, by Winograd's m, where it can be used, or 0."""
    images, channels, filters, _, is_weight_grad = sizes
    costs: dict[int, float] = {0: images * taps * channels * register_lanes(sizes) / sizes.vector}
    if not (_Winograd.enabled and all(axis.has_even_taps() for axis in axes)):
        return costs
    parts_of_filter = math.prod(-(-len(axis.taps) // 3) for axis in axes)
    if is_weight_grad and parts_of_filter > 1:  # each part would transform the gradient anew
        return costs
    groups = -(-channels // sizes.vector)
    vectors = -(-filters // (NR_VECTORS * sizes.vector)) * NR_VECTORS
    steps = math.prod(min(axis.dilation, axis.length) for axis in axes)
    for size, (image_cost, result_cost, filter_cost) in TILE_COSTS.items():
        tiles = images * _tiles(axes, size)
        multiplied = tiles * (size + 2) ** 2 * channels * vectors
        transformed = tiles * (groups * image_cost + vectors * result_cost)
        costs[size] = multiplied + transformed + channels * vectors * filter_cost
        if parts_of_filter > 1:
            costs[size] += tiles * vectors * ADDING_COST
            costs[size] *= parts_of_filter * PARTS_FACTOR
        costs[size] += (steps * parts_of_filter - 1) * STEP_COST
    return costs


def _tiles(axes: tuple[Axis, Axis], size: int) -> int:
    """The tiles of all steps: along an axis, some have an output more than the others."""
    along = []
    for axis in axes:
        outputs, longer = divmod(axis.length, axis.dilation)
        shorter = axis.dilation - longer
        along.append(longer * -(-(outputs + 1) // size) + shorter * -(-outputs // size))
    return math.prod(along)


# An axis is cut in pieces, a call of the kernels each, where at most this share of its taps reads
# a pixel.
SPARSE = 0.6


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


class Step(NamedTuple):
    """A call of a kernel, for some rows and columns."""

    rows: Piece
    columns: Piece
    algorithm: Algorithm
    tile: int = 0  # m of Winograd's F(m x m, 3 x 3)
    adds: bool = False  # to the results of the steps before it, which are of other taps

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """The axes of rows and of columns."""
        return self.rows.axis, self.columns.axis


Steps = tuple[Step, ...]


@lru_cache(1024)
def forward_steps(
    out: Shape, weight: Shape, source: Shape, stride: Pair, padding: Padding, dilation: Pair,
    groups: int, itemsize: int, is_weight_grad: bool = False,
) -> Steps:  # fmt: skip
    """The steps to a convolution's output, or to the gradient of its weight, a sum over outputs."""
    sizes = Sizes(out[0], weight[1], weight[0] // groups, itemsize, is_weight_grad)
    axes = [_strided(*a) for a in zip(out[2:], weight[2:], stride, padding, dilation, strict=True)]
    return steps_of(axes[0], axes[1], source[2:], sizes)


@lru_cache(1024)
def backward_steps(
    out: Shape, weight: Shape, source: Shape, stride: Pair, padding: Padding, dilation: Pair,
    groups: int, itemsize: int,
) -> Steps:  # fmt: skip
    """The steps to the gradient of the input.

    The input's pixels fall into stride x stride phases.  The outputs that read a phase are
    neighbours, and read it through the same taps: its gradient is a correlation of stride 1.
    Or all pixels are computed at once, from the output's gradient dilated with zeros.
    """
    sizes = Sizes(out[0], weight[0] // groups, weight[1], itemsize)
    axes = [
        (source[i], weight[i], stride[i - 2], padding[i - 2][0], dilation[i - 2]) for i in (2, 3)
    ]
    if math.prod(stride) > 1:
        rows, columns = (_dilated(*axis) for axis in axes)
        if chosen := select_algorithm(sizes, (rows.axis, columns.axis), 0):
            return (Step(rows, columns, *chosen),)
    return steps_of(phases_along(*axes[0]), phases_along(*axes[1]), out[2:], sizes)


def _strided(
    size: int, kernel: int, stride: int, padding: Pair, dilation: int
) -> tuple[Piece, ...]:
    """An output axis as one piece, with all taps."""
    taps = tuple(range(0, kernel * dilation, dilation))
    return (Piece(Axis(size, stride, -padding[0], taps), slice(0, kernel, 1)),)


def phases_along(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> tuple[Piece, ...]:
    """The phases of an input axis that taps read, each with the slice of the kernel's taps."""
    period = stride // math.gcd(stride, dilation)
    phases = defaultdict(list)
    for r in range(kernel):
        phases[(r * dilation - padding) % stride].append(r)
    pieces = []
    for first, taps in sorted(phases.items()):
        if first >= size:
            break
        sources = [(first + padding - r * dilation) // stride for r in taps]
        origin = min(sources)
        count = -(-(size - first) // stride)
        kept = slice(taps[0], kernel, period)
        axis = Axis(count, 1, origin, tuple(r - origin for r in sources), first, stride)
        pieces.append(Piece(axis, kept))
    return tuple(pieces)


def _dilated(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Piece:
    """An input axis with all taps, which read the output's gradient dilated by the stride."""
    reach = (kernel - 1) * dilation
    taps = tuple(range(reach, -1, -dilation))
    axis = Axis(size, 1, padding - reach, taps, source_dilation=stride)
    return Piece(axis, slice(0, kernel, 1))


def steps_of(
    rows: tuple[Piece, ...], columns: tuple[Piece, ...], source: Shape, sizes: Sizes
) -> Steps:
    """Each pair of pieces by the fastest algorithm for it, cut as that algorithm needs it."""
    steps: list[Step] = []
    for pair in product(rows, columns):
        cut = [_split(piece, size) for piece, size in zip(pair, source, strict=True)]
        taps = math.prod(sum(p.axis.length * len(p.axis.taps) for p in pieces) for pieces in cut)
        chosen = select_algorithm(sizes, (pair[0].axis, pair[1].axis), taps)
        assert chosen is not None  # the source is not dilated
        if chosen[0] == "winograd":
            for outputs in product(*(piece.for_winograd() for piece in pair)):
                steps += [
                    Step(down, across, *chosen, adds=i > 0)
                    for i, (down, across) in enumerate(product(*outputs))
                ]
        else:
            steps += [Step(down, across, *chosen) for down, across in product(*cut)]
    return tuple(steps)


def _split(whole: Piece, source: int) -> tuple[Piece, ...]:
    """Cut an axis where the taps that read one of its `source` pixels change, if few of them do.

    On maps as small as the kernel most taps fall on padding: it pays not to multiply by those.
    """
    axis, taps = whole
    runs = _runs(axis, source)
    useful = sum((end - begin) * outputs for _, outputs, begin, end in runs)
    if len(runs) > 1 and useful > SPARSE * axis.length * len(axis.taps):
        return (whole,)
    pieces = []
    for first, outputs, begin, end in runs:
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
