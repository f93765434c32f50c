"""Depthwise correlation with vectors of channels: each lane convolves a plane of its own.

A task copies the planes of as many channels as a vector has lanes, so that neighbours in memory are
the same pixel of neighbouring channels.  Then outputs and taps may lie at any distance, and no
vector has a lane beyond the end of a row: it is faster than `direct` on small maps, and where
outputs are several pixels apart.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.plan_record import Layout, constructor
from minigrad.kernels.compiler.pointers import offset, pointer_at, record_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, task_kernel
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.compiler.workspace import place_regions, scratch
from minigrad.kernels.conv.axis import Axis, parts
from minigrad.kernels.conv.microkernels import CHANNEL_VECTORS, tile_of_channels
from minigrad.kernels.conv.records import AxisFields, ImageFields, axis_fields, image_fields
from minigrad.kernels.simd.move import clear_vector, copy_vector, lanes, transpose

# Elements of the planes that a task copies at a time, about, and the multiply-adds of a task.
BLOCK = 16_384
TASK_WORK = 131_072
# Tasks of a weight gradient, about.
TASKS = 16


class SlotFields(NamedTuple):
    """A task's workspace."""

    planes: int  # a vector of channels for each pixel, with margins of zeros
    flat: int  # vectors of pixels, one after the other: as copied, of results, of the gradient
    weights: int  # a vector of filters for each tap


class DepthwisePlan(NamedTuple):
    """The sizes of a depthwise correlation, and its cut into tasks."""

    images: int
    channels: int
    source: ImageFields
    out: ImageFields  # of the output, or of its gradient
    rows: AxisFields
    columns: AxisFields
    taps: int
    padded_taps: int  # a multiple of CHANNEL_VECTORS
    bands: int  # parts of an image's rows of outputs
    band_rows: int  # outputs of a band
    copied_rows: int  # pixels that a band reads
    pitch: int  # elements of a row of the planes
    left: int  # elements before the first pixel of the source's row
    blocks: int  # of as many channels as a vector has lanes
    task_blocks: int
    block_tasks: int  # tasks that share out the blocks
    slices: int  # of the images: each has partial sums of its own of the weight's gradient
    slot: SlotFields


class _Cut(NamedTuple):
    """A plan, and what the kernels that follow it need beside it."""

    plan: DepthwisePlan
    tap_offsets: np.ndarray  # (padded_taps,), int64: elements of the planes before each tap
    pixel_offsets: np.ndarray  # int64: before each output of a band; the last fills up a tile
    work: int
    slot_size: int


class CorrelationArrays(NamedTuple):
    """The arrays of a correlation."""

    source: np.ndarray  # (N, C, H, W)
    out: np.ndarray  # (N, C, H', W')
    weight: np.ndarray  # (C, K, L), contiguous
    bias: np.ndarray  # (C,)
    tap_offsets: np.ndarray  # see `_Cut`
    pixel_offsets: np.ndarray


_correlation_arrays = constructor(CorrelationArrays)


class WeightGradArrays(NamedTuple):
    """The arrays of a gradient with respect to filters."""

    source: np.ndarray  # (N, C, H, W)
    gradient: np.ndarray  # of the output, (N, C, H', W')
    out: np.ndarray  # (C, K, L), contiguous
    sums: np.ndarray  # workspace: (slices, blocks, padded K * L, lanes)
    tap_offsets: np.ndarray  # see `_Cut`
    pixel_offsets: np.ndarray


_weight_grad_arrays = constructor(WeightGradArrays)


def correlate_depthwise(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    axes: tuple[Axis, Axis],
) -> None:
    """Fill `out` with source * filters + bias, each channel by itself.

    (N, C, H', W'), (N, C, H, W), (C, 1, 1, taps of axes[0], taps of axes[1]), (C,).  The axes
    describe all outputs, and there are as many channels as lanes, or more.
    """
    bias = np.zeros(out.shape[1], out.dtype) if bias is None else np.ascontiguousarray(bias)
    source = _whole_planes(source)
    cut, tasks = _prepare_correlation(
        out.dtype, (source.shape, source.strides), (out.shape, out.strides), axes
    )
    tasks.run(
        _correlation_arrays(
            source=source,
            out=out,
            weight=np.ascontiguousarray(filters),
            bias=bias,
            tap_offsets=cut.tap_offsets,
            pixel_offsets=cut.pixel_offsets,
        )
    )


def weight_grad_depthwise(
    out: np.ndarray, gradient: np.ndarray, source: np.ndarray, axes: tuple[Axis, Axis]
) -> None:
    """Fill `out`, (C, 1, 1, taps of axes[0], taps of axes[1]), with gradient * source.

    (N, C, H', W'), (N, C, H, W); `out` is contiguous.
    """
    gradient, source = _whole_planes(gradient), _whole_planes(source)
    cut, tasks = _prepare_weight_grad(
        out.dtype, (source.shape, source.strides), (gradient.shape, gradient.strides), axes
    )
    plan = cut.plan
    sums_size = plan.slices * plan.blocks * plan.padded_taps * (VECTOR_BYTES // out.itemsize)
    tasks.run(
        _weight_grad_arrays(
            source=source,
            gradient=gradient,
            out=out,
            sums=scratch(sums_size, out.dtype),
            tap_offsets=cut.tap_offsets,
            pixel_offsets=cut.pixel_offsets,
        )
    )


def _whole_planes(images: np.ndarray) -> np.ndarray:
    """The images, copied if the pixels of a plane do not follow one another in memory."""
    height, width = images.shape[2:]
    row, column = images.strides[2:]
    pixel = images.itemsize
    is_whole = (column == pixel or width == 1) and (row == width * pixel or height == 1)
    return images if is_whole else np.ascontiguousarray(images)


@lru_cache(1024)
def _prepare_correlation(
    dtype: np.dtype, source: Layout, out: Layout, axes: tuple[Axis, Axis]
) -> tuple[_Cut, PreparedTasks[CorrelationArrays]]:
    cut = _cut_into_blocks(dtype, source, out, axes)
    counts = (cut.plan.images * cut.plan.bands * cut.plan.block_tasks,)
    return cut, correlation_tasks.prepare(dtype, cut.plan, counts, cut.work, cut.slot_size)


@lru_cache(1024)
def _prepare_weight_grad(
    dtype: np.dtype, source: Layout, gradient: Layout, axes: tuple[Axis, Axis]
) -> tuple[_Cut, PreparedTasks[WeightGradArrays]]:
    cut = _cut_into_blocks(dtype, source, gradient, axes)
    counts = cut.plan.slices * cut.plan.block_tasks, cut.plan.blocks
    return cut, weight_grad_tasks.prepare(dtype, cut.plan, counts, cut.work, cut.slot_size)


def _cut_into_blocks(dtype: np.dtype, source: Layout, out: Layout, axes: tuple[Axis, Axis]) -> _Cut:
    """The cut into tasks, which follows from the sizes alone."""
    (rows, columns), vector = axes, VECTOR_BYTES // dtype.itemsize
    images, channels, _, width = source[0]
    taps = len(rows.taps) * len(columns.taps)
    left = max(0, -columns.origin)
    last = columns.origin + (columns.length - 1) * columns.stride + columns.extent
    pitch = (left + max(width, last)) * vector
    bands, band_rows = parts(rows.length, max(1, BLOCK // (pitch * rows.stride)))
    copied_rows = (band_rows - 1) * rows.stride + rows.extent
    pixels = -(-band_rows * columns.length // CHANNEL_VECTORS) * CHANNEL_VECTORS
    blocks, band_work = -(-channels // vector), taps * band_rows * columns.length * vector
    block_tasks, task_blocks = parts(blocks, max(1, TASK_WORK // band_work))
    padded_taps = -(-taps // CHANNEL_VECTORS) * CHANNEL_VECTORS
    slot, slot_size = place_regions(
        SlotFields,
        dtype.itemsize,
        planes=copied_rows * pitch,
        flat=max(pixels, min(copied_rows, source[0][2]) * width) * vector,
        weights=taps * vector,
    )
    plan = DepthwisePlan(
        images=images,
        channels=channels,
        source=image_fields(*source, dtype.itemsize),
        out=image_fields(*out, dtype.itemsize),
        rows=axis_fields(rows),
        columns=axis_fields(columns),
        taps=taps,
        padded_taps=padded_taps,
        bands=bands,
        band_rows=band_rows,
        copied_rows=copied_rows,
        pitch=pitch,
        left=left * vector,
        blocks=blocks,
        task_blocks=task_blocks,
        block_tasks=block_tasks,
        slices=min(images, -(-TASKS // block_tasks)),
        slot=slot,
    )
    row_taps, column_taps = (np.array(axis.taps, np.int64) for axis in axes)
    tap_offsets = row_taps[:, None] * pitch + (column_taps + left + columns.origin) * vector
    y, x = np.arange(band_rows) * rows.stride, np.arange(columns.length) * columns.stride
    work = images * bands * blocks * band_work // 16
    return _Cut(
        plan,
        _filled_up(tap_offsets, padded_taps),
        _filled_up(y[:, None] * pitch + x * vector, pixels),
        work,
        slot_size,
    )


def _filled_up(offsets: np.ndarray, count: int) -> np.ndarray:
    """So many offsets: the last is repeated."""
    flat = offsets.reshape(-1)
    return np.concatenate([flat, np.repeat(flat[-1:], count - flat.size)])


@device_function
def _first_channel(plan, block, vector):
    """The first channel of a block, of which the last begins earlier to have enough channels."""
    return min(block * vector, plan.channels - vector)


@device_function
def _clear(out, count):
    """Set the first elements, whole vectors, to zero."""
    for i in range(0, count, lanes(out)):
        clear_vector(offset(out, i))


@device_function
def _copy_planes(planes, flat, source, plan, place, first_row):
    """Copy what a band of outputs from `first_row` on reads, as vectors of channels.

    `place` is the image and the first channel.  Beside the image's columns are zeros already.
    """
    (n, channel), vector, width = place, lanes(planes), plan.source.width
    y0 = plan.rows.origin + first_row * plan.rows.stride
    low = min(max(0, -y0), plan.copied_rows)
    top = max(low, min(plan.copied_rows, plan.source.height - y0))
    element = n * plan.source.image_stride + channel * plan.source.channel_stride
    pixels = (offset(source, element + (y0 + low) * width), plan.source.channel_stride)
    transpose((flat, vector), pixels, 1, vector, (top - low) * width)
    for r in range(plan.copied_rows):
        row = offset(planes, r * plan.pitch)
        if low <= r < top:
            out, copied = offset(row, plan.left), offset(flat, (r - low) * width * vector)
            for x in range(0, width * vector, vector):
                copy_vector(offset(out, x), offset(copied, x))
        else:
            _clear(row, plan.pitch)


@task_kernel(CorrelationArrays, DepthwisePlan)
def correlation_tasks(phase, task, workspace, records):
    """One band of rows of one image for some blocks of channels.

    out[n, c, y, x] = bias[c] + sum over r, s of source[n, c, y + r, x + s] * weight[c, r, s]
    """
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    vector = lanes(workspace)
    first_block = task % plan.block_tasks * plan.task_blocks
    first_row = task // plan.block_tasks % plan.bands * plan.band_rows
    n = task // (plan.block_tasks * plan.bands)
    count = min(plan.band_rows, plan.rows.length - first_row) * plan.columns.length
    source, out = pointer_at(workspace, arrays.source), pointer_at(workspace, arrays.out)
    weight, bias = pointer_at(workspace, arrays.weight), pointer_at(workspace, arrays.bias)
    pixel_offsets = pointer_at(np.int64, arrays.pixel_offsets)
    tap_offsets = pointer_at(np.int64, arrays.tap_offsets)
    planes, flat = offset(workspace, plan.slot.planes), offset(workspace, plan.slot.flat)
    weights = offset(workspace, plan.slot.weights)
    _clear(planes, plan.copied_rows * plan.pitch)
    for block in range(first_block, min(first_block + plan.task_blocks, plan.blocks)):
        c = _first_channel(plan, block, vector)
        _copy_planes(planes, flat, source, plan, (n, c), first_row)
        filters = (offset(weight, c * plan.taps), plan.taps)
        transpose((weights, vector), filters, 1, vector, plan.taps)
        for p in range(0, count, CHANNEL_VECTORS):
            tile = (offset(flat, p * vector), vector)
            right = (planes, offset(pixel_offsets, p), tap_offsets)
            tile_of_channels(tile, (offset(bias, c), 0), weights, right, plan.taps)
        skipped = block * vector - c
        element = n * plan.out.image_stride + (c + skipped) * plan.out.channel_stride
        element += first_row * plan.columns.length
        pixels = (offset(out, element), plan.out.channel_stride)
        transpose(pixels, (offset(flat, skipped), vector), 1, count, vector - skipped)


@device_function
def _add_slices(block, like, arrays, plan):
    """Add up the slices' sums of one block of channels, in order, into the result."""
    sums, out, vector = pointer_at(like, arrays.sums), pointer_at(like, arrays.out), lanes(like)
    size = plan.padded_taps * vector
    total = offset(sums, block * size)
    for i in range(1, plan.slices):
        addend = offset(total, i * plan.blocks * size)
        for j in range(plan.taps * vector):
            total[j] += addend[j]
    c = _first_channel(plan, block, vector)
    skipped = block * vector - c
    filters = (offset(out, (c + skipped) * plan.taps), plan.taps)
    transpose(filters, (offset(total, skipped), vector), 1, plan.taps, vector - skipped)


@task_kernel(WeightGradArrays, DepthwisePlan)
def weight_grad_tasks(phase, task, workspace, records):
    """One slice of the images for some blocks of channels; then all slices' sum.

    sums[slice, c, r, s] = sum over n, y, x of gradient[n, c, y, x] * source[n, c, y + r, x + s]
    """
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    if phase == 1:
        _add_slices(task, workspace, arrays, plan)
        return
    vector = lanes(workspace)
    slice_, first_block = task // plan.block_tasks, task % plan.block_tasks * plan.task_blocks
    end_block = min(first_block + plan.task_blocks, plan.blocks)
    source, gradient = pointer_at(workspace, arrays.source), pointer_at(workspace, arrays.gradient)
    pixel_offsets = pointer_at(np.int64, arrays.pixel_offsets)
    tap_offsets = pointer_at(np.int64, arrays.tap_offsets)
    planes, flat = offset(workspace, plan.slot.planes), offset(workspace, plan.slot.flat)
    _clear(planes, plan.copied_rows * plan.pitch)
    size = plan.padded_taps * vector
    slice_sums = offset(pointer_at(workspace, arrays.sums), slice_ * plan.blocks * size)
    _clear(offset(slice_sums, first_block * size), (end_block - first_block) * size)
    first_image = plan.images * slice_ // plan.slices
    end_image = plan.images * (slice_ + 1) // plan.slices
    for band in range(first_image * plan.bands, end_image * plan.bands):
        n, first_row = band // plan.bands, band % plan.bands * plan.band_rows
        count = min(plan.band_rows, plan.rows.length - first_row) * plan.columns.length
        for block in range(first_block, end_block):
            c = _first_channel(plan, block, vector)
            _copy_planes(planes, flat, source, plan, (n, c), first_row)
            element = n * plan.out.image_stride + c * plan.out.channel_stride
            pixels = offset(gradient, element + first_row * plan.columns.length)
            transpose((flat, vector), (pixels, plan.out.channel_stride), 1, vector, count)
            sums = offset(slice_sums, block * size)
            for k in range(0, plan.padded_taps, CHANNEL_VECTORS):
                tile = (offset(sums, k * vector), vector)
                right = (planes, offset(tap_offsets, k), pixel_offsets)
                tile_of_channels(tile, tile, flat, right, count)
