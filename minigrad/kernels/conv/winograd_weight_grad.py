"""Winograd's gradient of 3x3 filters: the adjoint of `winograd`, transform by transform.

The images' tiles are transformed as there, and tiles of the output's gradient by the adjoint of the
result's transform; their products [C, tiles] @ [tiles, F] are summed per point, and only the sums
are transformed to the nine taps.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.plan_record import Layout, constructor
from minigrad.kernels.compiler.pointers import offset, pointer_at, recast, record_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, task_kernel
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.compiler.workspace import int64_elements, place_regions, scratch
from minigrad.kernels.conv.axis import Axis, parts
from minigrad.kernels.conv.records import (
    AxisFields,
    ImageFields,
    WeightFields,
    axis_fields,
    image_fields,
    weight_fields,
)
from minigrad.kernels.conv.winograd_transforms import (
    SKEW,
    TileFields,
    adjoint_of_filter_2,
    adjoint_of_filter_4,
    adjoint_of_result_2,
    adjoint_of_result_4,
    block_strips,
    image_stage_size,
    padded_channels,
    stage_pixels,
    strip_outputs,
    tile_fields,
    transform_images,
)
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS, gemm_microkernel
from minigrad.kernels.simd.move import lanes, transpose

# Elements of a block of tiles at all points, about, and its tiles at least.
BLOCK = 98_304
TILES = 48
# Tasks of a call if its sizes allow so many, and their partial sums, in elements.
TASKS = 8
PARTIAL_SUMS = 4_194_304
# A task adds up the sums of so many channels.
CHUNK_CHANNELS = 32


class WinogradGradArrays(NamedTuple):
    """The arrays of a gradient with respect to filters."""

    source: np.ndarray  # (N, C, H, W)
    gradient: np.ndarray  # of the output, (N, F, H', W')
    out: np.ndarray  # (F, C, 3, 3)
    sums: np.ndarray  # workspace: (slices, panels, points, padded C, NR)
    transformed: np.ndarray  # workspace: the transformed images, if tasks share them


_winograd_grad_arrays = constructor(WinogradGradArrays)


class SlotFields(NamedTuple):
    """A task's workspace."""

    images: int  # a block of transformed images, if tasks do not share them
    image_stage: int
    gradient: int  # a block of the transformed gradient of one panel
    gradient_stage: int
    channel_offsets: int  # int64: elements of the images before each channel
    tile_offsets: int  # int64: before each tile
    taps: int  # of a vector of filters


class WinogradGradPlan(NamedTuple):
    """The sizes of a gradient, and its cut into tasks."""

    images: int
    channels: int
    filters: int
    source: ImageFields
    gradient: ImageFields
    weight: WeightFields
    rows: AxisFields
    columns: AxisFields
    tiles: TileFields
    padded_channels: int  # of transformed images
    sum_rows: int  # channels of the sums, a multiple of MR
    # Elements from one point to the next, of a block of images, of the gradient, and of their sums.
    image_point_stride: int
    gradient_point_stride: int
    sum_point_stride: int
    # A panel holds NR filters.  The panels are shared out among `panel_tasks` tasks.
    NR: int
    panels: int
    task_panels: int
    panel_tasks: int
    slices: int  # of the blocks: each has partial sums of its own
    chunks: int  # of the channels, see CHUNK_CHANNELS
    slot: SlotFields


def weight_grad_winograd(
    out: np.ndarray, gradient: np.ndarray, source: np.ndarray, axes: tuple[Axis, Axis], m: int
) -> None:
    """Fill `out`, (F, C, 3, 3), with gradient * source.

    (N, F, H', W'), (N, C, H, W), by the adjoint of F(m x m, 3 x 3) with m = 2 or 4.
    """
    prepared = _prepare(
        out.dtype,
        (source.shape, source.strides),
        (gradient.shape, gradient.strides),
        out.strides,
        axes,
        m,
    )
    memory = scratch(prepared.sums_size + prepared.transformed_size, out.dtype)
    prepared.tasks.run(
        _winograd_grad_arrays(
            source=source,
            gradient=gradient,
            out=out,
            sums=memory[: prepared.sums_size],
            transformed=memory[prepared.sums_size :],
        )
    )


class _Prepared(NamedTuple):
    """The tasks, and the sizes of their workspaces."""

    tasks: PreparedTasks[WinogradGradArrays]
    sums_size: int
    transformed_size: int


@lru_cache(1024)
def _prepare(
    dtype: np.dtype,
    source: Layout,
    gradient: Layout,
    weight_strides: tuple[int, ...],
    axes: tuple[Axis, Axis],
    m: int,
) -> _Prepared:
    """The cut into tasks, which follows from the sizes alone."""
    (images, channels), filters, itemsize = source[0][:2], gradient[0][1], dtype.itemsize
    NR, depth = NR_VECTORS * VECTOR_BYTES // itemsize, padded_channels(channels, itemsize)
    area = (m + 2) ** 2
    tiles = tile_fields(images, axes, m, max(TILES, BLOCK // (area * depth)))
    block_tiles, panels = tiles.strips_of_block * tiles.of_strip, -(-filters // NR)
    sum_rows = -(-channels // MR) * MR
    sum_point_stride = sum_rows * NR + SKEW
    slice_size = panels * area * sum_point_stride
    slices = max(1, min(tiles.blocks, 2 * TASKS, PARTIAL_SUMS // slice_size))
    panel_tasks, task_panels = parts(panels, max(1, panels * slices // TASKS))
    image_point_stride, gradient_point_stride = block_tiles * depth + SKEW, block_tiles * NR + SKEW
    images_size = area * image_point_stride if panel_tasks == 1 else 0
    slot, slot_size = _slot_fields(tiles, sum_rows, NR, itemsize, images_size)
    plan = WinogradGradPlan(
        images=images,
        channels=channels,
        filters=filters,
        source=image_fields(*source, itemsize),
        gradient=image_fields(*gradient, itemsize),
        weight=weight_fields(weight_strides, itemsize),
        rows=axis_fields(axes[0]),
        columns=axis_fields(axes[1]),
        tiles=tiles,
        padded_channels=depth,
        sum_rows=sum_rows,
        image_point_stride=image_point_stride,
        gradient_point_stride=gradient_point_stride,
        sum_point_stride=sum_point_stride,
        NR=NR,
        panels=panels,
        task_panels=task_panels,
        panel_tasks=panel_tasks,
        slices=slices,
        chunks=-(-channels // CHUNK_CHANNELS),
        slot=slot,
    )
    shared_blocks = tiles.blocks if panel_tasks > 1 else 0
    counts = shared_blocks, slices * panel_tasks, panels * plan.chunks
    multiplied = images * tiles.rows * tiles.strips * tiles.of_strip * area * channels * filters
    return _Prepared(
        weight_grad_tasks.prepare(dtype, plan, counts, multiplied // 16, slot_size),
        sums_size=slices * slice_size,
        transformed_size=shared_blocks * area * plan.image_point_stride,
    )


def _slot_fields(
    tiles: TileFields, sum_rows: int, NR: int, itemsize: int, images_size: int
) -> tuple[SlotFields, int]:
    """The regions of a task's workspace, and their size in bytes."""
    vector, block_tiles = NR // NR_VECTORS, tiles.strips_of_block * tiles.of_strip
    return place_regions(
        SlotFields,
        itemsize,
        images=images_size,
        image_stage=image_stage_size(tiles, itemsize),
        gradient=tiles.points**2 * (block_tiles * NR + SKEW),
        gradient_stage=tiles.m * (tiles.of_strip * tiles.m + vector) * vector,
        channel_offsets=int64_elements(sum_rows, itemsize),
        tile_offsets=int64_elements(block_tiles, itemsize),
        taps=9 * vector,
    )


@device_function
def _transform_gradient(values, stage, gradient, plan, block, panel):
    """Transform a block of the gradient's tiles: values[point, tile, filter]."""
    tiles, image, point_stride = plan.tiles, plan.gradient, plan.gradient_point_stride
    vector, extent = lanes(values), tiles.of_strip * tiles.m
    row_size = (extent + vector) * vector
    first_strip, end_strip = block_strips(plan, block)
    for strip in range(first_strip, end_strip):
        n, y, x = strip_outputs(tiles, strip)
        y = plan.rows.out_offset + y * plan.rows.out_stride
        x = plan.columns.out_offset + x * plan.columns.out_stride
        window = (y, plan.rows.out_stride, tiles.m), (x, plan.columns.out_stride, extent)
        for j in range(0, plan.NR, vector):
            f = panel * plan.NR + j
            element = n * image.image_stride + f * image.channel_stride
            stage_pixels(
                stage, row_size, offset(gradient, element), image,
                max(0, min(vector, plan.filters - f)), window, image.readable - element,
            )  # fmt: skip
            for i in range(tiles.of_strip):
                row = (strip - first_strip) * tiles.of_strip + i
                out = offset(values, row * plan.NR + j)
                target = (out, tiles.points * point_stride, point_stride)
                tile = (offset(stage, i * tiles.m * vector), row_size, vector)
                if tiles.m == 4:
                    adjoint_of_result_4(target, tile)
                else:
                    adjoint_of_result_2(target, tile)


@device_function
def _multiply(sums, images, gradient, channel_offsets, tile_offsets, plan, tiles):
    """Add images[point, tiles, :] transposed @ gradient[point, tiles, :] to the sums."""
    for point in range(plan.tiles.points * plan.tiles.points):
        right = (offset(gradient, point * plan.gradient_point_stride), plan.NR)
        source = offset(images, point * plan.image_point_stride)
        for i in range(0, plan.sum_rows, MR):
            tile = (offset(sums, point * plan.sum_point_stride + i * plan.NR), plan.NR)
            left = (source, offset(channel_offsets, i), tile_offsets)
            gemm_microkernel(tile, tile, left, right, tiles)


@device_function
def _sum_slice(task, workspace, arrays, plan):
    """Sum up the products of one slice of the blocks, for some panels of the filters."""
    part, slice_ = task % plan.panel_tasks, task // plan.panel_tasks
    area, block_tiles = (
        plan.tiles.points * plan.tiles.points,
        plan.tiles.strips_of_block * plan.tiles.of_strip,
    )
    size, sum_size = area * plan.image_point_stride, area * plan.sum_point_stride
    is_shared = plan.panel_tasks > 1
    slot = plan.slot
    image_stage, gradient_stage = (
        offset(workspace, slot.image_stage),
        offset(workspace, slot.gradient_stage),
    )
    gradient_values = offset(workspace, slot.gradient)
    channel_offsets = recast(np.int64, offset(workspace, slot.channel_offsets))
    tile_offsets = recast(np.int64, offset(workspace, slot.tile_offsets))
    for i in range(plan.sum_rows):
        channel_offsets[i] = min(i, plan.channels - 1)
    for i in range(block_tiles):
        tile_offsets[i] = i * plan.padded_channels
    source, gradient = pointer_at(workspace, arrays.source), pointer_at(workspace, arrays.gradient)
    panels = part * plan.task_panels, min(plan.panels, (part + 1) * plan.task_panels)
    sums = offset(pointer_at(workspace, arrays.sums), slice_ * plan.panels * sum_size)
    for i in range(panels[0] * sum_size, panels[1] * sum_size):
        sums[i] = 0
    first_block = plan.tiles.blocks * slice_ // plan.slices
    for block in range(first_block, plan.tiles.blocks * (slice_ + 1) // plan.slices):
        images = offset(workspace, slot.images)
        if is_shared:
            images = offset(pointer_at(workspace, arrays.transformed), block * size)
        else:
            transform_images(images, image_stage, source, plan, block)
        strips = block_strips(plan, block)
        tiles = (strips[1] - strips[0]) * plan.tiles.of_strip
        for panel in range(panels[0], panels[1]):
            _transform_gradient(gradient_values, gradient_stage, gradient, plan, block, panel)
            _multiply(
                offset(sums, panel * sum_size), images, gradient_values,
                channel_offsets, tile_offsets, plan, tiles,
            )  # fmt: skip


@device_function
def _add_slices(task, workspace, arrays, plan):
    """Add up the slices' sums of some channels of one panel, in order; transform them to taps."""
    NR, points, point_stride = plan.NR, plan.tiles.points, plan.sum_point_stride
    vector, panel, chunk = NR // NR_VECTORS, task // plan.chunks, task % plan.chunks
    area = points * points
    sums = offset(pointer_at(workspace, arrays.sums), panel * area * point_stride)
    slice_size = plan.panels * area * point_stride
    first = chunk * CHUNK_CHANNELS
    end = min(first + CHUNK_CHANNELS, plan.channels)
    for i in range(1, plan.slices):
        for point in range(area):
            element = point * point_stride + first * NR
            total, addend = offset(sums, element), offset(sums, element + i * slice_size)
            for j in range((end - first) * NR):
                total[j] += addend[j]
    taps, out = offset(workspace, plan.slot.taps), pointer_at(workspace, arrays.out)
    for c in range(first, end):
        for j in range(0, NR, vector):
            source = (offset(sums, c * NR + j), points * point_stride, point_stride)
            if plan.tiles.m == 4:
                adjoint_of_filter_4((taps, 3 * vector, vector), source)
            else:
                adjoint_of_filter_2((taps, 3 * vector, vector), source)
            f = panel * NR + j
            element = f * plan.weight.filter_stride + c * plan.weight.channel_stride
            for row in range(3):
                target = offset(out, element + row * plan.weight.row_stride)
                transpose(
                    (target, plan.weight.filter_stride),
                    (offset(taps, 3 * row * vector), vector), plan.weight.column_stride,
                    3, max(0, min(vector, plan.filters - f)),
                )  # fmt: skip


@task_kernel(WinogradGradArrays, WinogradGradPlan)
def weight_grad_tasks(phase, task, workspace, records):
    """Transform the images if tasks share them; sum over slices; transform the sums to taps."""
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    if phase == 0:
        size = plan.tiles.points * plan.tiles.points * plan.image_point_stride
        values = offset(pointer_at(workspace, arrays.transformed), task * size)
        stage = offset(workspace, plan.slot.image_stage)
        transform_images(values, stage, pointer_at(workspace, arrays.source), plan, task)
    elif phase == 1:
        _sum_slice(task, workspace, arrays, plan)
    else:
        _add_slices(task, workspace, arrays, plan)
