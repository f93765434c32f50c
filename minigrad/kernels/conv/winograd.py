"""Winograd's correlation with 3x3 filters: a matrix product for each of a few points.

The images' tiles and the filters are transformed to values at the points, where a correlation is a
product [tiles, C] @ [C, F] per point; the results are transformed back to pixels (see
`winograd_transforms`).  Vectors hold neighbouring channels of images, and filters of results.

A task takes a block of tiles, small enough for its values to stay in the second-level cache, and
multiplies it with one panel of filters after the other.
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
    ONE,
    SKEW,
    TileFields,
    add_pixels,
    block_strips,
    image_stage_size,
    padded_channels,
    strip_outputs,
    tile_fields,
    transform_filter_2,
    transform_filter_4,
    transform_images,
    transform_result_2,
    transform_result_4,
)
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS, gemm_microkernel
from minigrad.kernels.simd.move import lanes, transpose

# A panel of the filters at one point, KC x NR, stays in the first-level cache.
KC = 256
# Elements of a block of tiles at all points, about, and its tiles at least.
BLOCK = 98_304
TILES = -(-24 // MR) * MR
# Tasks of a call if its sizes allow so many; a task packs the filters of so many channels.
TASKS = 8
CHUNK_CHANNELS = 32


class WinogradArrays(NamedTuple):
    """The arrays of a correlation."""

    source: np.ndarray  # (N, C, H, W)
    out: np.ndarray  # (N, F, H', W')
    weight: np.ndarray  # (F, C, 3, 3)
    bias: np.ndarray  # (panels * NR,)
    packed: np.ndarray  # workspace: the transformed filters, (panels, points, C, NR)
    transformed: np.ndarray  # workspace: the transformed images, if tasks share them


_winograd_arrays = constructor(WinogradArrays)


class SlotFields(NamedTuple):
    """A task's workspace."""

    values: int  # a block of transformed images, if tasks do not share them
    image_stage: int
    taps: int  # of a vector of filters
    tile_offsets: int  # int64: elements of the values before each tile
    depth_offsets: int  # int64: before each channel
    sums: int  # of a block by one panel, at all points
    result_stage: int
    added: int  # what the results are added to
    zeros: int  # a panel's bias at most points


class WinogradPlan(NamedTuple):
    """The sizes of a correlation, and its cut into tasks."""

    images: int
    channels: int
    filters: int
    source: ImageFields
    out: ImageFields
    weight: WeightFields
    rows: AxisFields
    columns: AxisFields
    tiles: TileFields
    padded_channels: int
    # Elements from one point to the next, of a block of images, a panel of filters, their product.
    image_point_stride: int
    filter_point_stride: int
    sum_point_stride: int
    # A panel holds NR filters.  The panels are shared out among `panel_tasks` tasks.
    NR: int
    panels: int
    task_panels: int
    panel_tasks: int
    chunks: int  # of the channels, see CHUNK_CHANNELS
    packings: int  # tasks of phase 0 that pack filters
    adds: bool  # to what the output holds
    slot: SlotFields


def correlate_winograd(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    axes: tuple[Axis, Axis],
    m: int,
    adds: bool = False,
) -> None:
    """Fill the elements of `out` that the axes describe with source * filters + bias, or add it.

    (N, F, H', W'), (N, C, H, W), (F, C, 3, 3), (F,), by F(m x m, 3 x 3) with m = 2 or 4.  An axis
    has three taps whose distance is that of its outputs.
    """
    order = tuple(slice(None, None, 1 if axis.taps[0] == 0 else -1) for axis in axes)
    filters = filters[:, :, *order]
    prepared = _prepare(
        out.dtype,
        (source.shape, source.strides),
        (out.shape, out.strides),
        filters.strides,
        axes,
        m,
        adds,
    )
    padded_bias = np.zeros(prepared.bias_size, out.dtype)
    if bias is not None:
        padded_bias[: len(bias)] = bias
    memory = scratch(prepared.packed_size + prepared.transformed_size, out.dtype)
    prepared.tasks.run(
        _winograd_arrays(
            source=source,
            out=out,
            weight=filters,
            bias=padded_bias,
            packed=memory[: prepared.packed_size],
            transformed=memory[prepared.packed_size :],
        )
    )


class _Prepared(NamedTuple):
    """The tasks, and the sizes of the arrays that they need."""

    tasks: PreparedTasks[WinogradArrays]
    packed_size: int
    transformed_size: int
    bias_size: int


@lru_cache(1024)
def _prepare(
    dtype: np.dtype,
    source: Layout,
    out: Layout,
    weight_strides: tuple[int, ...],
    axes: tuple[Axis, Axis],
    m: int,
    adds: bool,
) -> _Prepared:
    """The cut into tasks, which follows from the sizes alone."""
    (images, channels), filters, itemsize = source[0][:2], out[0][1], dtype.itemsize
    NR, depth = NR_VECTORS * VECTOR_BYTES // itemsize, padded_channels(channels, itemsize)
    area = (m + 2) ** 2
    tiles = tile_fields(images, axes, m, max(TILES, BLOCK // (area * depth)))
    block_tiles = -(-tiles.strips_of_block * tiles.of_strip // MR) * MR
    panels = -(-filters // NR)
    panel_tasks, task_panels = parts(panels, max(1, panels * tiles.blocks // TASKS))
    chunks = -(-channels // CHUNK_CHANNELS)
    image_point_stride, sum_point_stride = block_tiles * depth + SKEW, block_tiles * NR + SKEW
    values_size = area * image_point_stride if panel_tasks == 1 else 0
    slot, slot_size = _slot_fields(tiles, block_tiles, NR, itemsize, values_size)
    plan = WinogradPlan(
        images=images,
        channels=channels,
        filters=filters,
        source=image_fields(*source, itemsize),
        out=image_fields(*out, itemsize),
        weight=weight_fields(weight_strides, itemsize),
        rows=axis_fields(axes[0]),
        columns=axis_fields(axes[1]),
        tiles=tiles,
        padded_channels=depth,
        image_point_stride=image_point_stride,
        filter_point_stride=channels * NR + SKEW,
        sum_point_stride=sum_point_stride,
        NR=NR,
        panels=panels,
        task_panels=task_panels,
        panel_tasks=panel_tasks,
        chunks=chunks,
        packings=panels * chunks,
        adds=adds,
        slot=slot,
    )
    shared_blocks = tiles.blocks if panel_tasks > 1 else 0
    counts = plan.packings + shared_blocks, tiles.blocks * panel_tasks
    multiplied = images * tiles.rows * tiles.strips * tiles.of_strip * area * channels * filters
    return _Prepared(
        correlation_tasks.prepare(dtype, plan, counts, multiplied // 16, slot_size),
        packed_size=panels * area * plan.filter_point_stride,
        transformed_size=shared_blocks * area * plan.image_point_stride,
        bias_size=panels * NR,
    )


def _slot_fields(
    tiles: TileFields, block_tiles: int, NR: int, itemsize: int, values_size: int
) -> tuple[SlotFields, int]:
    """The regions of a task's workspace, and their size in bytes."""
    return place_regions(
        SlotFields,
        itemsize,
        values=values_size,
        image_stage=image_stage_size(tiles, itemsize),
        taps=9 * NR // NR_VECTORS,
        tile_offsets=int64_elements(block_tiles, itemsize),
        depth_offsets=int64_elements(KC, itemsize),
        sums=tiles.points**2 * (block_tiles * NR + SKEW),
        result_stage=tiles.m**2 * tiles.of_strip * NR,
        added=tiles.m**2 * tiles.of_strip * NR // NR_VECTORS,
        zeros=NR,
    )


@device_function
def _gather_taps(taps, weight, fields, used):
    """taps[tap, lane] of some filters, zeros in idle lanes.

    Returns 1, or -1 where the taps are gathered in reverse order because they lie so in memory.
    """
    vector, stride = lanes(taps), fields.column_stride
    if used < vector:
        for i in range(9 * vector):
            taps[i] = 0
    if abs(stride) == 1 and fields.row_stride == 3 * stride:
        lowest = offset(weight, min(0, 8 * stride))
        transpose((taps, vector), (lowest, fields.filter_stride), 1, used, 9)
        return stride
    for tap in range(9):
        element = tap // 3 * fields.row_stride + tap % 3 * stride
        for lane in range(used):
            taps[tap * vector + lane] = weight[element + lane * fields.filter_stride]
    return 1


@device_function
def _pack_filters(task, workspace, arrays, plan):
    """Transform some channels of one panel's filters."""
    vector, panel, chunk = plan.NR // NR_VECTORS, task // plan.chunks, task % plan.chunks
    taps, weight = offset(workspace, plan.slot.taps), pointer_at(workspace, arrays.weight)
    area = plan.tiles.points * plan.tiles.points
    packed = offset(pointer_at(workspace, arrays.packed), panel * area * plan.filter_point_stride)
    first = chunk * CHUNK_CHANNELS
    for c in range(first, min(first + CHUNK_CHANNELS, plan.channels)):
        for j in range(0, plan.NR, vector):
            f = panel * plan.NR + j
            element = f * plan.weight.filter_stride + c * plan.weight.channel_stride
            used = max(0, min(vector, plan.filters - f))
            stride = vector * _gather_taps(taps, offset(weight, element), plan.weight, used)
            source = (offset(taps, max(0, -8 * stride)), 3 * stride, stride)
            # The strides are read from the record each time: of local copies LLVM would keep all
            # points' offsets on the stack, and the task takes 5 % longer.
            row_stride = plan.tiles.points * plan.filter_point_stride
            out = (offset(packed, c * plan.NR + j), row_stride, plan.filter_point_stride)
            if plan.tiles.m == 4:
                transform_filter_4(out, source)
            else:
                transform_filter_2(out, source)


@device_function
def _multiply(sums, bias, values, tile_offsets, depth_offsets, panel, plan, tiles):
    """sums[point, tile, filter] = values[point, tile, :] @ panel[point, :, filter], and the bias.

    `bias` is (zeros, bias): it is added at the one point whose value reaches all pixels.
    """
    NR, points = plan.NR, plan.tiles.points
    for point in range(points * points):
        start = bias[1] if point == ONE * points + ONE else bias[0]
        for k in range(0, plan.channels, KC):
            right = (offset(panel, point * plan.filter_point_stride + k * NR), NR)
            source = offset(values, point * plan.image_point_stride + k)
            for i in range(0, tiles, MR):
                tile = (offset(sums, point * plan.sum_point_stride + i * NR), NR)
                initial = (start, 0) if k == 0 else tile
                left = (source, offset(tile_offsets, i), depth_offsets)
                gemm_microkernel(tile, initial, left, right, min(KC, plan.channels - k))


@device_function
def _store(stages, sums, out, plan, block, panel):
    """Transform a panel's sums of a block of tiles back to pixels, and store them."""
    stage, added = stages
    tiles, vector, point_stride = plan.tiles, lanes(stage), plan.sum_point_stride
    row_size = tiles.of_strip * tiles.m * vector
    first_strip, end_strip = block_strips(plan, block)
    for strip in range(first_strip, end_strip):
        n, y, x = strip_outputs(tiles, strip)
        rows = min(tiles.m, plan.rows.length - y)
        columns = min(tiles.of_strip * tiles.m, plan.columns.length - x)
        y = plan.rows.out_offset + y * plan.rows.out_stride
        x = plan.columns.out_offset + x * plan.columns.out_stride
        first = n * plan.out.image_stride + y * plan.out.row_stride + x * plan.out.column_stride
        row_stride = plan.rows.out_stride * plan.out.row_stride
        column_stride = plan.columns.out_stride * plan.out.column_stride
        # Rows of output that follow one another in memory are stored as one.
        is_whole = columns == tiles.of_strip * tiles.m and columns * column_stride == row_stride
        run = rows * columns if is_whole else columns
        for i in range(tiles.of_strip * NR_VECTORS):
            tile, j = i // NR_VECTORS, i % NR_VECTORS
            row = (strip - first_strip) * tiles.of_strip + tile
            values = offset(sums, (row * NR_VECTORS + j) * vector)
            source = (values, tiles.points * point_stride, point_stride)
            staged = offset(stage, j * tiles.m * row_size + tile * tiles.m * vector)
            if tiles.m == 4:
                transform_result_4((staged, row_size, vector), source)
            else:
                transform_result_2((staged, row_size, vector), source)
        for i in range(0, rows * columns, run):
            row = i // columns
            for j in range(NR_VECTORS):
                f = panel * plan.NR + j * vector
                element = first + f * plan.out.channel_stride + row * row_stride
                used = min(vector, plan.filters - f)
                pixels = (offset(out, element), plan.out.channel_stride)
                staged = offset(stage, (j * tiles.m + row) * row_size)
                if plan.adds:
                    add_pixels(staged, added, pixels, column_stride, used, run)
                transpose(pixels, (staged, vector), column_stride, run, used)


@device_function
def _multiply_block(values, workspace, arrays, plan, block, part):
    """Multiply a block of transformed images with one part of the panels, and store the results."""
    tiles, NR = plan.tiles, plan.NR
    block_tiles, area = tiles.strips_of_block * tiles.of_strip, tiles.points * tiles.points
    padded = -(-block_tiles // MR) * MR
    tile_offsets = recast(np.int64, offset(workspace, plan.slot.tile_offsets))
    depth_offsets = recast(np.int64, offset(workspace, plan.slot.depth_offsets))
    for i in range(KC):
        depth_offsets[i] = i
    for i in range(padded):
        tile_offsets[i] = min(i, block_tiles - 1) * plan.padded_channels
    sums, added = offset(workspace, plan.slot.sums), offset(workspace, plan.slot.added)
    stages = offset(workspace, plan.slot.result_stage), added
    zeros = offset(workspace, plan.slot.zeros)
    for j in range(NR):
        zeros[j] = 0
    packed, bias = pointer_at(workspace, arrays.packed), pointer_at(workspace, arrays.bias)
    out = pointer_at(workspace, arrays.out)
    first_panel = part * plan.task_panels
    for panel in range(first_panel, min(plan.panels, first_panel + plan.task_panels)):
        panel_bias = (zeros, offset(bias, panel * NR))
        _multiply(
            sums, panel_bias, values, tile_offsets, depth_offsets,
            offset(packed, panel * area * plan.filter_point_stride), plan, padded,
        )  # fmt: skip
        _store(stages, sums, out, plan, block, panel)


@task_kernel(WinogradArrays, WinogradPlan)
def correlation_tasks(phase, task, workspace, records):
    """Transform filters, and images if tasks share them; then one block and some panels.

    out[n, f, y, x] = bias[f] + sum over c, r, s of source[n, c, y + r, x + s] * weight[f, c, r, s]
    """
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    if phase == 0 and task < plan.packings:
        _pack_filters(task, workspace, arrays, plan)
        return
    part, block = task % plan.panel_tasks, task // plan.panel_tasks
    if phase == 0:
        block = task - plan.packings
    size = plan.tiles.points * plan.tiles.points * plan.image_point_stride
    is_shared = plan.panel_tasks > 1
    values = offset(workspace, plan.slot.values)
    if is_shared:
        values = offset(pointer_at(workspace, arrays.transformed), block * size)
    if phase == 0 or not is_shared:
        stage = offset(workspace, plan.slot.image_stage)
        transform_images(values, stage, pointer_at(workspace, arrays.source), plan, block)
    if phase == 1:
        _multiply_block(values, workspace, arrays, plan, block, part)
