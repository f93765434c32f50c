"""Correlation of image planes with few filters: vectors of pixels, a tap at a time.

Where a group has one filter (depthwise convolution) or a few (gradients of 1- or 3-channel images),
vectors of filters would be mostly idle.  Here a vector holds neighbouring pixels.  Each task copies
planes with their margin of zeros, and where outputs are `step` pixels apart, pixels that lie so far
apart side by side: then output p under tap k reads the copy at `tap_at[k] + p` for all p of a
plane, and one long loop runs over its rows.  What it computes past the rows' ends is dropped.
Where the source is spread, the copy has the zeros between its pixels too.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.axis import Axis, parts
from minigrad.kernels.build import routine
from minigrad.kernels.emitter import VECTOR_BYTES
from minigrad.kernels.simd import (
    DOTS,
    END_VECTORS,
    ROW_VECTORS,
    ahead,
    copy_row,
    dot_products,
    keep_alive,
    lanes,
    pointer,
    pointer_at,
    row_end_product,
    row_product,
)
from minigrad.kernels.tasks import Prepared, array_at, tasks

# Elements of the planes that a task copies at a time, about, and the multiply-adds of a task.
BLOCK = 32_768
TASK_WORK = 131_072
# Tasks of a weight gradient, about.
TASKS = 16


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


_PLAN = np.dtype(
    [
        (name, np.int64)
        for name in (
            "source", "out", "weights", "start",  # addresses; of sums too, where there is no start
            "tap_at",
            "images", "groups", "filters", "channels",  # filters and channels of one group
            "image_step", "channel_step", "row_step", "column_step", "height", "source_width",
            "out_image_step", "out_channel_step", "out_row_step", "out_column_step",
            "depth", "padded_depth",
            "rows", "row_stride", "row_origin", "row_first", "row_spacing", "row_spread",
            "columns", "column_stride", "column_origin", "column_first", "column_spacing",
            "column_spread",
            "high", "bands", "pitch", "phase_rows",  # rows of a band; of a phase of its planes
            "share", "shares", "slices",  # groups of a task
        )
    ]
)  # fmt: skip


class _Layout(NamedTuple):
    """All that a kernel has to know but for addresses, and the sizes of what it needs."""

    correlation: Prepared
    gradient: Prepared
    tap_at: np.ndarray  # its address is in the plan
    sums: int


@lru_cache(1024)
def _layout(
    dtype: np.dtype,
    source_shape: tuple[int, ...],
    source_strides: tuple[int, ...],
    shown_shape: tuple[int, ...],
    shown_strides: tuple[int, ...],
    axes: tuple[Axis, Axis],
    weights_shape: tuple[int, ...],
) -> _Layout:
    """The cut into tasks, which follows from the sizes alone."""
    (rows, columns), itemsize = axes, dtype.itemsize
    images, (groups, filters, channels, *kernel) = source_shape[0], weights_shape
    depth = channels * math.prod(kernel)
    padded_depth = -(-depth // DOTS) * DOTS
    pitch = columns.length + (columns.reach - 1) // columns.step
    row_size = channels * rows.step * columns.step * pitch
    bands, high = parts(rows.length, max(1, BLOCK // row_size))
    phase_rows = high + (rows.reach - 1) // rows.step
    tap_at = np.resize(_tap_table(channels, phase_rows, pitch, axes), padded_depth)
    work = filters * depth * high * pitch
    shares, share = parts(groups, max(1, TASK_WORK // work))
    slices = min(images, -(-TASKS // shares))
    steps = (
        tuple(stride // itemsize for stride in strides)
        for strides in (source_strides, shown_strides)
    )
    source_steps, shown_steps = steps
    plan = (
        0, 0, 0, 0, tap_at.ctypes.data,
        images, groups, filters, channels, *source_steps, *source_shape[2:], *shown_steps,
        depth, padded_depth,
        rows.length, rows.step, rows.origin, rows.first, rows.spacing, rows.spread,
        columns.length, columns.step, columns.origin, columns.first, columns.spacing,
        columns.spread,
        high, bands, pitch, phase_rows, share, shares, slices,
    )  # fmt: skip
    work = work * images * bands * groups // 16
    return _Layout(
        correlation_tasks.prepare(dtype, plan, (images * bands * shares,), work),
        gradient_tasks.prepare(dtype, plan, (slices * shares, groups), work),
        tap_at,
        slices * groups * filters * padded_depth * (VECTOR_BYTES // itemsize),
    )


def _tap_table(channels: int, rows: int, columns: int, axes: tuple[Axis, Axis]) -> np.ndarray:
    """Where each tap's pixels begin in the copies, in the order of (C, K, L)."""
    (row_phase, row), (column_phase, column) = (
        np.divmod(np.array(axis.taps, np.int64), axis.step)[::-1] for axis in axes
    )
    row_steps, column_steps = (axis.step for axis in axes)
    plane = np.arange(channels)[:, None, None] * row_steps + row_phase[:, None]
    plane = plane * column_steps + column_phase
    table: np.ndarray = (plane * rows + row[:, None]) * columns + column
    return table.reshape(-1)


@routine
def _met(x, step, apart, width, pitch):  # type: ignore[no-untyped-def]
    """Of a row's pixels, which a copy from `x` on takes: the first, its place there, how many."""
    if apart > 1:
        first = max(0, -(-x // apart))
        return first, first * apart - x, max(0, min(width, -(-(pitch + x) // apart)) - first)
    low = min(pitch, max(0, -(x // step)))
    return x + low * step, low, max(0, min(pitch, -((x - width) // step)) - low)


@routine
def _copy_planes(block, like, plan, n, group, t):  # type: ignore[no-untyped-def]
    """Copy what a band of outputs from row `t` on reads of one group's planes, sorted by phase.

    Beside and between the image's pixels `block` holds zeros already, and keeps them.
    """
    pitch, step = plan.pitch, plan.column_stride
    apart, rows_apart = plan.column_spread, plan.row_spread
    y0 = plan.row_origin + t * plan.row_stride
    row = block
    for c in range(plan.channels):
        place = n * plan.image_step + (group * plan.channels + c) * plan.channel_step
        source = ahead(pointer_at(like, plan.source), place)
        for phase in range(plan.row_stride * step):
            x = plan.column_origin + phase % step
            first, low, count = _met(x, step, apart, plan.source_width, pitch)
            y = y0 + phase // step
            for _ in range(plan.phase_rows):
                here, at = ahead(row, low), y
                row = ahead(row, pitch)
                y += plan.row_stride
                if rows_apart > 1:
                    if at % rows_apart != 0:
                        continue
                    at //= rows_apart
                line = ahead(source, at * plan.row_step + first * plan.column_step)
                if not 0 <= at < plan.height:
                    for i in range(count):
                        here[i * apart] = 0
                elif apart == 1:
                    copy_row(here, line, step * plan.column_step, count)
                else:
                    for i in range(count):
                        here[i * apart] = line[i * plan.column_step]


@routine
def _block_size(plan):  # type: ignore[no-untyped-def]
    planes = plan.channels * plan.row_stride * plan.column_stride
    return planes * plan.phase_rows * plan.pitch


@tasks(_PLAN)
def correlation_tasks(phase, task, none, plans):  # type: ignore[no-untyped-def]
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
    block_memory = np.zeros(_block_size(plan) + ROW_VECTORS * step, like.dtype)
    sums_memory = np.empty(count + ROW_VECTORS * step, like.dtype)
    block, sums = pointer(block_memory), pointer(sums_memory)
    long = count // (ROW_VECTORS * step) * ROW_VECTORS * step
    for group in range(part, min(part + plan.share, plan.groups)):
        _copy_planes(block, like, plan, n, group, t)
        for f in range(group * plan.filters, (group + 1) * plan.filters):
            weights = ahead(pointer_at(like, plan.weights), f * plan.depth)
            for p in range(0, long, ROW_VECTORS * step):
                here = ahead(sums, p)
                row_product(here, start[f], weights, ahead(block, p), tap_at, plan.depth)
            for p in range(long, count, END_VECTORS * step):
                here = ahead(sums, p)
                row_end_product(here, start[f], weights, ahead(block, p), tap_at, plan.depth)
            for i in range(rows):
                place = n * plan.out_image_step + f * plan.out_channel_step
                place += (plan.row_first + (t + i) * plan.row_spacing) * plan.out_row_step
                line = ahead(out, place + plan.column_first * plan.out_column_step)
                line_step = plan.column_spacing * plan.out_column_step
                if line_step == 1:
                    copy_row(line, ahead(sums, i * pitch), 1, plan.columns)
                else:
                    for j in range(plan.columns):
                        line[j * line_step] = sums[i * pitch + j]
    keep_alive((block_memory, sums_memory))


@routine
def _add_up(group, like, plan):  # type: ignore[no-untyped-def]
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


@tasks(_PLAN)
def gradient_tasks(phase, task, none, plans):  # type: ignore[no-untyped-def]
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
    block_memory = np.zeros(_block_size(plan) + step, like.dtype)
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
            _copy_planes(block, like, plan, n, group, t)
            for f in range(plan.filters):
                place = n * plan.out_image_step + t * plan.out_row_step
                place += (group * plan.filters + f) * plan.out_channel_step
                for i in range(min(plan.high, plan.rows - t)):
                    line = ahead(gradient, place + i * plan.out_row_step)
                    copy_row(ahead(flat, i * pitch), line, plan.out_column_step, plan.columns)
                for i in range((plan.rows - t) * pitch, count * step):
                    flat[i] = 0
                sums = ahead(all_sums, ((piece * plan.groups + group) * plan.filters + f) * size)
                for k in range(0, plan.padded_depth, DOTS):
                    dot_products(ahead(sums, k * step), flat, block, ahead(tap_at, k), count)
    keep_alive((block_memory, flat_memory))
