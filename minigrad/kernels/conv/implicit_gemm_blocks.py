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
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.compiler.workspace import int64_elements, place_regions
from minigrad.kernels.conv.axis import Axis, parts
from minigrad.kernels.conv.patch import (
    BlockFields,
    PatchFields,
    patch_along,
    patch_fields,
    patch_tap_offsets,
)
from minigrad.kernels.conv.records import (
    AxisFields,
    ImageFields,
    WeightFields,
    axis_fields,
    image_fields,
    weight_fields,
)
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS

# A task's output pixels, about, and its patches of the images at most, in elements.
PIXELS = 192
PATCHES = 131_072
# Tasks of a call if its sizes allow so many, and partial sums of a gradient, in elements.
TASKS = 8
PARTIAL_SUMS = 4_194_304
# A task packs the filters of so many channels, or adds up the sums of so many taps.
CHUNK_CHANNELS = 32


class PanelFields(NamedTuple):
    """Panels of NR filters; those of a group are shared out among tasks."""

    NR: int
    total: int
    of_task: int
    tasks: int


class SlotFields(NamedTuple):
    """A task's workspace."""

    pixel_offsets: int  # int64, see `fill_pixel_offsets`
    tile: int  # a block's pixels by one panel: sums; or by some panels, a copy of the gradient
    bias: int  # of the task's panels
    patch: int


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
    slot: SlotFields
    slices: int  # of the blocks: each has partial sums of its own of the weight's gradient
    chunks: int  # of the channels, see CHUNK_CHANNELS


class Blocks(NamedTuple):
    """A plan, and what the kernels that follow it need beside it."""

    plan: ImplicitGemmPlan
    tap_offsets: np.ndarray  # (padded_depth,), int64: elements of the patch before each tap
    work: int
    slot_size: int


@lru_cache(1024)
def cut_into_blocks(
    dtype: np.dtype,
    source: Layout,
    out: Layout,
    weight: Layout,
    axes: tuple[Axis, Axis],
    panels_at_once: int = 1,
) -> Blocks:
    """The cut of a correlation into tasks, which follows from the sizes alone.

    (N, G * C, H, W), (N, G * F, H', W'), (G, F, C, taps of axes[0], taps of axes[1]).
    A task's workspace has room for the pixels of up to `panels_at_once` panels.
    """
    (rows, columns), itemsize = axes, dtype.itemsize
    images, (groups, filters, channels, *kernel) = source[0][0], weight[0]
    depth = channels * math.prod(kernel)
    group_stride, *weight_strides = weight[1]
    source_fields = image_fields(*source, itemsize)
    block = _block_fields(images, channels, axes)
    patch = patch_fields(block, channels, source_fields, axes)
    NR = NR_VECTORS * VECTOR_BYTES // itemsize
    panels = -(-filters // NR)
    partial_sums = groups * panels * NR * depth
    slices = max(1, min(block.total, 2 * TASKS, PARTIAL_SUMS // partial_sums))
    # Where images give few tasks, they share out the panels of filters too.
    panel_tasks, task_panels = parts(panels, max(1, panels * groups * slices // TASKS))
    at_once = min(panels_at_once, task_panels)
    slot, slot_size = _slot_fields(block, patch, channels, NR, (at_once, task_panels), itemsize)
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
        slot=slot,
        slices=slices,
        chunks=-(-channels // CHUNK_CHANNELS),
    )
    tap_offsets = np.empty(plan.padded_depth, np.int64)
    tap_offsets[:depth] = patch_tap_offsets(channels, patch, block, axes)
    tap_offsets[depth:] = tap_offsets[depth - 1]
    work = images * rows.length * columns.length * groups * filters * depth // 16
    return Blocks(plan, tap_offsets, work, slot_size)


def _slot_fields(
    block: BlockFields,
    patch: PatchFields,
    channels: int,
    NR: int,
    panels: tuple[int, int],
    itemsize: int,
) -> tuple[SlotFields, int]:
    """The regions of a task's workspace, and their size in bytes.

    `panels` are those of the tile, and all of the task.
    """
    pixels = -(-block.images * block.rows * block.columns // MR) * MR
    return place_regions(
        SlotFields,
        itemsize,
        pixel_offsets=int64_elements(pixels, itemsize),
        tile=pixels * NR * panels[0],
        bias=panels[1] * NR,
        # A vector may be stored from the patch's last element on.
        patch=block.images * channels * patch.channel_stride + NR if patch.is_copied else 0,
    )


def _block_fields(images: int, channels: int, axes: tuple[Axis, Axis]) -> BlockFields:
    rows, columns = axes
    along_columns, block_columns = parts(columns.length, PIXELS)
    along_rows, block_rows = parts(rows.length, max(1, PIXELS // block_columns))
    along_images, block_images = images, 1
    if along_rows == along_columns == 1:  # small maps: several images to a block
        patch = (
            channels
            * patch_along(rows, block_rows).length
            * patch_along(columns, block_columns).length
        )
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
