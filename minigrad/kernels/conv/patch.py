"""The patch of an image that a block of outputs reads, copied with a margin of zeros or in place.

Where outputs, or their taps, are far apart, only the pixels under taps are copied: the size follows
from the number of outputs and taps, not from strides and dilations.
"""

from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import offset
from minigrad.kernels.conv.axis import Axis
from minigrad.kernels.conv.records import ImageFields
from minigrad.kernels.simd.microkernels import MR
from minigrad.kernels.simd.move import clear_vector, copy_row, copy_vector, lanes

# A patch has at most so many pixels along an axis for each that a tap reads.
SPARSE = 4


class BlockFields(NamedTuple):
    """Blocks of outputs, one to a task."""

    images: int  # of a block, at most
    rows: int
    columns: int
    along_rows: int  # blocks
    along_columns: int
    total: int


class PatchSteps(NamedTuple):
    """The pixels of a patch along an axis: windows of pixels that are `step` apart in the source.

    A patch is one window, or where outputs read pixels far apart has a window for each output.
    """

    window: int  # pixels of a window
    step: int
    first: int  # pixels from where an output's pixels begin to the first of its window
    skip: int  # from a window's last pixel to the next window's first one
    advance: int  # pixels of the patch from one output to the next


class PatchFields(NamedTuple):
    """The pixels that a block reads, and their strides: of the copy, or of the source itself."""

    is_copied: bool
    rows: int
    columns: int
    image_stride: int
    channel_stride: int
    row_stride: int
    column_stride: int
    row_steps: PatchSteps
    column_steps: PatchSteps


def patch_fields(
    block: BlockFields, channels: int, source: ImageFields, axes: tuple[Axis, Axis]
) -> PatchFields:
    row_steps, column_steps = (_whole(axis, _patch_length(axis, axis.length)) for axis in axes)
    if _stays_inside(axes[0], source.height) and _stays_inside(axes[1], source.width):
        return PatchFields(
            is_copied=False,
            rows=row_steps.window,
            columns=column_steps.window,
            image_stride=source.image_stride,
            channel_stride=source.channel_stride,
            row_stride=source.row_stride,
            column_stride=source.column_stride,
            row_steps=row_steps,
            column_steps=column_steps,
        )
    rows, row_steps, _ = patch_along(axes[0], block.rows)
    columns, column_steps, _ = patch_along(axes[1], block.columns)
    return PatchFields(
        is_copied=True,
        rows=rows,
        columns=columns,
        image_stride=channels * rows * columns,
        channel_stride=rows * columns,
        row_stride=columns,
        column_stride=1,
        row_steps=row_steps,
        column_steps=column_steps,
    )


class _Along(NamedTuple):
    """A patch along one axis: its length, its steps, and where the taps lie in a window."""

    length: int
    steps: PatchSteps
    taps: tuple[int, ...]


def patch_along(axis: Axis, outputs: int) -> _Along:
    """The patch that so many neighbouring outputs read: whole, or the pixels under their taps."""
    length, taps = _patch_length(axis, outputs), len(axis.taps)
    if length <= SPARSE * outputs * taps:
        return _Along(length, _whole(axis, length), axis.taps)
    step = axis.taps[1] - axis.taps[0] if taps > 1 else 1
    skip = axis.stride - (taps - 1) * step
    steps = PatchSteps(window=taps, step=step, first=axis.taps[0], skip=skip, advance=taps)
    return _Along(outputs * taps, steps, tuple(range(taps)))


def _whole(axis: Axis, length: int) -> PatchSteps:
    return PatchSteps(window=length, step=1, first=0, skip=0, advance=axis.stride)


def _patch_length(axis: Axis, outputs: int) -> int:
    """Pixels that so many neighbouring outputs read, from the first to the last."""
    return (outputs - 1) * axis.stride + axis.extent


def _stays_inside(axis: Axis, size: int) -> bool:
    """Whether every tap reads a pixel, so that the image can be read without a copy."""
    return axis.origin >= 0 and axis.origin + _patch_length(axis, axis.length) <= size


def patch_tap_offsets(
    channels: int, patch: PatchFields, block: BlockFields, axes: tuple[Axis, Axis]
) -> np.ndarray:
    """Elements of the patch before each tap, in the order of (C, K, L)."""
    taps = [axis.taps for axis in axes]
    if patch.is_copied:
        taps = [patch_along(axes[0], block.rows).taps, patch_along(axes[1], block.columns).taps]
    row_taps, column_taps = (np.array(each, np.int64) for each in taps)
    channel = np.arange(channels)[:, None, None] * patch.channel_stride
    offsets: np.ndarray = (
        channel + row_taps[:, None] * patch.row_stride + column_taps * patch.column_stride
    )
    return offsets.reshape(-1)


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
def _copy_windows(out, pixels, x0, plan):
    """Copy the pixels that taps read of a row whose pixel `x0` is pixels[0]; outside are zeros."""
    steps = plan.patch.column_steps
    x, window = steps.first, steps.window
    for i in range(plan.patch.columns):
        is_inside = 0 <= x0 + x < plan.source.width
        out[i] = pixels[x * plan.source.column_stride] if is_inside else 0
        window -= 1
        x += steps.step if window > 0 else steps.skip
        if window == 0:
            window = steps.window


@device_function
def _copy_patch(patch, source, plan, group, first, images):
    """Copy a patch of some images from pixel `first` on, zeros where it leaves them.

    Vectors may run beyond the end of a row; the row after it overwrites what they write there.
    """
    n0, y0, x0 = first
    columns, vector = plan.patch.columns, lanes(patch)
    low = min(max(0, -x0), columns)
    top = max(min(columns, plan.source.width - x0), low)
    row, row_steps = patch, plan.patch.row_steps
    is_whole = plan.patch.column_steps.window == columns
    for i in range(images * plan.channels):
        n, c = n0 + i // plan.channels, group * plan.channels + i % plan.channels
        plane = n * plan.source.image_stride + c * plan.source.channel_stride
        plane += x0 * plan.source.column_stride
        next_y, window = y0 + row_steps.first, row_steps.window
        for _ in range(plan.patch.rows):
            y, inside = next_y, 0 <= next_y < plan.source.height
            window -= 1
            next_y += row_steps.step if window > 0 else row_steps.skip
            if window == 0:
                window = row_steps.window
            if inside and not is_whole:
                pixels = offset(source, plane + y * plan.source.row_stride)
                _copy_windows(row, pixels, x0, plan)
                row = offset(row, columns)
                continue
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
    """Elements of the patch before each output's first tap; the last fills up the last tile."""
    row_stride = plan.patch.row_steps.advance * plan.patch.row_stride
    column_stride = plan.patch.column_steps.advance * plan.patch.column_stride
    p = 0
    for i in range(images):
        for y in range(rows):
            row = i * plan.patch.image_stride + y * row_stride
            for x in range(columns):
                table[p] = row + x * column_stride
                p += 1
    last = table[p - 1]
    for rest in range(p, -(-p // MR) * MR):
        table[rest] = last
