"""Correlation of images with filters: matrix products that read the images where they lie.

Element p, k of the left operand is the image at pixel p under tap k of a filter.  In memory it lies
`pixel_at[p] + tap_at[k]` elements on, which is all that the register tile of the matrix product
asks for; the unfolded (im2col) matrix is never written.  Each task copies the window of the
image that it needs, with a margin of zeros, into a block that fits the second-level cache, so that
no tap is out of bounds.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import keep_alive, offset, pointer, pointer_at
from minigrad.kernels.compiler.task_queue import Prepared, array_at, task_kernel
from minigrad.kernels.compiler.workspace import scratch
from minigrad.kernels.conv.plan import Axis, parts, readable
from minigrad.kernels.simd.ir_builder import VECTOR_BYTES
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS, gemm_microkernel
from minigrad.kernels.simd.move import clear_vector, copy_row, copy_vector, lanes, transpose

# A panel of the filters, KC x a tile's row, stays in the first-level cache.
KC = 128
# A task's output pixels, about, and its block of the images at most, in elements.
PIXELS = 192
BLOCK = 131_072
# Tasks of a call if its sizes allow so many, and partial sums of a gradient, in elements.
TASKS = 8
PARTIAL = 4_194_304
# A task packs the filters of so many channels, or adds up the sums of so many taps.
PACKED_CHANNELS = 32


def correlate_tiles(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    axes: tuple[Axis, Axis],
) -> None:
    """Fill the places of `out` that the axes describe with source * filters + bias.

    (N, G * F, H', W'), (N, G * C, H, W), (G, F, C, taps of axes[0], taps of axes[1]), (G * F,).
    """
    start = np.zeros(out.shape[1], out.dtype) if bias is None else np.ascontiguousarray(bias)
    layout = _layout(
        out.dtype, source.shape, source.strides, out.shape, out.strides, axes,
        filters.shape, filters.strides, source.flags.c_contiguous,
    )  # fmt: skip
    packed = scratch(layout.packed, out.dtype)
    layout.correlation.run(source, out, filters, packed, start)


def correlate_tiles_gradient(
    out: np.ndarray, gradient: np.ndarray, source: np.ndarray, axes: tuple[Axis, Axis]
) -> None:
    """Fill `out`, (G, F, C, taps of axes[0], taps of axes[1]), with gradient * source.

    `out` is contiguous; `gradient` and `source` are as `correlate_tiles` has `out` and `source`.
    Slices of the pixels have sums of their own, added up in order at the end.
    """
    if gradient.strides[3] != gradient.itemsize:
        gradient = np.ascontiguousarray(gradient)
    layout = _layout(
        out.dtype, source.shape, source.strides, gradient.shape, gradient.strides, axes,
        out.shape, out.strides, source.flags.c_contiguous,
    )  # fmt: skip
    sums = scratch(layout.sums, out.dtype)
    layout.gradient.run(source, gradient, out, sums)


_PLAN = np.dtype(
    [
        (name, np.int64)
        for name in (
            "source", "out", "weights", "packed", "start",  # addresses
            "tap_at",
            "images", "channels", "filters", "groups",  # channels and filters of one group
            "image_step", "channel_step", "row_step", "column_step",
            "height", "source_width", "out_height", "out_width",
            "out_image_step", "out_channel_step", "out_row_step", "out_column_step",
            "weight_group_step", "weight_filter_step", "weight_channel_step",
            "weight_row_step", "weight_column_step", "plain_weights",  # a filter's lie in order
            "depth", "padded_depth", "kernel_rows", "kernel_columns",
            "rows", "row_stride", "row_origin", "row_first", "row_spacing",
            "columns", "column_stride", "column_origin", "column_first", "column_spacing",
            "many", "high", "wide", "blocks", "bands", "strips",  # images, rows, columns of a block
            "copied", "block_rows", "block_columns", "readable",  # elements of the source
            "block_image", "block_row", "block_column",  # steps within a block
            "width", "panels", "share", "shares", "slices", "pieces",
        )
    ]
)  # fmt: skip


class _Layout(NamedTuple):
    """All that a kernel has to know but for addresses, and the sizes of what it needs."""

    correlation: Prepared
    gradient: Prepared
    tap_at: np.ndarray  # its address is in the plan
    packed: int
    sums: int


@lru_cache(1024)
def _layout(
    dtype: np.dtype,
    source_shape: tuple[int, ...],
    source_strides: tuple[int, ...],
    shown_shape: tuple[int, ...],
    shown_strides: tuple[int, ...],
    axes: tuple[Axis, Axis],
    weights_shape: tuple[int, ...],
    weights_strides: tuple[int, ...],
    contiguous: bool,
) -> _Layout:
    """The cut into tasks, which follows from the sizes alone."""
    (rows, columns), itemsize = axes, dtype.itemsize
    images, (groups, filters, channels, *kernel) = source_shape[0], weights_shape
    strips, wide = parts(columns.length, PIXELS)
    bands, high = parts(rows.length, max(1, PIXELS // wide))
    block_rows = (high - 1) * rows.step + rows.reach
    block_columns = (wide - 1) * columns.step + columns.reach
    source_steps, shown_steps, weight_steps = (
        tuple(stride // itemsize for stride in strides)
        for strides in (source_strides, shown_strides, weights_strides)
    )
    copied = not all(_stays_inside(*pair) for pair in zip(axes, source_shape[2:], strict=True))
    block_steps: tuple[int, ...] = (
        channels * block_rows * block_columns,
        block_rows * block_columns,
        block_columns,
        1,
    )
    if not copied:
        block_steps = source_steps
    chunks, many = images, 1
    if bands == strips == 1:  # small maps: several images to a block
        fitting = min(PIXELS // (high * wide), BLOCK // (channels * block_rows * block_columns))
        chunks, many = parts(images, max(1, fitting))
    blocks = chunks * bands * strips
    width = NR_VECTORS * VECTOR_BYTES // itemsize
    panels = -(-filters // width)
    depth = channels * math.prod(kernel)
    padded_depth = -(-depth // MR) * MR
    slices = max(1, min(blocks, 2 * TASKS, PARTIAL // (groups * panels * width * depth)))
    # Where images give few tasks, they share out the panels of filters too.
    shares, share = parts(panels, max(1, panels * groups * min(slices, blocks) // TASKS))
    pieces = -(-channels // PACKED_CHANNELS)
    tap_at = np.pad(_tap_table(channels, block_steps, axes), (0, padded_depth - depth), "edge")
    plan = (
        0, 0, 0, 0, 0, tap_at.ctypes.data,
        images, channels, filters, groups, *source_steps,
        *source_shape[2:], *shown_shape[2:], *shown_steps, *weight_steps,
        weight_steps[2:] == (kernel[0] * kernel[1], kernel[1], 1),
        depth, padded_depth, *kernel,
        rows.length, rows.step, rows.origin, rows.first, rows.spacing,
        columns.length, columns.step, columns.origin, columns.first, columns.spacing,
        many, high, wide, blocks, bands, strips,
        copied, block_rows, block_columns, readable(source_shape, contiguous),
        block_steps[0], *block_steps[2:],
        width, panels, share, shares, slices, pieces,
    )  # fmt: skip
    work = images * rows.length * columns.length * groups * filters * depth // 16
    packings, tasks = groups * panels * pieces, groups * shares
    return _Layout(
        correlation_tasks.prepare(dtype, plan, (packings, blocks * tasks), work),
        gradient_tasks.prepare(dtype, plan, (slices * tasks, packings), work),
        tap_at,
        groups * panels * depth * width,
        slices * groups * panels * padded_depth * width,
    )


def _stays_inside(axis: Axis, size: int) -> bool:
    """Whether no tap leaves the image, so that it can be read where it lies."""
    return axis.origin >= 0 and axis.origin + (axis.length - 1) * axis.step + axis.reach <= size


def _tap_table(channels: int, steps: tuple[int, ...], axes: tuple[Axis, Axis]) -> np.ndarray:
    """Where each tap lies in a block, in the order of (C, K, L)."""
    row_taps, column_taps = (np.array(axis.taps, np.int64) for axis in axes)
    channel = np.arange(channels)[:, None, None] * steps[1]
    table: np.ndarray = channel + row_taps[:, None] * steps[2] + column_taps * steps[3]
    return table.reshape(-1)


@device_function
def _fill_block(block, like, plan, group, origin, images):
    """Copy a window of some images, zeros where it leaves them.

    Vectors run on beyond rows' ends; what they leave there is mended by the ones that follow.
    """
    n0, y0, x0 = origin
    high, wide, vector = plan.block_rows, plan.block_columns, lanes(block)
    low = min(max(0, -x0), wide)
    top = max(min(wide, plan.source_width - x0), low)
    row = block
    for i in range(images * plan.channels):
        n, c = n0 + i // plan.channels, group * plan.channels + i % plan.channels
        place = n * plan.image_step + c * plan.channel_step + x0 * plan.column_step
        for y in range(y0, y0 + high):
            inside = 0 <= y < plan.height
            for x in range(0, low if inside else wide, vector):
                clear_vector(offset(row, x))
            if inside:
                at = place + y * plan.row_step + low * plan.column_step
                line, to = offset(pointer_at(like, plan.source), at), offset(row, low)
                if at + top - low + vector <= plan.readable:
                    for x in range(0, top - low, vector):
                        copy_vector(offset(to, x), offset(line, x))
                else:
                    copy_row(to, line, plan.column_step, top - low)
                for x in range(top, wide, vector):
                    clear_vector(offset(row, x))
            row = offset(row, wide)


@device_function
def _pixel_table(table, plan, images, rows, columns):
    """Where each output pixel's first tap lies in a block; the last repeated to the end."""
    p = 0
    for i in range(images):
        for t in range(rows):
            row = i * plan.block_image + t * plan.row_stride * plan.block_row
            for u in range(columns):
                table[p] = row + u * plan.column_stride * plan.block_column
                p += 1
    for rest in range(p, len(table)):
        table[rest] = table[p - 1]


@device_function
def _block(memory, like, plan, group, begin, images):
    """The pixels that a block of outputs reads: copied to `memory`, or where they lie."""
    n, t, u = begin
    y, x = plan.row_origin + t * plan.row_stride, plan.column_origin + u * plan.column_stride
    if plan.copied:
        _fill_block(memory, like, plan, group, (n, y, x), images)
        return memory
    place = n * plan.image_step + group * plan.channels * plan.channel_step
    place += y * plan.row_step + x * plan.column_step
    return offset(pointer_at(like, plan.source), place)


@device_function
def _block_size(plan):
    """Elements of the copy of a block, with room for a vector beyond."""
    if not plan.copied:
        return 1
    return plan.many * plan.channels * plan.block_rows * plan.block_columns + plan.width


@device_function
def _place(plan, block):
    """Image, row and column where a block of outputs begins, and how many of each it has."""
    u = block % plan.strips * plan.wide
    t = block // plan.strips % plan.bands * plan.high
    n = block // (plan.strips * plan.bands) * plan.many
    sizes = min(plan.many, plan.images - n), min(plan.high, plan.rows - t)
    return (n, t, u), (sizes[0], sizes[1], min(plan.wide, plan.columns - u))


@device_function
def _multiply(sums, start, block, pixel_at, tap_at, panel, pixels, depth):
    """sums[p, j] = start[j] + sum over taps: the pixels of a block with one panel of filters."""
    width = NR_VECTORS * lanes(sums)
    for k in range(0, depth, KC):
        right = (offset(panel, k * width), width)
        for p in range(0, pixels, MR):
            here = (offset(sums, p * width), width)
            first = (start, 0) if k == 0 else here
            left = (block, offset(pixel_at, p), offset(tap_at, k))
            gemm_microkernel(here, first, left, right, min(KC, depth - k))


@device_function
def _pack_filters(task, like, plan):
    """Some channels of one panel: a row of the panel holds one tap of all its filters."""
    piece, panel = task % plan.pieces, task // plan.pieces % plan.panels
    group, width = task // (plan.pieces * plan.panels), plan.width
    taps = plan.kernel_rows * plan.kernel_columns
    used = min(width, plan.filters - panel * width)
    place = group * plan.weight_group_step + panel * width * plan.weight_filter_step
    weights = offset(pointer_at(like, plan.weights), place)
    packed = pointer_at(like, plan.packed)
    packed = offset(packed, (group * plan.panels + panel) * plan.depth * width)
    first = piece * PACKED_CHANNELS
    end = min(first + PACKED_CHANNELS, plan.channels)
    out = offset(packed, first * taps * width)
    if plan.plain_weights:
        lines = (offset(weights, first * taps), plan.weight_filter_step)
        transpose((out, width), lines, 1, used, (end - first) * taps)
    else:
        for c in range(first, end):
            for r in range(plan.kernel_rows):
                line = offset(weights, c * plan.weight_channel_step + r * plan.weight_row_step)
                for s in range(plan.kernel_columns):
                    here = offset(line, s * plan.weight_column_step)
                    copy_row(out, here, plan.weight_filter_step, used)
                    out = offset(out, width)
    for tap in range(first * taps, end * taps):
        for j in range(used, width):
            packed[tap * width + j] = 0


@task_kernel(_PLAN)
def correlation_tasks(phase, task, none, plans):
    """Pack the filters; then one block of output pixels with some panels of one group's filters.

    out[n, f, y, x] = start[f] + sum over c, r, s of source[n, c, y + r, x + s] * packed[f, c, r, s]
    """
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    if phase == 0:
        _pack_filters(task, like, plan)
        return
    part, group = task % plan.shares, task // plan.shares % plan.groups
    (n, t, u), (images, rows, columns) = _place(plan, task // (plan.shares * plan.groups))
    pixels, depth, width = images * rows * columns, plan.depth, plan.width
    pixel_at = np.empty(-(-pixels // MR) * MR, np.int64)
    sums = np.empty(len(pixel_at) * width, like.dtype)
    begin = np.zeros(plan.share * width, like.dtype)
    memory = np.empty(_block_size(plan), like.dtype)
    block = _block(pointer(memory), like, plan, group, (n, t, u), images)
    _pixel_table(pixel_at, plan, images, rows, columns)

    out, start = pointer_at(like, plan.out), pointer_at(like, plan.start)
    for j in range(min(plan.share * width, plan.filters - part * plan.share * width)):
        begin[j] = start[group * plan.filters + part * plan.share * width + j]
    packed, tap_at = pointer_at(like, plan.packed), pointer_at(pixel_at, plan.tap_at)
    plane = plan.out_height * plan.out_width
    y, x = plan.row_first + t * plan.row_spacing, plan.column_first + u * plan.column_spacing
    # Rows of output that follow one another in memory are stored as one.
    whole = columns * plan.column_spacing == plan.out_width and plan.row_spacing == 1
    run = rows * columns if whole else columns
    for panel in range(part * plan.share, min(plan.panels, (part + 1) * plan.share)):
        j = group * plan.panels + panel
        _multiply(
            pointer(sums), offset(pointer(begin), (panel - part * plan.share) * width),
            block, pointer(pixel_at), tap_at,
            offset(packed, j * width * depth), pixels, depth,
        )  # fmt: skip
        first = group * plan.filters + panel * width
        for p in range(0, pixels, run):
            i, row = p // (rows * columns), p // columns % rows
            place = ((n + i) * plan.groups * plan.filters + first) * plane
            place += (y + row * plan.row_spacing) * plan.out_width + x
            transpose(
                (offset(out, place), plane), (offset(pointer(sums), p * width), width),
                plan.column_spacing, run, min(width, plan.filters - panel * width),
            )  # fmt: skip
    keep_alive((pixel_at, sums, begin, memory))


@device_function(allocates=True)
def _gradient_block(sums, right, like, memory, plan, group, panels, where):
    """Add one block of pixels to the sums[panel, tap, filter] of one slice and group."""
    (n, t, u), (images, rows, columns) = where
    pixels, width = images * rows * columns, plan.width
    pixel_at = np.empty(pixels, np.int64)
    block = _block(memory, like, plan, group, (n, t, u), images)
    _pixel_table(pixel_at, plan, images, rows, columns)
    gradient, tap_at = pointer_at(like, plan.out), pointer_at(pixel_at, plan.tap_at)
    run = rows * columns if plan.out_row_step == columns else columns
    for panel in range(panels[0], panels[1]):
        first = group * plan.filters + panel * width
        for p in range(0, pixels, run):
            i, row = p // (rows * columns), p // columns % rows
            place = (n + i) * plan.out_image_step + first * plan.out_channel_step
            place += (t + row) * plan.out_row_step + u
            source = (offset(gradient, place), plan.out_channel_step)
            target = (offset(right, p * width), width)
            transpose(target, source, 1, min(width, plan.filters - panel * width), run)
        for k in range(0, plan.padded_depth, MR):
            here = (offset(sums, (panel * plan.padded_depth + k) * width), width)
            left = (block, offset(tap_at, k), pointer(pixel_at))
            gemm_microkernel(here, here, left, (right, width), pixels)
    keep_alive((pixel_at,))


@device_function
def _add_up(task, like, plan):
    """Add up the slices' sums of some taps of one panel's filters, in order, into the result."""
    piece, panel = task % plan.pieces, task // plan.pieces % plan.panels
    group, width = task // (plan.pieces * plan.panels), plan.width
    taps = plan.kernel_rows * plan.kernel_columns
    first = piece * PACKED_CHANNELS * taps
    count = min(PACKED_CHANNELS * taps, plan.depth - first)
    place = (group * plan.panels + panel) * plan.padded_depth + first
    sums = offset(pointer_at(like, plan.packed), place * width)
    size = plan.groups * plan.panels * plan.padded_depth * width
    for i in range(1, plan.slices):
        others = offset(sums, i * size)
        for j in range(count * width):
            sums[j] += others[j]
    filter = panel * width
    place = (group * plan.filters + filter) * plan.depth + first
    out = (offset(pointer_at(like, plan.weights), place), plan.depth)
    transpose(out, (sums, width), 1, count, min(width, plan.filters - filter))


@task_kernel(_PLAN)
def gradient_tasks(phase, task, none, plans):
    """One slice of the pixels for some panels of one group's filters; then all slices' sum.

    packed[slice, c, r, s, f] = sum over n, y, x of out[n, f, y, x] * source[n, c, y + r, x + s]
    """
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    if phase == 1:
        _add_up(task, like, plan)
        return
    part, group = task % plan.shares, task // plan.shares % plan.groups
    piece = task // (plan.shares * plan.groups)
    panels = part * plan.share, min(plan.panels, (part + 1) * plan.share)
    size = plan.panels * plan.padded_depth * plan.width
    sums = offset(pointer_at(like, plan.packed), (piece * plan.groups + group) * size)
    for j in range(panels[0] * (size // plan.panels), panels[1] * (size // plan.panels)):
        sums[j] = 0
    right = np.zeros(plan.many * plan.high * plan.wide * plan.width, like.dtype)
    block = np.empty(_block_size(plan), like.dtype)
    for i in range(plan.blocks * piece // plan.slices, plan.blocks * (piece + 1) // plan.slices):
        _gradient_block(
            sums, pointer(right), like, pointer(block), plan, group, panels, _place(plan, i)
        )
    keep_alive((right, block))
