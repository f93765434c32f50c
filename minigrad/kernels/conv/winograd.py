"""Winograd's correlation with 3x3 filters: a matrix product for each of a few points.

The images' tiles and the filters are taken to the points (see `winograd_points`), where a
correlation is a product [tiles, C] @ [C, F] per point; the results are taken back to pixels.
Vectors hold neighbouring channels on the way there, and filters on the way back.

A task takes a block of tiles, small enough for its points to stay in the second-level cache, and
multiplies it with one panel of filters after the other.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import keep_alive, offset, pointer, pointer_at
from minigrad.kernels.compiler.task_queue import Prepared, array_at, task_kernel
from minigrad.kernels.compiler.workspace import scratch
from minigrad.kernels.conv.plan import Axis, parts, readable
from minigrad.kernels.conv.winograd_transforms import (
    ONE,
    SKEW,
    filter_to_points_2,
    filter_to_points_4,
    images_to_points,
    padded_channels,
    points_to_result_2,
    points_to_result_4,
    strip_place,
)
from minigrad.kernels.simd.ir_builder import VECTOR_BYTES
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS, gemm_microkernel
from minigrad.kernels.simd.move import lanes, transpose

# A panel of the filters at one point, KC x a tile's row, stays in the first-level cache.
KC = 256
# Elements of a block of tiles at all points, about, and its tiles at least.
BLOCK = 98_304
TILES = 24
# Tasks of a call if its sizes allow so many; a task packs the filters of so many channels.
TASKS = 8
PACKED_CHANNELS = 32


def correlate_winograd(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    axes: tuple[Axis, Axis],
    size: int,
) -> None:
    """Fill the places of `out` that the axes describe with source * filters + bias.

    (N, F, H', W'), (N, C, H, W), (F, C, 3, 3), (F,), by tiles of size x size outputs, 2 or 4.
    An axis has three taps that lie as far apart as its outputs.
    """
    backward = tuple(slice(None, None, 1 if axis.taps[0] == 0 else -1) for axis in axes)
    filters = filters[:, :, *backward]
    layout = _layout(
        out.dtype, source.shape, source.strides, out.shape, out.strides, axes,
        filters.strides, size, source.flags.c_contiguous,
    )  # fmt: skip
    start = np.zeros(layout.start, out.dtype)
    if bias is not None:
        start[: len(bias)] = bias
    memory = scratch(layout.packed + layout.apart, out.dtype)
    packed, apart = memory[: layout.packed], memory[layout.packed :]
    layout.tasks.run(source, out, filters, packed, apart, start)


_PLAN = np.dtype(
    [
        (name, np.int64)
        for name in (
            "source", "out", "weights", "packed", "apart", "start",  # addresses
            "images", "channels", "filters", "readable",  # elements of the source if contiguous
            "image_step", "channel_step", "row_step", "column_step", "height", "source_width",
            "out_image_step", "out_channel_step", "out_row_step", "out_column_step",
            "weight_filter_step", "weight_channel_step", "weight_row_step", "weight_column_step",
            "rows", "row_stride", "row_origin", "row_first", "row_spacing",
            "columns", "column_stride", "column_origin", "column_first", "column_spacing",
            "size", "points",  # of a tile; per axis
            "high", "strips", "wide", "many", "blocks",  # rows of tiles; strips of one; its tiles
            "depth", "image_step_at", "filter_step_at", "sum_step_at",  # from point to point
            "width", "panels", "share", "shares", "pieces", "packings",
        )
    ]
)  # fmt: skip


class _Layout(NamedTuple):
    """All that a kernel has to know but for addresses, and the sizes of what it needs."""

    tasks: Prepared
    packed: int
    apart: int
    start: int


@lru_cache(1024)
def _layout(
    dtype: np.dtype,
    source_shape: tuple[int, ...],
    source_strides: tuple[int, ...],
    out_shape: tuple[int, ...],
    out_strides: tuple[int, ...],
    axes: tuple[Axis, Axis],
    weight_strides: tuple[int, ...],
    size: int,
    contiguous: bool,
) -> _Layout:
    """The cut into tasks, which follows from the sizes alone."""
    (rows, columns), itemsize = axes, dtype.itemsize
    (images, channels), filters, points = source_shape[:2], out_shape[1], size + 2
    vector = VECTOR_BYTES // itemsize
    width, depth = NR_VECTORS * vector, padded_channels(channels, itemsize)
    most = max(TILES, BLOCK // (points * points * depth))
    high = -(-rows.length // size)
    strips, wide = parts(-(-columns.length // size), most)
    blocks, many = parts(images * high * strips, max(1, most // wide))
    tiles = -(-many * wide // MR) * MR
    panels = -(-filters // width)
    shares, share = parts(panels, max(1, panels * blocks // TASKS))
    pieces = -(-channels // PACKED_CHANNELS)
    at_points = tiles * depth + SKEW, channels * width + SKEW, tiles * width + SKEW
    plan = (
        0, 0, 0, 0, 0, 0,
        images, channels, filters, readable(source_shape, contiguous),
        *(stride // itemsize for stride in source_strides), *source_shape[2:],
        *(stride // itemsize for stride in (*out_strides, *weight_strides)),
        rows.length, rows.step, rows.origin, rows.first, rows.spacing,
        columns.length, columns.step, columns.origin, columns.first, columns.spacing,
        size, points, high, strips, wide, many, blocks, depth, *at_points,
        width, panels, share, shares, pieces, panels * pieces,
    )  # fmt: skip
    apart = blocks if shares > 1 else 0
    counts = panels * pieces + apart, blocks * shares
    multiplied = images * high * strips * wide * points * points * channels * filters
    return _Layout(
        correlation_tasks.prepare(dtype, plan, counts, multiplied // 16),
        panels * points * points * at_points[1],
        apart * points * points * at_points[0],
        panels * width,
    )


@device_function
def _gather_taps(taps, weights, plan, used):
    """taps[tap, lane] of some filters, zeros in idle lanes; from the last tap on if that is first.

    Returns 1, or -1 where the taps stand in reverse order.
    """
    vector, step = lanes(taps), plan.weight_column_step
    if used < vector:
        for i in range(9 * vector):
            taps[i] = 0
    if abs(step) == 1 and plan.weight_row_step == 3 * step:
        lowest = offset(weights, min(0, 8 * step))
        transpose((taps, vector), (lowest, plan.weight_filter_step), 1, used, 9)
        return step
    for tap in range(9):
        place = tap // 3 * plan.weight_row_step + tap % 3 * step
        for lane in range(used):
            taps[tap * vector + lane] = weights[place + lane * plan.weight_filter_step]
    return 1


@device_function(allocates=True)
def _pack_filters(task, like, plan):
    """Take some channels of one panel's filters to the points."""
    vector, panel, piece = plan.width // NR_VECTORS, task // plan.pieces, task % plan.pieces
    memory = np.empty(9 * vector, like.dtype)
    taps, weights = pointer(memory), pointer_at(like, plan.weights)
    packed = pointer_at(like, plan.packed)
    packed = offset(packed, panel * plan.points * plan.points * plan.filter_step_at)
    first = piece * PACKED_CHANNELS
    for c in range(first, min(first + PACKED_CHANNELS, plan.channels)):
        for j in range(0, plan.width, vector):
            f = panel * plan.width + j
            place = f * plan.weight_filter_step + c * plan.weight_channel_step
            used = max(0, min(vector, plan.filters - f))
            step = vector * _gather_taps(taps, offset(weights, place), plan, used)
            source = (offset(taps, max(0, -8 * step)), 3 * step, step)
            here = offset(packed, c * plan.width + j)
            out = (here, plan.points * plan.filter_step_at, plan.filter_step_at)
            if plan.size == 4:
                filter_to_points_4(out, source)
            else:
                filter_to_points_2(out, source)
    keep_alive((memory,))


@device_function
def _multiply(sums, start, values, tile_at, depth_at, panel, plan, tiles):
    """sums[point, tile, filter] = values[point, tile, :] @ panel[point, :, filter], and the bias.

    `start` is (zeros, bias): the bias comes in at the one point from where it reaches all pixels.
    """
    width = plan.width
    for point in range(plan.points * plan.points):
        begin = start[1] if point == ONE * plan.points + ONE else start[0]
        for k in range(0, plan.channels, KC):
            right = (offset(panel, point * plan.filter_step_at + k * width), width)
            source = offset(values, point * plan.image_step_at + k)
            for i in range(0, tiles, MR):
                here = (offset(sums, point * plan.sum_step_at + i * width), width)
                first = (begin, 0) if k == 0 else here
                left = (source, offset(tile_at, i), depth_at)
                gemm_microkernel(here, first, left, right, min(KC, plan.channels - k))


@device_function
def _store(stage, sums, like, plan, block, panel):
    """Take a panel's sums of a block of tiles back to pixels, and store them."""
    vector, out, point_step = lanes(stage), pointer_at(like, plan.out), plan.sum_step_at
    row_size = plan.wide * plan.size * vector
    begin = block * plan.many
    for strip in range(begin, min(begin + plan.many, plan.images * plan.high * plan.strips)):
        n, t, u = strip_place(plan, strip)
        rows, columns = min(plan.size, plan.rows - t), min(plan.wide * plan.size, plan.columns - u)
        y, x = plan.row_first + t * plan.row_spacing, plan.column_first + u * plan.column_spacing
        place = n * plan.out_image_step + y * plan.out_row_step + x * plan.out_column_step
        # Rows of output that follow one another in memory are stored as one.
        step, row_step = plan.column_spacing * plan.out_column_step, plan.out_row_step
        whole = columns == plan.wide * plan.size and columns * step == row_step * plan.row_spacing
        run = rows * columns if whole else columns
        for i in range(plan.wide * NR_VECTORS):
            tile, j = i // NR_VECTORS, i % NR_VECTORS
            here = offset(sums, (((strip - begin) * plan.wide + tile) * NR_VECTORS + j) * vector)
            source = (here, plan.points * point_step, point_step)
            here = offset(stage, j * plan.size * row_size + tile * plan.size * vector)
            if plan.size == 4:
                points_to_result_4((here, row_size, vector), source)
            else:
                points_to_result_2((here, row_size, vector), source)
        for i in range(0, rows * columns, run):
            row = i // columns
            for j in range(NR_VECTORS):
                f = panel * plan.width + j * vector
                target = place + f * plan.out_channel_step + row * plan.row_spacing * row_step
                transpose(
                    (offset(out, target), plan.out_channel_step),
                    (offset(stage, (j * plan.size + row) * row_size), vector),
                    step, run, min(vector, plan.filters - f),
                )  # fmt: skip


@task_kernel(_PLAN)
def correlation_tasks(phase, task, none, plans):
    """Take filters, and images if tasks share them, to the points; then one block and some panels.

    out[n, f, y, x] = start[f] + sum over c, r, s of source[n, c, y + r, x + s] * w[f, c, r, s]
    """
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    if phase == 0 and task < plan.packings:
        _pack_filters(task, like, plan)
        return
    share, block = task % plan.shares, task // plan.shares
    if phase == 0:
        block = task - plan.packings
    size = plan.points * plan.points * plan.image_step_at
    shared = plan.shares > 1
    memory = np.empty(1 if shared else size, like.dtype)
    values = pointer(memory)
    if shared:
        values = offset(pointer_at(like, plan.apart), block * size)
    if phase == 0 or not shared:
        images_to_points(values, like, plan, block)
    if phase == 1:
        tiles = plan.many * plan.wide
        padded = -(-tiles // MR) * MR
        tile_at, depth_at = np.empty(padded, np.int64), np.arange(KC)
        for i in range(padded):
            tile_at[i] = min(i, tiles - 1) * plan.depth
        sums = np.empty(plan.points * plan.points * plan.sum_step_at, like.dtype)
        stage = np.empty(plan.size * plan.size * plan.wide * plan.width, like.dtype)
        zeros = np.zeros(plan.width, like.dtype)
        packed, start = pointer_at(like, plan.packed), pointer_at(like, plan.start)
        for panel in range(share * plan.share, min(plan.panels, (share + 1) * plan.share)):
            place = panel * plan.points * plan.points * plan.filter_step_at
            begin = (pointer(zeros), offset(start, panel * plan.width))
            _multiply(
                pointer(sums), begin, values, pointer(tile_at), pointer(depth_at),
                offset(packed, place), plan, padded,
            )  # fmt: skip
            _store(pointer(stage), pointer(sums), like, plan, block, panel)
        keep_alive((tile_at, depth_at, sums, stage, zeros))
    keep_alive((memory,))
