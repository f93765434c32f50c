"""The cut of an implicit matrix product into blocks, and the pixels that a block reads.

Element p, k of the left operand is the image at pixel p under tap k of a filter.  In memory it lies
`pixel_offsets[p] + tap_offsets[k]` elements on, which is all that the register tile of the matrix
product needs; the unfolded (im2col) matrix is never written.  Each task copies the patch of the
image that it needs, with a margin of zeros, into memory that fits the second-level cache, so that
no tap is out of bounds.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.plan_record import Layout
from minigrad.kernels.compiler.pointers import offset
from minigrad.kernels.conv.plan import Axis, parts
from minigrad.kernels.conv.records import (
    AxisFields,
    ImageFields,
    WeightFields,
    axis_fields,
    image_fields,
    weight_fields,
)
from minigrad.kernels.simd.ir_builder import VECTOR_BYTES
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS
from minigrad.kernels.simd.move import clear_vector, copy_row, copy_vector, lanes

# A task's output pixels, about, and its patches of the images at most, in elements.
PIXELS = 192
PATCHES = 131_072
# Tasks of a call if its sizes allow so many, and partial sums of a gradient, in elements.
TASKS = 8
PARTIAL_SUMS = 4_194_304
# A task packs the filters of so many channels, or adds up the sums of so many taps.
CHUNK_CHANNELS = 32


class BlockFields(NamedTuple):
    """Blocks of outputs, one to a task."""

    images: int  # of a block, at most
    rows: int
    columns: int
    along_rows: int  # blocks
    along_columns: int
    total: int


class PatchFields(NamedTuple):
    """The pixels that a block reads, and their strides: of the copy, or of the source itself."""

    is_copied: bool
    rows: int
    columns: int
    image_stride: int
    channel_stride: int
    row_stride: int
    column_stride: int


class PanelFields(NamedTuple):
    """Panels of NR filters; those of a group are shared out among tasks."""

    NR: int
    total: int
    of_task: int
    tasks: int


class ImplicitGemmPlan(NamedTuple):
    """The sizes of a correlation, and its cut into tasks."""

    images: int
    groups: int
    channels: int  # of one group
    filters: int  # of one group
    source: ImageFields
    out: ImageFields  # of the output, or of its gradient
    weight: WeightFields
    weight_group_stride: int
    has_contiguous_filters: bool  # each by itself
    kernel_rows: int
    kernel_columns: int
    depth: int  # elements of a filter
    padded_depth: int  # a multiple of MR
    rows: AxisFields
    columns: AxisFields
    block: BlockFields
    patch: PatchFields
    panels: PanelFields
    slices: int  # of the blocks: each has partial sums of its own of the weight's gradient
    chunks: int  # of the channels, see CHUNK_CHANNELS


class Blocks(NamedTuple):
    """A plan, and what the kernels that follow it need beside it."""

    plan: ImplicitGemmPlan
    tap_offsets: np.ndarray  # (padded_depth,), int64: elements of the patch before each tap
    work: int


@lru_cache(1024)
def cut_into_blocks(
    dtype: np.dtype, source: Layout, out: Layout, weight: Layout, axes: tuple[Axis, Axis]
) -> Blocks:
    """The cut of a correlation into tasks, which follows from the sizes alone.

    (N, G * C, H, W), (N, G * F, H', W'), (G, F, C, taps of axes[0], taps of axes[1]).
    """
    (rows, columns), itemsize = axes, dtype.itemsize
    images, (groups, filters, channels, *kernel) = source[0][0], weight[0]
    depth = channels * math.prod(kernel)
    group_stride, *weight_strides = weight[1]
    source_fields = image_fields(*source, itemsize)
    block = _block_fields(images, channels, axes)
    patch = _patch_fields(block, channels, source_fields, axes)
    NR = NR_VECTORS * VECTOR_BYTES // itemsize
    panels = -(-filters // NR)
    partial_sums = groups * panels * NR * depth
    slices = max(1, min(block.total, 2 * TASKS, PARTIAL_SUMS // partial_sums))
    # Where images give few tasks, they share out the panels of filters too.
    panel_tasks, task_panels = parts(panels, max(1, panels * groups * slices // TASKS))
    contiguous = (kernel[0] * kernel[1] * itemsize, kernel[1] * itemsize, itemsize)
    plan = ImplicitGemmPlan(
        images=images,
        groups=groups,
        channels=channels,
        filters=filters,
        source=source_fields,
        out=image_fields(*out, itemsize),
        weight=weight_fields(tuple(weight_strides), itemsize),
        weight_group_stride=group_stride // itemsize,
        has_contiguous_filters=weight[1][2:] == contiguous,
        kernel_rows=kernel[0],
        kernel_columns=kernel[1],
        depth=depth,
        padded_depth=-(-depth // MR) * MR,
        rows=axis_fields(rows),
        columns=axis_fields(columns),
        block=block,
        patch=patch,
        panels=PanelFields(NR=NR, total=panels, of_task=task_panels, tasks=panel_tasks),
        slices=slices,
        chunks=-(-channels // CHUNK_CHANNELS),
    )
    tap_offsets = np.empty(plan.padded_depth, np.int64)
    tap_offsets[:depth] = _tap_offsets(channels, patch, axes)
    tap_offsets[depth:] = tap_offsets[depth - 1]
    work = images * rows.length * columns.length * groups * filters * depth // 16
    return Blocks(plan, tap_offsets, work)


def _block_fields(images: int, channels: int, axes: tuple[Axis, Axis]) -> BlockFields:
    rows, columns = axes
    along_columns, block_columns = parts(columns.length, PIXELS)
    along_rows, block_rows = parts(rows.length, max(1, PIXELS // block_columns))
    along_images, block_images = images, 1
    if along_rows == along_columns == 1:  # small maps: several images to a block
        patch = channels * _patch_length(rows, block_rows) * _patch_length(columns, block_columns)
        fitting = min(PIXELS // (block_rows * block_columns), PATCHES // patch)
        along_images, block_images = parts(images, max(1, fitting))
    return BlockFields(
        images=block_images,
        rows=block_rows,
        columns=block_columns,
        along_rows=along_rows,
        along_columns=along_columns,
        total=along_images * along_rows * along_columns,
    )


def _patch_fields(
    block: BlockFields, channels: int, source: ImageFields, axes: tuple[Axis, Axis]
) -> PatchFields:
    rows, columns = _patch_length(axes[0], block.rows), _patch_length(axes[1], block.columns)
    if _stays_inside(axes[0], source.height) and _stays_inside(axes[1], source.width):
        return PatchFields(
            is_copied=False,
            rows=rows,
            columns=columns,
            image_stride=source.image_stride,
            channel_stride=source.channel_stride,
            row_stride=source.row_stride,
            column_stride=source.column_stride,
        )
    return PatchFields(
        is_copied=True,
        rows=rows,
        columns=columns,
        image_stride=channels * rows * columns,
        channel_stride=rows * columns,
        row_stride=columns,
        column_stride=1,
    )


def _patch_length(axis: Axis, outputs: int) -> int:
    """Pixels that so many neighbouring outputs read, from the first to the last."""
    return (outputs - 1) * axis.stride + axis.extent


def _stays_inside(axis: Axis, size: int) -> bool:
    """Whether every tap reads a pixel, so that the image can be read without a copy."""
    return axis.origin >= 0 and axis.origin + _patch_length(axis, axis.length) <= size


def _tap_offsets(channels: int, patch: PatchFields, axes: tuple[Axis, Axis]) -> np.ndarray:
    """Elements of the patch before each tap, in the order of (C, K, L)."""
    row_taps, column_taps = (np.array(axis.taps, np.int64) for axis in axes)
    channel = np.arange(channels)[:, None, None] * patch.channel_stride
    offsets: np.ndarray = (
        channel + row_taps[:, None] * patch.row_stride + column_taps * patch.column_stride
    )
    return offsets.reshape(-1)


@device_function
def block_outputs(plan, block):
    """First image, row and column of a block of outputs, and how many of each it has."""
    x = block % plan.block.along_columns * plan.block.columns
    y = block // plan.block.along_columns % plan.block.along_rows * plan.block.rows
    n = block // (plan.block.along_columns * plan.block.along_rows) * plan.block.images
    images, rows = (
        min(plan.block.images, plan.images - n),
        min(plan.block.rows, plan.rows.length - y),
    )
    return (n, y, x), (images, rows, min(plan.block.columns, plan.columns.length - x))


@device_function
def patch_size(plan):
    """Elements of the copy of a patch, with room for a vector beyond."""
    if not plan.patch.is_copied:
        return 1
    return plan.block.images * plan.channels * plan.patch.channel_stride + plan.panels.NR


@device_function
def read_patch(memory, source, plan, group, first, images):
    """The patch of a block whose first output is `first`: copied to `memory`, or in the source."""
    n, y, x = first
    y = plan.rows.origin + y * plan.rows.stride
    x = plan.columns.origin + x * plan.columns.stride
    if plan.patch.is_copied:
        _copy_patch(memory, source, plan, group, (n, y, x), images)
        return memory
    element = n * plan.source.image_stride + group * plan.channels * plan.source.channel_stride
    element += y * plan.source.row_stride + x * plan.source.column_stride
    return offset(source, element)


@device_function
def _copy_patch(patch, source, plan, group, first, images):
    """Copy a patch of some images from pixel `first` on, zeros where it leaves them.

    Vectors may run beyond the end of a row; the row after it overwrites what they write there.
    """
    n0, y0, x0 = first
    columns, vector = plan.patch.columns, lanes(patch)
    low = min(max(0, -x0), columns)
    top = max(min(columns, plan.source.width - x0), low)
    row = patch
    for i in range(images * plan.channels):
        n, c = n0 + i // plan.channels, group * plan.channels + i % plan.channels
        plane = n * plan.source.image_stride + c * plan.source.channel_stride
        plane += x0 * plan.source.column_stride
        for y in range(y0, y0 + plan.patch.rows):
            inside = 0 <= y < plan.source.height
            for x in range(0, low if inside else columns, vector):
                clear_vector(offset(row, x))
            if inside:
                element = plane + y * plan.source.row_stride + low * plan.source.column_stride
                pixels, out = offset(source, element), offset(row, low)
                if element + top - low + vector <= plan.source.readable:
                    for x in range(0, top - low, vector):
                        copy_vector(offset(out, x), offset(pixels, x))
                else:
                    copy_row(out, pixels, plan.source.column_stride, top - low)
                for x in range(top, columns, vector):
                    clear_vector(offset(row, x))
            row = offset(row, columns)


@device_function
def fill_pixel_offsets(table, plan, images, rows, columns):
    """Elements of the patch before each output's first tap; the last is repeated to the end."""
    row_stride = plan.rows.stride * plan.patch.row_stride
    column_stride = plan.columns.stride * plan.patch.column_stride
    p = 0
    for i in range(images):
        for y in range(rows):
            row = i * plan.patch.image_stride + y * row_stride
            for x in range(columns):
                table[p] = row + x * column_stride
                p += 1
    for rest in range(p, len(table)):
        table[rest] = table[p - 1]
