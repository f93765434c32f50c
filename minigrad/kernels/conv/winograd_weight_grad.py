"""Winograd's gradient of 3x3 filters: the adjoint of `winograd`, map by map.

The images' tiles are taken to the points as there, and tiles of the output's gradient by the
adjoint of the way back; their products [C, tiles] @ [tiles, F] are summed per point, and only the
sums are taken back to the nine taps.
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
    SKEW,
    images_to_points,
    padded_channels,
    points_to_filter_2,
    points_to_filter_4,
    result_to_points_2,
    result_to_points_4,
    stage_pixels,
    strip_place,
)
from minigrad.kernels.simd.ir_builder import VECTOR_BYTES
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS, gemm_microkernel
from minigrad.kernels.simd.move import lanes, transpose

# Elements of a block of tiles at all points, about, and its tiles at least.
BLOCK = 98_304
TILES = 48
# Tasks of a call if its sizes allow so many, and their partial sums, in elements.
TASKS = 8
PARTIAL = 4_194_304
# A task adds up the sums of so many channels.
CHANNELS = 32


def correlate_winograd_gradient(
    out: np.ndarray,
    gradient: np.ndarray,
    source: np.ndarray,
    axes: tuple[Axis, Axis],
    size: int,
) -> None:
    """Fill `out`, (F, C, 3, 3), with gradient * source.

    (N, F, H', W'), (N, C, H, W), by tiles of size x size places of the gradient, 2 or 4.
    """
    layout = _layout(
        out.dtype, source.shape, source.strides, gradient.shape, gradient.strides, axes,
        out.strides, size, source.flags.c_contiguous, gradient.flags.c_contiguous,
    )  # fmt: skip
    memory = scratch(layout.sums + layout.apart, out.dtype)
    sums, apart = memory[: layout.sums], memory[layout.sums :]
    layout.tasks.run(source, gradient, out, sums, apart)


_PLAN = np.dtype(
    [
        (name, np.int64)
        for name in (
            "source", "gradient", "weights", "sums", "apart",  # addresses
            "images", "channels", "filters",
            "readable", "gradient_readable",  # elements of an array if it is contiguous
            "image_step", "channel_step", "row_step", "column_step", "height", "source_width",
            "gradient_image_step", "filter_step", "gradient_row_step", "gradient_column_step",
            "gradient_height", "gradient_width",
            "weight_filter_step", "weight_channel_step", "weight_row_step", "weight_column_step",
            "rows", "row_stride", "row_origin", "row_first", "row_spacing",
            "columns", "column_stride", "column_origin", "column_first", "column_spacing",
            "size", "points",  # of a tile; per axis
            "high", "strips", "wide", "many", "blocks",  # rows of tiles; strips of one; its tiles
            "depth", "padded", "image_step_at", "gradient_step_at", "sum_step_at",
            "width", "panels", "share", "shares", "slices", "pieces",
        )
    ]
)  # fmt: skip


class _Layout(NamedTuple):
    """All that a kernel has to know but for addresses, and the sizes of what it needs."""

    tasks: Prepared
    sums: int
    apart: int


@lru_cache(1024)
def _layout(
    dtype: np.dtype,
    source_shape: tuple[int, ...],
    source_strides: tuple[int, ...],
    shown_shape: tuple[int, ...],
    shown_strides: tuple[int, ...],
    axes: tuple[Axis, Axis],
    weight_strides: tuple[int, ...],
    size: int,
    contiguous: bool,
    shown_contiguous: bool,
) -> _Layout:
    """The cut into tasks, which follows from the sizes alone."""
    (rows, columns), itemsize = axes, dtype.itemsize
    (images, channels), filters, points = source_shape[:2], shown_shape[1], size + 2
    width, depth = NR_VECTORS * VECTOR_BYTES // itemsize, padded_channels(channels, itemsize)
    most = max(TILES, BLOCK // (points * points * depth))
    high = -(-rows.length // size)
    strips, wide = parts(-(-columns.length // size), most)
    blocks, many = parts(images * high * strips, max(1, most // wide))
    tiles, panels = many * wide, -(-filters // width)
    padded = -(-channels // MR) * MR
    at_points = tiles * depth + SKEW, tiles * width + SKEW, padded * width + SKEW
    sums = panels * points * points * at_points[2]
    slices = max(1, min(blocks, 2 * TASKS, PARTIAL // sums))
    shares, share = parts(panels, max(1, panels * slices // TASKS))
    apart = blocks if shares > 1 else 0
    pieces = -(-channels // CHANNELS)
    plan = (
        0, 0, 0, 0, 0,
        images, channels, filters,
        readable(source_shape, contiguous), readable(shown_shape, shown_contiguous),
        *(stride // itemsize for stride in source_strides), *source_shape[2:],
        *(stride // itemsize for stride in shown_strides), *shown_shape[2:],
        *(stride // itemsize for stride in weight_strides),
        rows.length, rows.step, rows.origin, rows.first, rows.spacing,
        columns.length, columns.step, columns.origin, columns.first, columns.spacing,
        size, points, high, strips, wide, many, blocks, depth, padded, *at_points,
        width, panels, share, shares, slices, pieces,
    )  # fmt: skip
    counts = apart, slices * shares, panels * pieces
    multiplied = images * high * strips * wide * points * points * channels * filters
    tasks = gradient_tasks.prepare(dtype, plan, counts, multiplied // 16)
    return _Layout(tasks, slices * sums, apart * points * points * at_points[0])


@device_function(allocates=True)
def _gradient_to_points(values, like, plan, block, panel):
    """Take a block of the gradient's tiles to the points: values[point, tile, filter]."""
    vector, reach = lanes(values), plan.wide * plan.size
    row_size = (reach + vector) * vector
    memory = np.empty(plan.size * row_size, like.dtype)
    stage, gradient = pointer(memory), pointer_at(like, plan.gradient)
    steps = plan.filter_step, plan.gradient_row_step, plan.gradient_column_step
    point_step = plan.gradient_step_at
    begin = block * plan.many
    for strip in range(begin, min(begin + plan.many, plan.images * plan.high * plan.strips)):
        n, t, u = strip_place(plan, strip)
        y, x = plan.row_first + t * plan.row_spacing, plan.column_first + u * plan.column_spacing
        window = (y, plan.row_spacing, plan.size), (x, plan.column_spacing, reach)
        for j in range(0, plan.width, vector):
            first = panel * plan.width + j
            place = n * plan.gradient_image_step + first * plan.filter_step
            stage_pixels(
                stage, row_size, offset(gradient, place), steps,
                max(0, min(vector, plan.filters - first)), window,
                (plan.gradient_height, plan.gradient_width), plan.gradient_readable - place,
            )  # fmt: skip
            for i in range(plan.wide):
                here = offset(values, ((strip - begin) * plan.wide + i) * plan.width + j)
                out = (here, plan.points * point_step, point_step)
                tile = (offset(stage, i * plan.size * vector), row_size, vector)
                if plan.size == 4:
                    result_to_points_4(out, tile)
                else:
                    result_to_points_2(out, tile)
    keep_alive((memory,))


@device_function
def _multiply(sums, images, gradient, channel_at, tile_at, plan, tiles):
    """Add images[point, tiles, :] transposed @ gradient[point, tiles, :] to the sums."""
    for point in range(plan.points * plan.points):
        right = (offset(gradient, point * plan.gradient_step_at), plan.width)
        source = offset(images, point * plan.image_step_at)
        for i in range(0, plan.padded, MR):
            here = (offset(sums, point * plan.sum_step_at + i * plan.width), plan.width)
            gemm_microkernel(here, here, (source, offset(channel_at, i), tile_at), right, tiles)


@device_function(allocates=True)
def _sum_slice(task, like, plan):
    """Sum up the products of one slice of the blocks, for some panels of the filters."""
    share, piece = task % plan.shares, task // plan.shares
    area, most = plan.points * plan.points, plan.many * plan.wide
    size, sum_size = area * plan.image_step_at, area * plan.sum_step_at
    shared = plan.shares > 1
    images_memory = np.empty(1 if shared else size, like.dtype)
    gradient_memory = np.empty(area * plan.gradient_step_at, like.dtype)
    channel_at, tile_at = np.empty(plan.padded, np.int64), np.empty(most, np.int64)
    for i in range(plan.padded):
        channel_at[i] = min(i, plan.channels - 1)
    for i in range(most):
        tile_at[i] = i * plan.depth
    panels = share * plan.share, min(plan.panels, (share + 1) * plan.share)
    sums = offset(pointer_at(like, plan.sums), piece * plan.panels * sum_size)
    for i in range(panels[0] * sum_size, panels[1] * sum_size):
        sums[i] = 0
    strips = plan.images * plan.high * plan.strips
    for block in range(
        plan.blocks * piece // plan.slices, plan.blocks * (piece + 1) // plan.slices
    ):
        images = pointer(images_memory)
        if shared:
            images = offset(pointer_at(like, plan.apart), block * size)
        else:
            images_to_points(images, like, plan, block)
        tiles = min(plan.many, strips - block * plan.many) * plan.wide
        for panel in range(panels[0], panels[1]):
            _gradient_to_points(pointer(gradient_memory), like, plan, block, panel)
            _multiply(
                offset(sums, panel * sum_size), images, pointer(gradient_memory),
                pointer(channel_at), pointer(tile_at), plan, tiles,
            )  # fmt: skip
    keep_alive((images_memory, gradient_memory, channel_at, tile_at))


@device_function(allocates=True)
def _add_up(task, like, plan):
    """Add up the slices' sums of some channels of one panel, in order; take them to the taps."""
    vector, panel, piece = plan.width // NR_VECTORS, task // plan.pieces, task % plan.pieces
    area = plan.points * plan.points
    sums = offset(pointer_at(like, plan.sums), panel * area * plan.sum_step_at)
    size = plan.panels * area * plan.sum_step_at
    first = piece * CHANNELS
    last = min(first + CHANNELS, plan.channels)
    for i in range(1, plan.slices):
        for point in range(area):
            place = point * plan.sum_step_at + first * plan.width
            to, others = offset(sums, place), offset(sums, place + i * size)
            for j in range((last - first) * plan.width):
                to[j] += others[j]
    memory = np.empty(9 * vector, like.dtype)
    taps, out = pointer(memory), pointer_at(like, plan.weights)
    for c in range(first, last):
        for j in range(0, plan.width, vector):
            here = offset(sums, c * plan.width + j)
            source = (here, plan.points * plan.sum_step_at, plan.sum_step_at)
            if plan.size == 4:
                points_to_filter_4((taps, 3 * vector, vector), source)
            else:
                points_to_filter_2((taps, 3 * vector, vector), source)
            f = panel * plan.width + j
            place = f * plan.weight_filter_step + c * plan.weight_channel_step
            for row in range(3):
                target = (offset(out, place + row * plan.weight_row_step), plan.weight_filter_step)
                transpose(
                    target, (offset(taps, 3 * row * vector), vector), plan.weight_column_step,
                    3, max(0, min(vector, plan.filters - f)),
                )  # fmt: skip
    keep_alive((memory,))


@task_kernel(_PLAN)
def gradient_tasks(phase, task, none, plans):
    """Take blocks to the points if tasks share them; sum over slices; take the sums to the taps."""
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    if phase == 0:
        place = task * plan.points * plan.points * plan.image_step_at
        images_to_points(offset(pointer_at(like, plan.apart), place), like, plan, task)
    elif phase == 1:
        _sum_slice(task, like, plan)
    else:
        _add_up(task, like, plan)
