"""Correlation of image planes with few filters: vectors of pixels, a tap at a time.

Where a group has one filter (depthwise convolution) or a few (gradients of 1- or 3-channel images),
vectors of filters would be mostly idle.  Here a vector holds neighbouring pixels, of copies that
`phase_planes` makes.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.plan_record import Layout, constructor
from minigrad.kernels.compiler.pointers import offset, pointer_at, record_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, task_kernel
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.conv.phase_planes import (
    PhasePlanesPlan,
    copy_planes,
    cut_into_bands,
    fill,
    planes_size,
)
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


class CorrelationArrays(NamedTuple):
    """The arrays of a correlation."""

    source: np.ndarray  # (N, G * C, H, W)
    out: np.ndarray  # (N, G * F, H', W')
    weight: np.ndarray  # (G, F, C, K, L), contiguous
    bias: np.ndarray  # (G * F,)
    tap_offsets: np.ndarray  # see `PhasePlanes`


_correlation_arrays = constructor(CorrelationArrays)


class WeightGradArrays(NamedTuple):
    """The arrays of a gradient with respect to filters."""

    source: np.ndarray  # (N, G * C, H, W)
    gradient: np.ndarray  # of the output, (N, G * F, H', W')
    out: np.ndarray  # (G, F, C, K, L), contiguous
    sums: np.ndarray  # workspace: (slices, G, F, padded C * K * L, lanes)
    tap_offsets: np.ndarray  # see `PhasePlanes`


_weight_grad_arrays = constructor(WeightGradArrays)


def correlate_direct(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    axes: tuple[Axis, Axis],
) -> None:
    """Fill the elements of `out` that the axes describe with source * filters + bias.

    (N, G * F, H', W'), (N, G * C, H, W), (G, F, C, taps of axes[0], taps of axes[1]), (G * F,).
    """
    bias = np.zeros(out.shape[1], out.dtype) if bias is None else np.ascontiguousarray(bias)
    tasks, tap_offsets = _prepare_correlation(
        out.dtype, (source.shape, source.strides), (out.shape, out.strides), filters.shape, axes
    )
    tasks.run(
        _correlation_arrays(
            source=source,
            out=out,
            weight=np.ascontiguousarray(filters),
            bias=bias,
            tap_offsets=tap_offsets,
        )
    )


def weight_grad_direct(
    out: np.ndarray, gradient: np.ndarray, source: np.ndarray, axes: tuple[Axis, Axis]
) -> None:
    """Fill `out`, (G, F, C, taps of axes[0], taps of axes[1]), with gradient * source.

    (N, G * F, H', W'), (N, G * C, H, W); `out` is contiguous.
    """
    tasks, tap_offsets, sums_size = _prepare_weight_grad(
        out.dtype,
        (source.shape, source.strides),
        (gradient.shape, gradient.strides),
        out.shape,
        axes,
    )
    tasks.run(
        _weight_grad_arrays(
            source=source,
            gradient=gradient,
            out=out,
            sums=np.empty(sums_size, out.dtype),
            tap_offsets=tap_offsets,
        )
    )


@lru_cache(1024)
def _prepare_correlation(
    dtype: np.dtype, source: Layout, out: Layout, weight: tuple[int, ...], axes: tuple[Axis, Axis]
) -> tuple[PreparedTasks[CorrelationArrays], np.ndarray]:
    """The tasks, and the offsets of the taps."""
    plan, tap_offsets, work, slot_size = cut_into_bands(dtype, source, out, weight, axes)
    count = plan.images * plan.bands * plan.group_tasks
    return correlation_tasks.prepare(dtype, plan, (count,), work, slot_size), tap_offsets


@lru_cache(1024)
def _prepare_weight_grad(
    dtype: np.dtype,
    source: Layout,
    gradient: Layout,
    weight: tuple[int, ...],
    axes: tuple[Axis, Axis],
) -> tuple[PreparedTasks[WeightGradArrays], np.ndarray, int]:
    """The tasks, the offsets of the taps, and the elements of all slices' sums."""
    plan, tap_offsets, work, slot_size = cut_into_bands(dtype, source, gradient, weight, axes)
    counts = plan.slices * plan.group_tasks, plan.groups
    tasks = weight_grad_tasks.prepare(dtype, plan, counts, work, slot_size)
    sums = plan.slices * plan.groups * plan.filters * plan.padded_depth
    return tasks, tap_offsets, sums * (VECTOR_BYTES // dtype.itemsize)


@device_function
def _store(out, sums, plan, n, f, first_row, rows):
    """Store one filter's sums of a band of outputs, whose rows are `pitch` long."""
    stride = plan.columns.out_stride * plan.out.column_stride
    for i in range(rows):
        y = plan.rows.out_offset + (first_row + i) * plan.rows.out_stride
        element = n * plan.out.image_stride + f * plan.out.channel_stride
        element += y * plan.out.row_stride + plan.columns.out_offset * plan.out.column_stride
        row = offset(out, element)
        if stride == 1:
            copy_row(row, offset(sums, i * plan.pitch), 1, plan.columns.length)
        else:
            for j in range(plan.columns.length):
                row[j * stride] = sums[i * plan.pitch + j]


@task_kernel(CorrelationArrays, PhasePlanesPlan)
def correlation_tasks(phase, task, workspace, records):
    """One band of rows of one image for some groups.

    out[n, f, y, x] = bias[f] + sum over c, r, s of
        source[n, c, y + r, x + s] * weight[f, c, r, s]
    """
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    first_group = task % plan.group_tasks * plan.task_groups
    first_row = task // plan.group_tasks % plan.bands * plan.band_rows
    n = task // (plan.group_tasks * plan.bands)
    rows = min(plan.band_rows, plan.rows.length - first_row)
    source, out = pointer_at(workspace, arrays.source), pointer_at(workspace, arrays.out)
    bias, tap_offsets = pointer_at(workspace, arrays.bias), pointer_at(np.int64, arrays.tap_offsets)
    vector = lanes(out)
    count = (rows - 1) * plan.pitch + plan.columns.length
    block, sums = offset(workspace, plan.slot.planes), offset(workspace, plan.slot.band)
    fill(block, planes_size(plan) + ROW_VECTORS * vector, 0)
    # A rest of more than half a long piece is one too: the memory has room for it.
    piece = ROW_VECTORS * vector
    long = (count + piece // 2 - 1) // piece * piece
    for group in range(first_group, min(first_group + plan.task_groups, plan.groups)):
        copy_planes(block, source, tap_offsets, plan, n, group, first_row, 0)
        for f in range(group * plan.filters, (group + 1) * plan.filters):
            weight = offset(pointer_at(workspace, arrays.weight), f * plan.depth)
            for p in range(0, long, piece):
                pixels = offset(block, p)
                row_product(offset(sums, p), bias[f], weight, pixels, tap_offsets, plan.depth)
            for p in range(long, count, END_VECTORS * vector):
                pixels = offset(block, p)
                row_end_product(offset(sums, p), bias[f], weight, pixels, tap_offsets, plan.depth)
            _store(out, sums, plan, n, f, first_row, rows)


@device_function
def _add_slices(group, like, arrays, plan):
    """Add up the slices' and the lanes' sums of one group, in order, into the result."""
    sums, out = pointer_at(like, arrays.sums), pointer_at(like, arrays.out)
    vector = lanes(sums)
    for f in range(group * plan.filters, (group + 1) * plan.filters):
        for k in range(plan.depth):
            total = sums[0] * 0
            for i in range(plan.slices):
                first = (i * plan.groups * plan.filters + f) * plan.padded_depth + k
                for lane in range(vector):
                    total += sums[first * vector + lane]
            out[f * plan.depth + k] = total


@device_function
def _copy_gradient(flat, gradient, plan, n, f, first_row, size):
    """Copy a band of one plane of the gradient to rows that are `pitch` long, zeros below it."""
    element = n * plan.out.image_stride + f * plan.out.channel_stride
    plane = offset(gradient, element + first_row * plan.out.row_stride)
    for i in range(min(plan.band_rows, plan.rows.length - first_row)):
        row = offset(plane, i * plan.out.row_stride)
        copy_row(offset(flat, i * plan.pitch), row, plan.out.column_stride, plan.columns.length)
    for i in range((plan.rows.length - first_row) * plan.pitch, size):
        flat[i] = 0


@task_kernel(WeightGradArrays, PhasePlanesPlan)
def weight_grad_tasks(phase, task, workspace, records):
    """One slice of the images for some groups; then all slices' sum.

    sums[slice, f, c, r, s, lane] = sum over n, y, x of
        gradient[n, f, y, x] * source[n, c, y + r, x + s]
    """
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    if phase == 1:
        _add_slices(task, workspace, arrays, plan)
        return
    slice_, first_group = task // plan.group_tasks, task % plan.group_tasks * plan.task_groups
    source, gradient = pointer_at(workspace, arrays.source), pointer_at(workspace, arrays.gradient)
    tap_offsets = pointer_at(np.int64, arrays.tap_offsets)
    vector = lanes(gradient)
    # Up to the last output of the last row: a tap's pixels past it would be beyond the copies.
    count = -(-((plan.band_rows - 1) * plan.pitch + plan.columns.length) // vector)
    block, flat = offset(workspace, plan.slot.planes), offset(workspace, plan.slot.band)
    fill(block, planes_size(plan) + vector, 0)
    fill(flat, count * vector, 0)  # between the rows it stays zero
    size = plan.padded_depth * vector
    slice_sums = offset(
        pointer_at(workspace, arrays.sums), slice_ * plan.groups * plan.filters * size
    )
    end_group = min(first_group + plan.task_groups, plan.groups)
    for j in range(first_group * plan.filters * size, end_group * plan.filters * size):
        slice_sums[j] = 0
    first_image = plan.images * slice_ // plan.slices
    end_image = plan.images * (slice_ + 1) // plan.slices
    # An image's planes lie one after the other, and small ones of other images on other pages.
    for band in range(first_image * plan.bands, end_image * plan.bands):
        n, first_row = band // plan.bands, band % plan.bands * plan.band_rows
        for group in range(first_group, end_group):
            group_sums = offset(slice_sums, group * plan.filters * size)
            copy_planes(block, source, tap_offsets, plan, n, group, first_row, 0)
            for f in range(plan.filters):
                plane = group * plan.filters + f
                _copy_gradient(flat, gradient, plan, n, plane, first_row, count * vector)
                filter_sums = offset(group_sums, f * size)
                for k in range(0, plan.padded_depth, DOTS):
                    tile = offset(filter_sums, k * vector)
                    dot_products(tile, flat, block, offset(tap_offsets, k), count)
