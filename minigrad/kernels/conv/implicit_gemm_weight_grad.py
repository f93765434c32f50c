"""The gradient of filters as a matrix product that reads the images in place.

It is the adjoint of `implicit_gemm`: each slice of the pixels has sums of its own, which are added
up in order at the end.
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
from minigrad.kernels.simd.microkernels import MR, gemm_microkernel
from minigrad.kernels.simd.move import transpose

# The gradient of a block's pixels is transposed to so many panels at a time, which stay in the
# second-level cache.  The pixels under so many taps stay in the first while all are multiplied.
PANELS, TAPS = 16, 4 * MR


class WeightGradArrays(NamedTuple):
    """The arrays of a gradient with respect to filters."""

    source: np.ndarray  # (N, G * C, H, W)
    gradient: np.ndarray  # of the output, (N, G * F, H', W')
    out: np.ndarray  # (G, F, C, K, L)
    sums: np.ndarray  # workspace: (slices, G, panels, padded C * K * L, NR)
    tap_offsets: np.ndarray  # see `Blocks`


_weight_grad_arrays = constructor(WeightGradArrays)


def weight_grad_implicit_gemm(
    out: np.ndarray, gradient: np.ndarray, source: np.ndarray, axes: tuple[Axis, Axis]
) -> None:
    """Fill `out`, (G, F, C, taps of axes[0], taps of axes[1]), with gradient * source.

    (N, G * F, H', W'), (N, G * C, H, W); `out` is contiguous.
    """
    if gradient.strides[3] != gradient.itemsize:
        gradient = np.ascontiguousarray(gradient)
    prepared = _prepare(
        out.dtype,
        (source.shape, source.strides),
        (gradient.shape, gradient.strides),
        (out.shape, out.strides),
        axes,
    )
    prepared.tasks.run(
        _weight_grad_arrays(
            source=source,
            gradient=gradient,
            out=out,
            sums=scratch(prepared.sums_size, out.dtype),
            tap_offsets=prepared.tap_offsets,
        )
    )


class _Prepared(NamedTuple):
    """What calls of equal sizes share."""

    tasks: PreparedTasks[WeightGradArrays]
    tap_offsets: np.ndarray
    sums_size: int


@lru_cache(1024)
def _prepare(
    dtype: np.dtype, source: Layout, gradient: Layout, weight: Layout, axes: tuple[Axis, Axis]
) -> _Prepared:
    plan, tap_offsets, work, slot_size = cut_into_blocks(
        dtype, source, gradient, weight, axes, PANELS
    )
    products = plan.slices * plan.groups * plan.panels.tasks
    additions = plan.groups * plan.panels.total * plan.chunks
    tasks = weight_grad_tasks.prepare(dtype, plan, (products, additions), work, slot_size)
    sums_size = plan.slices * plan.groups * plan.panels.total * plan.padded_depth * plan.panels.NR
    return _Prepared(tasks, tap_offsets, sums_size)


@device_function
def _add_block(sums, workspace, arrays, plan, group, panels, block):
    """Add one block of pixels to the sums[panel, tap, filter] of one slice and group."""
    (n, y, x), (images, rows, columns) = block_outputs(plan, block)
    pixels, NR = images * rows * columns, plan.panels.NR
    pixel_offsets = recast(np.int64, offset(workspace, plan.slot.pixel_offsets))
    right, memory = offset(workspace, plan.slot.tile), offset(workspace, plan.slot.patch)
    source = pointer_at(workspace, arrays.source)
    patch = read_patch(memory, source, plan, group, (n, y, x), images)
    fill_pixel_offsets(pixel_offsets, plan, images, rows, columns)
    tap_offsets = pointer_at(np.int64, arrays.tap_offsets)
    for first in range(panels[0], panels[1], PANELS):
        end = min(first + PANELS, panels[1])
        for panel in range(first, end):
            columns_of_panel = offset(right, (panel - first) * pixels * NR)
            _transpose_gradient(columns_of_panel, arrays, plan, group, panel, block)
        for begin in range(0, plan.padded_depth, TAPS):
            for panel in range(first, end):
                columns_of_panel = (offset(right, (panel - first) * pixels * NR), NR)
                for k in range(begin, min(begin + TAPS, plan.padded_depth), MR):
                    tile = (offset(sums, (panel * plan.padded_depth + k) * NR), NR)
                    left = (patch, offset(tap_offsets, k), pixel_offsets)
                    gemm_microkernel(tile, tile, left, columns_of_panel, pixels)


@device_function
def _transpose_gradient(out, arrays, plan, group, panel, block):
    """The gradient of a block's pixels, a row of filters for each; zeros for those that lack."""
    (n, y, x), (images, rows, columns) = block_outputs(plan, block)
    gradient, NR = pointer_at(out, arrays.gradient), plan.panels.NR
    f = group * plan.filters + panel * NR
    used = min(NR, plan.filters - panel * NR)
    run = rows * columns if plan.out.row_stride == columns else columns
    for p in range(0, images * rows * columns, run):
        i, row = p // (rows * columns), p // columns % rows
        element = (n + i) * plan.out.image_stride + f * plan.out.channel_stride
        element += (y + row) * plan.out.row_stride + x
        pixel_rows = (offset(gradient, element), plan.out.channel_stride)
        transpose((offset(out, p * NR), NR), pixel_rows, 1, used, run)
        if used < NR:
            for q in range(p, p + run):
                for j in range(used, NR):
                    out[q * NR + j] = 0


@device_function
def _add_slices(task, like, arrays, plan):
    """Add up the slices' sums of some taps of one panel's filters, in order, into the result."""
    chunk, panel = task % plan.chunks, task // plan.chunks % plan.panels.total
    group, NR = task // (plan.chunks * plan.panels.total), plan.panels.NR
    taps = plan.kernel_rows * plan.kernel_columns
    first = chunk * CHUNK_CHANNELS * taps
    count = min(CHUNK_CHANNELS * taps, plan.depth - first)
    row = (group * plan.panels.total + panel) * plan.padded_depth + first
    sums = offset(pointer_at(like, arrays.sums), row * NR)
    slice_size = plan.groups * plan.panels.total * plan.padded_depth * NR
    for i in range(1, plan.slices):
        addend = offset(sums, i * slice_size)
        for j in range(count * NR):
            sums[j] += addend[j]
    f = panel * NR
    element = (group * plan.filters + f) * plan.depth + first
    out = (offset(pointer_at(like, arrays.out), element), plan.depth)
    transpose(out, (sums, NR), 1, count, min(NR, plan.filters - f))


@task_kernel(WeightGradArrays, ImplicitGemmPlan)
def weight_grad_tasks(phase, task, workspace, records):
    """One slice of the pixels for some panels of one group's filters; then all slices' sum.

    sums[slice, c, r, s, f] = sum over n, y, x of
        gradient[n, f, y, x] * source[n, c, y + r, x + s]
    """
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    if phase == 1:
        _add_slices(task, workspace, arrays, plan)
        return
    part, group = task % plan.panels.tasks, task // plan.panels.tasks % plan.groups
    slice_ = task // (plan.panels.tasks * plan.groups)
    first_panel = part * plan.panels.of_task
    panels = first_panel, min(plan.panels.total, first_panel + plan.panels.of_task)
    panel_size = plan.padded_depth * plan.panels.NR
    group_offset = (slice_ * plan.groups + group) * plan.panels.total * panel_size
    sums = offset(pointer_at(workspace, arrays.sums), group_offset)
    for j in range(panels[0] * panel_size, panels[1] * panel_size):
        sums[j] = 0
    first_block = plan.block.total * slice_ // plan.slices
    for block in range(first_block, plan.block.total * (slice_ + 1) // plan.slices):
        _add_block(sums, workspace, arrays, plan, group, panels, block)
