"""Correlation of image planes with few filters: vectors of pixels, a tap at a time.

Where a group has one filter (depthwise convolution) or a few (gradients of 1- or 3-channel images),
vectors of filters would be partly idle.  Here a vector holds neighbouring pixels, of copies that
`phase_planes` makes.

Taps are taken in the order (row, channel, column).  So those that read a pixel, and not only the
margin above or below the image, follow one another, and where it pays no others are multiplied.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.plan_record import Layout, constructor
from minigrad.kernels.compiler.pointers import offset, pointer_at, record_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, task_kernel
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.conv.axis import Axis, taps_that_read
from minigrad.kernels.conv.microkernels import (
    PLANE_ROWS,
    PLANE_VECTORS,
    TILED_FILTERS,
    tile_of_planes,
)
from minigrad.kernels.conv.phase_planes import (
    PhasePlanesPlan,
    copy_planes,
    cut_into_bands,
    fill,
    planes_size,
)
from minigrad.kernels.simd.microkernels import (
    DOTS,
    END_VECTORS,
    ROW_VECTORS,
    dot_products,
    row_end_product,
    row_product,
)
from minigrad.kernels.simd.move import copy_row, lanes

# Taps that read no pixel are skipped where a filter has so many and at most this share reads one.
SKIPPED_DEPTH, SKIPPED_SHARE = 32, 0.95


class CorrelationArrays(NamedTuple):
    """The arrays of a correlation."""

    source: np.ndarray  # (N, G * C, H, W)
    out: np.ndarray  # (N, G * F, H', W')
    weight: np.ndarray  # (G * F, K, C, L), contiguous; a tile reads PLANE_ROWS filters
    bias: np.ndarray  # (G * F,), and as many more
    tap_offsets: np.ndarray  # see `PhasePlanes`
    read_taps: np.ndarray  # (H', 2), int64: the first tap that reads a pixel, and the end


_correlation_arrays = constructor(CorrelationArrays)


class CorrelationPlan(NamedTuple):
    """The sizes of a correlation, and which taps are multiplied."""

    planes: PhasePlanesPlan
    skips_taps: bool  # those that read no pixel: see `read_taps`
    by_rows: bool  # each row of outputs by itself, so that it skips all that it can


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
    prepared = _prepare_correlation(
        out.dtype, (source.shape, source.strides), (out.shape, out.strides), filters.shape, axes
    )
    prepared.tasks.run(
        _correlation_arrays(
            source=source,
            out=out,
            weight=_by_rows(filters),
            bias=_bias_of(bias, out.shape[1], out.dtype),
            tap_offsets=prepared.tap_offsets,
            read_taps=prepared.read_taps,
        )
    )


def _by_rows(filters: np.ndarray) -> np.ndarray:
    """(G, F, C, K, L) -> (G * F, K, C, L), contiguous; zeros follow if a tile may read beyond."""
    swapped = filters.swapaxes(2, 3)
    if filters.shape[1] < TILED_FILTERS:
        return np.ascontiguousarray(swapped)
    count = math.prod(filters.shape[:2])
    out = np.empty((count + PLANE_ROWS, *swapped.shape[2:]), filters.dtype)
    out[:count].reshape(swapped.shape)[...] = swapped
    out[count:] = 0
    return out


def _bias_of(bias: np.ndarray | None, filters: int, dtype: np.dtype) -> np.ndarray:
    """The bias, or zeros; zeros follow for the filters that the last tile lacks."""
    out = np.zeros(filters + PLANE_ROWS, dtype)
    if bias is not None:
        out[:filters] = bias
    return out


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


class _Prepared(NamedTuple):
    """What correlations of equal sizes share."""

    tasks: PreparedTasks[CorrelationArrays]
    tap_offsets: np.ndarray
    read_taps: np.ndarray


@lru_cache(1024)
def _prepare_correlation(
    dtype: np.dtype, source: Layout, out: Layout, weight: tuple[int, ...], axes: tuple[Axis, Axis]
) -> _Prepared:
    planes, tap_offsets, work, slot_size = cut_into_bands(dtype, source, out, weight, axes)
    of_row = planes.depth // len(axes[0].taps)
    read_taps = of_row * taps_that_read(axes[0], source[0][2])
    share = np.diff(read_taps).sum() / (planes.depth * len(read_taps))
    skips = planes.depth >= SKIPPED_DEPTH and share < SKIPPED_SHARE
    width = PLANE_VECTORS * (VECTOR_BYTES // dtype.itemsize)
    in_rows = share * planes.rows.length * -(-planes.columns.length // width)
    at_once = -(-(planes.rows.length * planes.pitch) // width)
    by_rows = skips and planes.filters >= TILED_FILTERS and in_rows < at_once
    plan = CorrelationPlan(planes, skips, by_rows)
    in_order = tap_offsets[: planes.depth].reshape(weight[2:]).swapaxes(0, 1).reshape(-1)
    counts = (planes.images * planes.bands * planes.group_tasks,)
    return _Prepared(
        correlation_tasks.prepare(dtype, plan, counts, work, slot_size),
        np.concatenate([in_order, tap_offsets[planes.depth :]]),
        read_taps,
    )


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


@device_function
def _read_taps(read_taps, plan, first_row, begin, end):
    """The first tap that reads a pixel for some output from `begin` on, and the end of those."""
    if not plan.skips_taps:
        return 0, plan.planes.depth
    row, last = begin // plan.planes.pitch, (end - 1) // plan.planes.pitch
    first, after = plan.planes.depth, 0
    for y in range(first_row + row, min(first_row + last + 1, plan.planes.rows.length)):
        first, after = min(first, read_taps[2 * y]), max(after, read_taps[2 * y + 1])
    return first, max(first, after)


@device_function
def _correlate_tile(sums, arrays, plan, block, f, first_row, run):
    """The sums of PLANE_ROWS filters from `f` on, for a run (begin, end) of a band's outputs."""
    planes, (begin, end) = plan.planes, run
    weight = offset(pointer_at(sums, arrays.weight), f * planes.depth)
    bias = offset(pointer_at(sums, arrays.bias), f)
    tap_offsets = pointer_at(np.int64, arrays.tap_offsets)
    read_taps = pointer_at(np.int64, arrays.read_taps)
    width = PLANE_VECTORS * lanes(sums)
    for p in range(begin, end, width):
        k, after = _read_taps(read_taps, plan, first_row, p, min(p + width, end))
        tile_of_planes(
            (offset(sums, p), planes.band_size), bias, (offset(weight, k), planes.depth),
            offset(block, p), offset(tap_offsets, k), after - k,
        )  # fmt: skip


@device_function
def _correlate_plane(sums, arrays, plan, block, f, first_row, count):
    """The sums of filter `f` for a band's outputs."""
    planes, vector = plan.planes, lanes(sums)
    weight = offset(pointer_at(sums, arrays.weight), f * planes.depth)
    bias = pointer_at(sums, arrays.bias)[f]
    tap_offsets = pointer_at(np.int64, arrays.tap_offsets)
    read_taps = pointer_at(np.int64, arrays.read_taps)
    # A rest of more than half a long piece is one too: the memory has room for it.
    piece = ROW_VECTORS * vector
    long = (count + piece // 2 - 1) // piece * piece
    for p in range(0, long, piece):
        k, after = _read_taps(read_taps, plan, first_row, p, p + piece)
        taps, pixels = offset(tap_offsets, k), offset(block, p)
        row_product(offset(sums, p), bias, offset(weight, k), pixels, taps, after - k)
    piece = END_VECTORS * vector
    for p in range(long, count, piece):
        k, after = _read_taps(read_taps, plan, first_row, p, p + piece)
        taps, pixels = offset(tap_offsets, k), offset(block, p)
        row_end_product(offset(sums, p), bias, offset(weight, k), pixels, taps, after - k)


@task_kernel(CorrelationArrays, CorrelationPlan)
def correlation_tasks(phase, task, workspace, records):
    """One band of rows of one image for some groups.

    out[n, f, y, x] = bias[f] + sum over c, r, s of
        source[n, c, y + r, x + s] * weight[f, c, r, s]
    """
    record = record_at(records)
    arrays, plan, planes = record.arrays, record.plan, record.plan.planes
    first_group = task % planes.group_tasks * planes.task_groups
    first_row = task // planes.group_tasks % planes.bands * planes.band_rows
    n = task // (planes.group_tasks * planes.bands)
    rows = min(planes.band_rows, planes.rows.length - first_row)
    source, out = pointer_at(workspace, arrays.source), pointer_at(workspace, arrays.out)
    tap_offsets = pointer_at(np.int64, arrays.tap_offsets)
    count = (rows - 1) * planes.pitch + planes.columns.length
    block, sums = offset(workspace, planes.slot.planes), offset(workspace, planes.slot.band)
    fill(block, planes_size(planes) + ROW_VECTORS * lanes(out), 0)
    for group in range(first_group, min(first_group + planes.task_groups, planes.groups)):
        copy_planes(block, source, tap_offsets, planes, n, group, first_row, 0)
        f, end = group * planes.filters, (group + 1) * planes.filters
        while f < end:
            at_once = min(PLANE_ROWS, end - f)
            if plan.by_rows:
                for p in range(0, rows * planes.pitch, planes.pitch):
                    run = p, p + planes.columns.length
                    _correlate_tile(sums, arrays, plan, block, f, first_row, run)
            elif at_once >= TILED_FILTERS:
                _correlate_tile(sums, arrays, plan, block, f, first_row, (0, count))
            else:
                at_once = 1
                _correlate_plane(sums, arrays, plan, block, f, first_row, count)
            for i in range(at_once):
                plane = offset(sums, i * planes.band_size)
                _store(out, plane, planes, n, f + i, first_row, rows)
            f += at_once


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
