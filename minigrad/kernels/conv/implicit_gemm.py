"""Correlation of images with filters as a matrix product that reads the images in place.

See `implicit_gemm_blocks` for the layout of the left operand.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.plan_record import Layout, constructor
from minigrad.kernels.compiler.pointers import offset, pointer_at, recast, record_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, task_kernel
from minigrad.kernels.compiler.workspace import scratch
from minigrad.kernels.conv.axis import Axis
from minigrad.kernels.conv.implicit_gemm_blocks import (
    CHUNK_CHANNELS,
    ImplicitGemmPlan,
    block_outputs,
    cut_into_blocks,
)
from minigrad.kernels.conv.patch import fill_pixel_offsets, read_patch
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS, gemm_microkernel
from minigrad.kernels.simd.move import copy_row, lanes, transpose

# A panel of the filters, KC x NR, stays in the first-level cache.
KC = 128


class CorrelationArrays(NamedTuple):
    """The arrays of a correlation."""

    source: np.ndarray  # (N, G * C, H, W)
    out: np.ndarray  # (N, G * F, H', W')
    weight: np.ndarray  # (G, F, C, K, L)
    bias: np.ndarray  # (G * F,)
    packed: np.ndarray  # workspace: panels of the filters, (G, panels, C * K * L, NR)
    tap_offsets: np.ndarray  # see `Blocks`


_correlation_arrays = constructor(CorrelationArrays)


def correlate_implicit_gemm(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    axes: tuple[Axis, Axis],
) -> None:
    """Fill the elements of `out` that the axes describe with source * filters + bias.

    (N, G * F, H', W'), (N, G * C, H, W), (G, F, C, taps of axes[0], taps of axes[1]), (G * F,);
    `out` is contiguous.
    """
    bias = np.zeros(out.shape[1], out.dtype) if bias is None else np.ascontiguousarray(bias)
    prepared = _prepare(
        out.dtype,
        (source.shape, source.strides),
        (out.shape, out.strides),
        (filters.shape, filters.strides),
        axes,
    )
    packed = scratch(prepared.packed_size, out.dtype)
    prepared.tasks.run(
        _correlation_arrays(
            source=source,
            out=out,
            weight=filters,
            bias=bias,
            packed=packed,
            tap_offsets=prepared.tap_offsets,
        )
    )


class _Prepared(NamedTuple):
    """What calls of equal sizes share."""

    tasks: PreparedTasks[CorrelationArrays]
    tap_offsets: np.ndarray
    packed_size: int


@lru_cache(1024)
def _prepare(
    dtype: np.dtype, source: Layout, out: Layout, weight: Layout, axes: tuple[Axis, Axis]
) -> _Prepared:
    plan, tap_offsets, work, slot_size = cut_into_blocks(dtype, source, out, weight, axes)
    packings = plan.groups * plan.panels.total * plan.chunks
    products = plan.block.total * plan.groups * plan.panels.tasks
    tasks = correlation_tasks.prepare(dtype, plan, (packings, products), work, slot_size)
    packed_size = plan.groups * plan.panels.total * plan.depth * plan.panels.NR
    return _Prepared(tasks, tap_offsets, packed_size)


@device_function
def _multiply(sums, bias, patch, pixel_offsets, tap_offsets, panel, pixels, depth):
    """sums[p, j] = bias[j] + sum over taps: the pixels of a patch with one panel of filters."""
    NR = NR_VECTORS * lanes(sums)
    for k in range(0, depth, KC):
        right = (offset(panel, k * NR), NR)
        for p in range(0, pixels, MR):
            tile = (offset(sums, p * NR), NR)
            initial = (bias, 0) if k == 0 else tile
            left = (patch, offset(pixel_offsets, p), offset(tap_offsets, k))
            gemm_microkernel(tile, initial, left, right, min(KC, depth - k))


@device_function
def _pack_filters(task, like, arrays, plan):
    """Some channels of one panel: a row of the panel holds one tap of all its filters."""
    chunk, panel = task % plan.chunks, task // plan.chunks % plan.panels.total
    group, NR = task // (plan.chunks * plan.panels.total), plan.panels.NR
    taps = plan.kernel_rows * plan.kernel_columns
    used = min(NR, plan.filters - panel * NR)
    element = group * plan.weight_group_stride + panel * NR * plan.weight.filter_stride
    weight = offset(pointer_at(like, arrays.weight), element)
    packed = pointer_at(like, arrays.packed)
    packed = offset(packed, (group * plan.panels.total + panel) * plan.depth * NR)
    first = chunk * CHUNK_CHANNELS
    end = min(first + CHUNK_CHANNELS, plan.channels)
    out = offset(packed, first * taps * NR)
    if plan.has_contiguous_filters:
        rows = (offset(weight, first * taps), plan.weight.filter_stride)
        transpose((out, NR), rows, 1, used, (end - first) * taps)
    else:
        for c in range(first, end):
            for r in range(plan.kernel_rows):
                row = offset(weight, c * plan.weight.channel_stride + r * plan.weight.row_stride)
                for s in range(plan.kernel_columns):
                    tap = offset(row, s * plan.weight.column_stride)
                    copy_row(out, tap, plan.weight.filter_stride, used)
                    out = offset(out, NR)
    for tap in range(first * taps, end * taps):
        for j in range(used, NR):
            packed[tap * NR + j] = 0


@device_function
def _store(out, sums, plan, group, panel, first, sizes):
    """Store sums[p, j] of a block of outputs and one panel of filters in the output."""
    (n, y, x), (images, rows, columns) = first, sizes
    NR, plane = plan.panels.NR, plan.out.height * plan.out.width
    y = plan.rows.out_offset + y * plan.rows.out_stride
    x = plan.columns.out_offset + x * plan.columns.out_stride
    # Rows of output that follow one another in memory are stored as one.
    is_whole = columns * plan.columns.out_stride == plan.out.width and plan.rows.out_stride == 1
    run = rows * columns if is_whole else columns
    f = group * plan.filters + panel * NR
    for p in range(0, images * rows * columns, run):
        i, row = p // (rows * columns), p // columns % rows
        element = ((n + i) * plan.groups * plan.filters + f) * plane
        element += (y + row * plan.rows.out_stride) * plan.out.width + x
        transpose(
            (offset(out, element), plane), (offset(sums, p * NR), NR),
            plan.columns.out_stride, run, min(NR, plan.filters - panel * NR),
        )  # fmt: skip


@task_kernel(CorrelationArrays, ImplicitGemmPlan)
def correlation_tasks(phase, task, workspace, records):
    """Pack the filters; then one block of output pixels with some panels of one group's filters.

    out[n, f, y, x] = bias[f] + sum over c, r, s of source[n, c, y + r, x + s] * weight[f, c, r, s]
    """
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    if phase == 0:
        _pack_filters(task, workspace, arrays, plan)
        return
    part, group = task % plan.panels.tasks, task // plan.panels.tasks % plan.groups
    first, sizes = block_outputs(plan, task // (plan.panels.tasks * plan.groups))
    images, rows, columns = sizes
    pixels, depth, NR = images * rows * columns, plan.depth, plan.panels.NR
    pixel_offsets = recast(np.int64, offset(workspace, plan.slot.pixel_offsets))
    sums, part_bias = offset(workspace, plan.slot.tile), offset(workspace, plan.slot.bias)
    source, memory = pointer_at(workspace, arrays.source), offset(workspace, plan.slot.patch)
    patch = read_patch(memory, source, plan, group, first, images)
    fill_pixel_offsets(pixel_offsets, plan, images, rows, columns)

    out, bias = pointer_at(workspace, arrays.out), pointer_at(workspace, arrays.bias)
    first_panel = part * plan.panels.of_task
    used = min(plan.panels.of_task * NR, plan.filters - first_panel * NR)
    for j in range(used):
        part_bias[j] = bias[group * plan.filters + first_panel * NR + j]
    for j in range(used, plan.panels.of_task * NR):
        part_bias[j] = 0
    packed = pointer_at(workspace, arrays.packed)
    tap_offsets = pointer_at(np.int64, arrays.tap_offsets)
    for panel in range(first_panel, min(plan.panels.total, first_panel + plan.panels.of_task)):
        j = group * plan.panels.total + panel
        _multiply(
            sums, offset(part_bias, (panel - first_panel) * NR), patch, pixel_offsets, tap_offsets,
            offset(packed, j * NR * depth), pixels, depth,
        )  # fmt: skip
        _store(out, sums, plan, group, panel, first, sizes)
