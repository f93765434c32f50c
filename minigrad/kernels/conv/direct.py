"""Correlation of image planes with few filters: vectors of pixels, a tap at a time.

Where a group has one filter (depthwise convolution) or a few (gradients of 1- or 3-channel images),
vectors of filters would be mostly idle.  Here a vector holds neighbouring pixels, of copies that
`sorted_planes` makes.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import keep_alive, offset, pointer, pointer_at
from minigrad.kernels.compiler.task_queue import Prepared, array_at, task_kernel
from minigrad.kernels.conv.phase_planes import PLAN, block_size, copy_planes, cut
from minigrad.kernels.conv.plan import Axis
from minigrad.kernels.simd.microkernels import (
    DOTS,
    END_VECTORS,
    ROW_VECTORS,
    dot_products,
    row_end_product,
    row_product,
)
from minigrad.kernels.simd.move import copy_row, lanes


def correlate_planes(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    axes: tuple[Axis, Axis],
) -> None:
    """Fill the places of `out` that the axes describe with source * filters + bias.

    (N, G * F, H', W'), (N, G * C, H, W), (G, F, C, taps of axes[0], taps of axes[1]), (G * F,).
    """
    filters = np.ascontiguousarray(filters)
    start = np.zeros(out.shape[1], out.dtype) if bias is None else np.ascontiguousarray(bias)
    layout = _layout(
        out.dtype, source.shape, source.strides, out.shape, out.strides, axes, filters.shape
    )
    layout.correlation.run(source, out, filters, start)


def correlate_planes_gradient(
    out: np.ndarray, gradient: np.ndarray, source: np.ndarray, axes: tuple[Axis, Axis]
) -> None:
    """Fill `out`, (G, F, C, taps of axes[0], taps of axes[1]), with gradient * source.

    `out` is contiguous; `gradient` and `source` are as `out` and `source` of `correlate_planes`.
    """
    layout = _layout(
        out.dtype, source.shape, source.strides, gradient.shape, gradient.strides, axes,
        out.shape,
    )  # fmt: skip
    sums = np.empty(layout.sums, out.dtype)
    layout.gradient.run(source, gradient, out, sums)


class _Layout(NamedTuple):
    """All that a kernel has to know but for addresses, and the sizes of what it needs."""

    correlation: Prepared
    gradient: Prepared
    tap_at: np.ndarray  # its address is in the plan
    sums: int


@lru_cache(1024)
def _layout(dtype: np.dtype, *sizes: Any) -> _Layout:
    """The tasks of a correlation of these sizes, as `cut` has them, and of its gradient."""
    of = cut(dtype, *sizes)
    return _Layout(
        correlation_tasks.prepare(dtype, of.plan, (of.tasks,), of.work),
        gradient_tasks.prepare(dtype, of.plan, (of.slices * of.shares, of.groups), of.work),
        of.tap_at,
        of.sums,
    )


@task_kernel(PLAN)
def correlation_tasks(phase, task, none, plans):
    """One band of rows of one image for some groups.

    out[n, f, y, x] = start[f] + sum over c, r, s of
        source[n, c, y + r, x + s] * weights[f, c, r, s]
    """
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    part, t = task % plan.shares * plan.share, task // plan.shares % plan.bands * plan.high
    n, rows = task // (plan.shares * plan.bands), min(plan.high, plan.rows - t)
    out, start = pointer_at(like, plan.out), pointer_at(like, plan.start)
    tap_at = pointer_at(np.int64, plan.tap_at)
    pitch, step = plan.pitch, lanes(out)
    count = (rows - 1) * pitch + plan.columns
    block_memory = np.zeros(block_size(plan) + ROW_VECTORS * step, like.dtype)
    sums_memory = np.empty(count + ROW_VECTORS * step, like.dtype)
    block, sums = pointer(block_memory), pointer(sums_memory)
    long = count // (ROW_VECTORS * step) * ROW_VECTORS * step
    for group in range(part, min(part + plan.share, plan.groups)):
        copy_planes(block, like, plan, n, group, t, 0)
        for f in range(group * plan.filters, (group + 1) * plan.filters):
            weights = offset(pointer_at(like, plan.weights), f * plan.depth)
            for p in range(0, long, ROW_VECTORS * step):
                here = offset(sums, p)
                row_product(here, start[f], weights, offset(block, p), tap_at, plan.depth)
            for p in range(long, count, END_VECTORS * step):
                here = offset(sums, p)
                row_end_product(here, start[f], weights, offset(block, p), tap_at, plan.depth)
            for i in range(rows):
                place = n * plan.out_image_step + f * plan.out_channel_step
                place += (plan.row_first + (t + i) * plan.row_spacing) * plan.out_row_step
                line = offset(out, place + plan.column_first * plan.out_column_step)
                line_step = plan.column_spacing * plan.out_column_step
                if line_step == 1:
                    copy_row(line, offset(sums, i * pitch), 1, plan.columns)
                else:
                    for j in range(plan.columns):
                        line[j * line_step] = sums[i * pitch + j]
    keep_alive((block_memory, sums_memory))


@device_function
def _add_up(group, like, plan):
    """Add up the slices' and the lanes' sums of one group, in order, into the result."""
    sums, out = pointer_at(like, plan.start), pointer_at(like, plan.weights)
    step = lanes(sums)
    for f in range(group * plan.filters, (group + 1) * plan.filters):
        for k in range(plan.depth):
            total = sums[0] * 0
            for i in range(plan.slices):
                place = (i * plan.groups * plan.filters + f) * plan.padded_depth + k
                for lane in range(step):
                    total += sums[place * step + lane]
            out[f * plan.depth + k] = total


@task_kernel(PLAN)
def gradient_tasks(phase, task, none, plans):
    """One slice of the images for some groups; then all slices' sum.

    start[slice, f, c, r, s, lane] = sum over n, y, x of
        out[n, f, y, x] * source[n, c, y + r, x + s]
    """
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    if phase == 1:
        _add_up(task, like, plan)
        return
    piece, part = task // plan.shares, task % plan.shares * plan.share
    gradient, all_sums = pointer_at(like, plan.out), pointer_at(like, plan.start)
    tap_at = pointer_at(np.int64, plan.tap_at)
    pitch, step = plan.pitch, lanes(gradient)
    # Up to the last output of the last row: a tap's pixels past it would be beyond the copies.
    count = -(-((plan.high - 1) * pitch + plan.columns) // step)
    block_memory = np.zeros(block_size(plan) + step, like.dtype)
    flat_memory = np.zeros(count * step, like.dtype)  # zeros stay between the rows
    block, flat = pointer(block_memory), pointer(flat_memory)
    size = plan.padded_depth * step
    for group in range(part, min(part + plan.share, plan.groups)):
        place = (piece * plan.groups + group) * plan.filters * size
        for j in range(plan.filters * size):
            all_sums[place + j] = 0
        begin = plan.images * piece // plan.slices
        end = plan.images * (piece + 1) // plan.slices
        for band in range(begin * plan.bands, end * plan.bands):
            n, t = band // plan.bands, band % plan.bands * plan.high
            copy_planes(block, like, plan, n, group, t, 0)
            for f in range(plan.filters):
                place = n * plan.out_image_step + t * plan.out_row_step
                place += (group * plan.filters + f) * plan.out_channel_step
                for i in range(min(plan.high, plan.rows - t)):
                    line = offset(gradient, place + i * plan.out_row_step)
                    copy_row(offset(flat, i * pitch), line, plan.out_column_step, plan.columns)
                for i in range((plan.rows - t) * pitch, count * step):
                    flat[i] = 0
                sums = offset(all_sums, ((piece * plan.groups + group) * plan.filters + f) * size)
                for k in range(0, plan.padded_depth, DOTS):
                    dot_products(offset(sums, k * step), flat, block, offset(tap_at, k), count)
    keep_alive((block_memory, flat_memory))
