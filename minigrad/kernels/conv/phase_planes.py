"""Copies of image planes in which what neighbouring outputs meet lies side by side.

A task copies planes with their margin, and where outputs are `step` pixels apart, pixels that lie
so far apart next to each other: then output p under tap k reads the copy at `tap_at[k] + p` for all
p of a plane, and one long loop runs over its rows.  What it computes past the rows' ends is
dropped.  Where the source is spread, the copy has the margin's value between its pixels too.
"""

import math
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import offset, pointer_at
from minigrad.kernels.conv.plan import Axis, parts
from minigrad.kernels.simd.ir_builder import VECTOR_BYTES
from minigrad.kernels.simd.microkernels import DOTS
from minigrad.kernels.simd.move import copy_row

# Elements of the planes that a task copies at a time, about, and the multiply-adds of a task.
BLOCK = 32_768
TASK_WORK = 131_072
# Tasks of a weight gradient, about.
TASKS = 16

PLAN = np.dtype(
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


class Cut(NamedTuple):
    """A plan, but for the addresses of arrays, and the tasks that it is cut into."""

    plan: tuple[int, ...]
    tap_at: np.ndarray  # its address is in the plan
    groups: int
    shares: int  # parts of the groups
    slices: int  # parts of the images
    tasks: int  # a band of rows of an image for a share of the groups
    sums: int  # elements of all slices' sums
    work: int


def cut(
    dtype: np.dtype,
    source_shape: tuple[int, ...],
    source_strides: tuple[int, ...],
    shown_shape: tuple[int, ...],
    shown_strides: tuple[int, ...],
    axes: tuple[Axis, Axis],
    weights_shape: tuple[int, ...],
) -> Cut:
    """The cut into tasks, which follows from the sizes alone.

    (N, G * C, H, W), (N, G * F, H', W'), (G, F, C, taps of axes[0], taps of axes[1]).
    """
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
    source_steps, shown_steps = (
        tuple(stride // itemsize for stride in strides)
        for strides in (source_strides, shown_strides)
    )
    plan = (
        0, 0, 0, 0, tap_at.ctypes.data,
        images, groups, filters, channels, *source_steps, *source_shape[2:], *shown_steps,
        depth, padded_depth,
        rows.length, rows.step, rows.origin, rows.first, rows.spacing, rows.spread,
        columns.length, columns.step, columns.origin, columns.first, columns.spacing,
        columns.spread,
        high, bands, pitch, phase_rows, share, shares, slices,
    )  # fmt: skip
    sums = slices * groups * filters * padded_depth * (VECTOR_BYTES // itemsize)
    work = work * images * bands * groups // 16
    return Cut(plan, tap_at, groups, shares, slices, images * bands * shares, sums, work)


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


@device_function
def _met(x, step, apart, width, pitch):
    """Of a row's pixels, which a copy from `x` on takes: the first, its place there, how many."""
    if apart > 1:
        first = max(0, -(-x // apart))
        return first, first * apart - x, max(0, min(width, -(-(pitch + x) // apart)) - first)
    low = min(pitch, max(0, -(x // step)))
    return x + low * step, low, max(0, min(pitch, -((x - width) // step)) - low)


@device_function
def copy_planes(block, like, plan, n, group, t, margin):
    """Copy what a band of outputs from row `t` on reads of one group's planes, sorted by phase.

    Beside and between the image's pixels `block` holds `margin` already, and keeps it.
    """
    pitch, step = plan.pitch, plan.column_stride
    apart, rows_apart = plan.column_spread, plan.row_spread
    y0 = plan.row_origin + t * plan.row_stride
    row = block
    for c in range(plan.channels):
        place = n * plan.image_step + (group * plan.channels + c) * plan.channel_step
        source = offset(pointer_at(like, plan.source), place)
        for phase in range(plan.row_stride * step):
            x = plan.column_origin + phase % step
            first, low, count = _met(x, step, apart, plan.source_width, pitch)
            y = y0 + phase // step
            for _ in range(plan.phase_rows):
                here, at = offset(row, low), y
                row = offset(row, pitch)
                y += plan.row_stride
                if rows_apart > 1:
                    if at % rows_apart != 0:
                        continue
                    at //= rows_apart
                line = offset(source, at * plan.row_step + first * plan.column_step)
                if not 0 <= at < plan.height:
                    for i in range(count):
                        here[i * apart] = margin
                elif apart == 1:
                    copy_row(here, line, step * plan.column_step, count)
                else:
                    for i in range(count):
                        here[i * apart] = line[i * plan.column_step]


@device_function
def block_size(plan):
    """Elements of a task's copies."""
    planes = plan.channels * plan.row_stride * plan.column_stride
    return planes * plan.phase_rows * plan.pitch
