"""The plan of a convolution: what outputs read, in which steps, and by which algorithm."""

import math
from collections import defaultdict
from functools import lru_cache
from itertools import product
from typing import Literal, NamedTuple

from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.conv.axis import Axis, Piece, Reading, cut_of
from minigrad.kernels.conv.microkernels import PLANE_ROWS, PLANE_VECTORS, TILED_FILTERS
from minigrad.kernels.simd.microkernels import NR_VECTORS

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
Shape = tuple[int, ...]

# "winograd" multiplies filters in Winograd's domain, 3x3 taps at a time, "direct" vectors of pixels
# with one tap after the other, "depthwise" vectors of channels that are convolved by themselves,
# "implicit_gemm" matrices of pixels and filters.
Algorithm = Literal["winograd", "direct", "depthwise", "implicit_gemm"]


# Measured costs, by the size of the tile, of one vector: of channels, to transform a tile of the
# images; of filters, to transform a tile of the result; and of filters, to transform a filter.
TILE_COSTS = {4: (500, 400, 300), 2: (250, 200, 150)}
# The same of adding a tile of results to those of other taps.  Beside it, filters of more than
# three taps, whose parts transform all images anew, take longer than counted by this factor.
ADDING_COST, PARTS_FACTOR = 150, 1.5
# The cost of a step, beside what it multiplies.
STEP_COST = 36_000
# What a filter of `direct` costs beside a lane of a register tile of `implicit_gemm`, whose pixels
# need no rows with margins: in a tile of filters, and by itself.
TILED_COST, SINGLE_COST = 1.34, 3
# The same of a gradient, each of whose filters is multiplied by itself.
GRADIENT_COST = 4
# The source is dilated with zeros where its growth, times the number of taps, is at most this.
MOST_DILATED = 100
# Pixels along an axis, for each that a tap reads, that "depthwise" copies at most.
MOST_PIXELS = 4


class Sizes(NamedTuple):
    """The sizes that an algorithm's cost depends on; channels and filters are those of a group."""

    images: int
    channels: int
    filters: int
    itemsize: int
    is_weight_grad: bool = False
    groups: int = 1
    row_share: float = 1  # of the taps of all rows of outputs, that which reads a pixel

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
    if (dilation := math.prod(axis.source_dilation for axis in axes)) > 1:
        # Copying a single plane for each phase takes longer than multiplying by zeros.
        taps = math.prod(len(axis.taps) for axis in axes)
        few_filters = sizes.channels == 1 and direct_lanes(sizes) <= NR_VECTORS * sizes.vector
        dilates = few_filters and dilation * taps <= MOST_DILATED
        return ("direct", 0) if dilates else None
    costs = algorithm_costs(sizes, axes, taps)
    if tile := min(costs, key=costs.__getitem__):
        return "winograd", tile
    plain = plain_costs(sizes, axes, taps)
    return min(plain, key=plain.__getitem__), 0


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


def direct_lanes(sizes: Sizes) -> float:
    """Lanes of a register tile that take as long as a pixel of `direct` under a tap."""
    if sizes.is_weight_grad:
        return GRADIENT_COST * sizes.filters
    whole, rest = divmod(sizes.filters, PLANE_ROWS)
    if rest >= TILED_FILTERS:
        whole, rest = whole + 1, 0
    return TILED_COST * PLANE_ROWS * whole + SINGLE_COST * rest


def register_lanes(sizes: Sizes) -> float:
    """Lanes that a pixel takes under a tap, of `direct` or of whole panels of filters."""
    panel = NR_VECTORS * sizes.vector
    return min(-(-sizes.filters // panel) * panel, direct_lanes(sizes))


def plain_costs(sizes: Sizes, axes: tuple[Axis, Axis], taps: int) -> dict[Algorithm, float]:
    """The costs of the algorithms that multiply each pixel with its tap, as `algorithm_costs`."""
    panel, (rows, columns) = NR_VECTORS * sizes.vector, axes
    per_lane = sizes.images * taps * sizes.channels / sizes.vector
    direct = per_lane * direct_lanes(sizes)
    if sizes.filters >= TILED_FILTERS and not sizes.is_weight_grad:
        tile = PLANE_VECTORS * sizes.vector
        in_rows = sizes.row_share * rows.length * -(-columns.length // tile)
        pitch = columns.length + max(columns.taps) // columns.stride
        at_once = -(-rows.length * pitch // tile)
        direct *= tile * min(in_rows, at_once) / (rows.length * columns.length)
    costs: dict[Algorithm, float] = {
        "direct": direct,
        "implicit_gemm": per_lane * -(-sizes.filters // panel) * panel,
    }
    if can_be_depthwise(sizes, axes):
        costs["depthwise"] = direct / 2
    return costs


def can_be_depthwise(sizes: Sizes, axes: tuple[Axis, Axis]) -> bool:
    """Whether each channel is convolved by itself, to all outputs, and they fill a vector."""
    is_whole = all(axis.out_stride == axis.source_dilation == 1 for axis in axes)
    is_dense = all(
        (axis.length - 1) * axis.stride + axis.extent <= MOST_PIXELS * axis.length * len(axis.taps)
        for axis in axes
    )
    is_single = sizes.channels == sizes.filters == 1
    return is_single and sizes.groups >= sizes.vector and is_whole and is_dense


def algorithm_costs(sizes: Sizes, axes: tuple[Axis, Axis], taps: int) -> dict[int, float]:
    """The costs, in multiply-adds of a vector, by Winograd's m, where it can be used, or 0."""
    images, channels, filters = sizes[:3]
    costs: dict[int, float] = {0: min(plain_costs(sizes, axes, taps).values())}
    if not (_Winograd.enabled and all(axis.has_even_taps() for axis in axes)):
        return costs
    parts_of_filter = math.prod(-(-len(axis.taps) // 3) for axis in axes)
    if sizes.is_weight_grad and parts_of_filter > 1:  # each part would transform the gradient anew
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
    sizes = Sizes(out[0], weight[1], weight[0] // groups, itemsize, is_weight_grad, groups)
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
    sizes = Sizes(out[0], weight[0] // groups, weight[1], itemsize, groups=groups)
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
        cut = cut_of(pair, source)
        row_share = Reading(pair[0], source[0]).share if len(cut[0]) == 1 else 1
        sizes = sizes._replace(row_share=row_share)
        taps = math.prod(sum(p.axis.length * len(p.axis.taps) for p in pieces) for pieces in cut)
        chosen = select_algorithm(sizes, (pair[0].axis, pair[1].axis), taps)
        assert chosen is not None  # the source is not dilated
        if chosen[0] == "winograd":
            for outputs in product(*(piece.for_winograd() for piece in pair)):
                steps += [
                    Step(down, across, *chosen, adds=i > 0)
                    for i, (down, across) in enumerate(product(*outputs))
                ]
        elif chosen[0] == "depthwise":
            steps.append(Step(*pair, *chosen))
        else:
            steps += [Step(down, across, *chosen) for down, across in product(*cut)]
    return tuple(steps)
