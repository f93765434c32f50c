"""Copies of image planes in which the pixels that neighbouring outputs read are neighbours.

A task copies planes with their margin.  Where outputs are `stride` pixels apart, the copy is sorted
by phase: pixels that are so far apart follow one another.  Phases that no tap reads are left out,
and where taps are far apart, each has a copy of the pixels under it.  Then output p reads the copy
at `tap_offsets[k] + p` under tap k, for all p of a plane, and one long loop runs over its rows.
What it computes beyond the rows' ends is dropped.  Where the source is dilated, the copy has the
margin's value between its pixels too.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.plan_record import Layout
from minigrad.kernels.compiler.pointers import offset
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.compiler.workspace import place_regions
from minigrad.kernels.conv.axis import Axis, parts
from minigrad.kernels.conv.microkernels import PLANE_ROWS, TILED_FILTERS
from minigrad.kernels.conv.records import (
    AxisFields,
    ImageFields,
    axis_fields,
    image_fields,
)
from minigrad.kernels.simd.microkernels import DOTS, ROW_VECTORS
from minigrad.kernels.simd.move import copy_row

# Elements of the planes that a task copies at a time, about, and the multiply-adds of a task.
BLOCK = 32_768
TASK_WORK = 131_072
# Tasks of a weight gradient, about.
TASKS = 16


class SlotFields(NamedTuple):
    """A task's workspace."""

    planes: int  # the copies
    band: int  # a band of planes, with rows `pitch` apart: of results, or of the gradient
    which: int  # as `band`, of maxima's taps


class PhasePlanesPlan(NamedTuple):
    """The sizes of a correlation, and its cut into tasks."""

    images: int
    groups: int
    channels: int  # of one group
    filters: int  # of one group
    source: ImageFields
    out: ImageFields  # of the output, or of its gradient
    depth: int  # elements of a filter
    padded_depth: int  # a multiple of DOTS
    rows: AxisFields
    columns: AxisFields
    bands: int  # parts of an image's rows of outputs
    band_rows: int  # outputs of a band
    pitch: int  # the length of a row of the copy
    band_size: int  # elements from one plane of the slot's band to the next
    row_phases: int  # where they begin stands behind the taps' offsets; then those of columns
    column_phases: int
    phase_rows: int  # rows of the copy for each phase
    task_groups: int
    group_tasks: int  # tasks that share out the groups
    slices: int  # of the images: each has partial sums of its own of the weight's gradient
    slot: SlotFields


class PhasePlanes(NamedTuple):
    """A plan, and what the kernels that follow it need beside it."""

    plan: PhasePlanesPlan
    tap_offsets: np.ndarray  # int64: elements of the copy before each tap; where phases begin
    work: int
    slot_size: int


@lru_cache(1024)
def cut_into_bands(
    dtype: np.dtype,
    source: Layout,
    out: Layout,
    weight_shape: tuple[int, ...],
    axes: tuple[Axis, Axis],
) -> PhasePlanes:
    """The cut into tasks, which follows from the sizes alone.

    (N, G * C, H, W), (N, G * F, H', W'), (G, F, C, taps of axes[0], taps of axes[1]).
    """
    (rows, columns), itemsize = axes, dtype.itemsize
    images, (groups, filters, channels, *kernel) = source[0][0], weight_shape
    depth = channels * math.prod(kernel)
    padded_depth = -(-depth // DOTS) * DOTS
    row_copies, column_copies = _copies(rows), _copies(columns)
    pitch = columns.length + max(column_copies.shifts)
    row_size = channels * len(row_copies.begins) * len(column_copies.begins) * pitch
    at_once = PLANE_ROWS if filters >= TILED_FILTERS else 1
    bands, band_rows = parts(rows.length, max(1, BLOCK // max(row_size, at_once * pitch)))
    phase_rows = band_rows + max(row_copies.shifts)
    band_work = filters * depth * band_rows * pitch
    group_tasks, task_groups = parts(groups, max(1, TASK_WORK // band_work))
    vector = VECTOR_BYTES // itemsize
    band = (band_rows - 1) * pitch + columns.length
    # Loops read and write whole vectors, `ROW_VECTORS` at a time.
    band_size = band + ROW_VECTORS * vector
    slot, slot_size = place_regions(
        SlotFields,
        itemsize,
        planes=row_size * phase_rows + ROW_VECTORS * vector,
        band=at_once * band_size,
        which=band + vector,
    )
    plan = PhasePlanesPlan(
        images=images,
        groups=groups,
        channels=channels,
        filters=filters,
        source=image_fields(*source, itemsize),
        out=image_fields(*out, itemsize),
        depth=depth,
        padded_depth=padded_depth,
        rows=axis_fields(rows),
        columns=axis_fields(columns),
        bands=bands,
        band_rows=band_rows,
        pitch=pitch,
        band_size=band_size,
        row_phases=len(row_copies.begins),
        column_phases=len(column_copies.begins),
        phase_rows=phase_rows,
        task_groups=task_groups,
        group_tasks=group_tasks,
        slices=min(images, -(-TASKS // group_tasks)),
        slot=slot,
    )
    tap_offsets = _tap_offsets(plan, row_copies, column_copies)
    work = band_work * images * bands * groups // 16
    return PhasePlanes(plan, tap_offsets, work, slot_size)


class _Copies(NamedTuple):
    """The phases along an axis, and for each tap its phase, and its pixel there for output 0."""

    begins: tuple[int, ...]
    phases: tuple[int, ...]
    shifts: tuple[int, ...]


def _copies(axis: Axis) -> _Copies:
    """The phases that taps read, or one for each tap if that takes fewer pixels."""
    begins = tuple(sorted({tap % axis.stride for tap in axis.taps}))
    shifts = tuple(tap // axis.stride for tap in axis.taps)
    is_sparse = len(begins) * (axis.length + max(shifts)) > len(axis.taps) * axis.length
    if is_sparse and axis.source_dilation == 1:
        count = len(axis.taps)
        return _Copies(axis.taps, tuple(range(count)), (0,) * count)
    return _Copies(begins, tuple(begins.index(tap % axis.stride) for tap in axis.taps), shifts)


def _tap_offsets(plan: PhasePlanesPlan, rows: _Copies, columns: _Copies) -> np.ndarray:
    """Elements of the copy before each tap's pixels, as (C, K, L); then where phases begin."""
    (row_phase, row), (column_phase, column) = (
        np.array([copies.phases, copies.shifts], np.int64) for copies in (rows, columns)
    )
    plane = np.arange(plan.channels)[:, None, None] * plan.row_phases + row_phase[:, None]
    plane = plane * plan.column_phases + column_phase
    begins = [*rows.begins, *columns.begins]
    offsets = np.empty(plan.padded_depth + len(begins), np.int64)
    elements = (plane * plan.phase_rows + row[:, None]) * plan.pitch + column
    offsets[: plan.depth] = elements.reshape(-1)
    offsets[plan.depth : plan.padded_depth] = offsets[plan.depth - 1]
    offsets[plan.padded_depth :] = begins
    return offsets


@device_function
def _row_of_phase(x, stride, dilation, width, pitch):
    """The pixels of a row of `width` that a copy from `x` on takes.

    Returns the first of them, its index in the copy, and their number.
    """
    if dilation > 1:
        first = max(0, -(-x // dilation))
        count = max(0, min(width, -(-(pitch + x) // dilation)) - first)
        return first, first * dilation - x, count
    low = min(pitch, max(0, -(x // stride)))
    return x + low * stride, low, max(0, min(pitch, -((x - width) // stride)) - low)


@device_function
def copy_planes(block, source, tap_offsets, plan, n, group, first_row, margin):
    """Copy what a band of outputs from `first_row` on reads of one group's planes, by phase.

    `tap_offsets` is followed by the phases' beginnings.  Beside and between the image's pixels
    `block` holds `margin` already, and keeps it.
    """
    pitch, stride = plan.pitch, plan.columns.stride
    dilation, row_dilation = plan.columns.source_dilation, plan.rows.source_dilation
    y0 = plan.rows.origin + first_row * plan.rows.stride
    row, begins = block, offset(tap_offsets, plan.padded_depth)
    for c in range(plan.channels):
        element = n * plan.source.image_stride
        element += (group * plan.channels + c) * plan.source.channel_stride
        plane = offset(source, element)
        for phase in range(plan.row_phases * plan.column_phases):
            column_begin = begins[plan.row_phases + phase % plan.column_phases]
            x = plan.columns.origin + column_begin
            first, low, count = _row_of_phase(x, stride, dilation, plan.source.width, pitch)
            next_y = y0 + begins[phase // plan.column_phases]
            for _ in range(plan.phase_rows):
                out, y = offset(row, low), next_y
                row = offset(row, pitch)
                next_y += plan.rows.stride
                if row_dilation > 1:
                    if y % row_dilation != 0:
                        continue
                    y //= row_dilation
                element = y * plan.source.row_stride + first * plan.source.column_stride
                pixels = offset(plane, element)
                if not 0 <= y < plan.source.height:
                    for i in range(count):
                        out[i * dilation] = margin
                elif dilation == 1:
                    copy_row(out, pixels, stride * plan.source.column_stride, count)
                else:
                    for i in range(count):
                        out[i * dilation] = pixels[i * plan.source.column_stride]


@device_function
def fill(out, count, value):
    """Set the first elements."""
    for i in range(count):
        out[i] = value


@device_function
def planes_size(plan):
    """Elements of a task's copies."""
    planes = plan.channels * plan.row_phases * plan.column_phases
    return planes * plan.phase_rows * plan.pitch
