"""Max pooling over windows of images, with the flat index of each maximum, as in torch.

A vector holds neighbouring windows, of copies that `phase_planes` makes with a margin of -inf, and
loops over the taps of a window without a branch.  Windows of 2x2 that do not overlap have a loop of
their own.
"""

import math
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.compiler.plan_record import Layout, constructor
from minigrad.kernels.compiler.pointers import offset, pointer_at, record_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, task_kernel
from minigrad.kernels.conv.axis import Axis
from minigrad.kernels.conv.phase_planes import (
    PhasePlanesPlan,
    copy_planes,
    cut_into_bands,
    fill,
    planes_size,
)
from minigrad.kernels.pooling.avg_pool import Array, Pair, planes_of, pooled_size
from minigrad.kernels.simd.microkernels import (
    GREATEST_VECTORS,
    greatest_of_taps,
    greatest_of_taps_end,
)
from minigrad.kernels.simd.move import lanes


def _require_pixels(size: int, stride: int, padding: int, dilation: int) -> None:
    """Raise ValueError if a window that begins in the padding has no pixel under its taps."""
    if dilation <= size:
        return
    for start in range(-padding, 0, stride):
        if start % dilation >= size:
            raise ValueError(
                f"max_pool2d expects a pixel in every window, but with padding {padding} and "
                f"dilation {dilation} one lies wholly outside the {size} pixels of its axis"
            )


def max_pool2d(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> tuple[Array, Array]:
    """Each window's maximum (N, C, OH, OW) and its flat index in H * W, int64.

    The first of equals counts; NaN counts as the greatest.  Raises ValueError if a dilated window
    steps over the whole image; PyTorch differs: its backward then writes outside the array.
    """
    axes, are_halves = _windows(x.shape[-2:], kernel_size, stride, padding, dilation, ceil_mode)
    shape = (*x.shape[:-2], axes[0].length, axes[1].length)
    planes = planes_of(x)
    found, at = np.empty(shape, x.dtype), np.empty(shape, np.int64)
    out, indices = (a.reshape(planes.shape[0], *shape[-2:]) for a in (found, at))
    if not (are_halves and _pool_2x2(out, indices, planes)):
        _max_of_windows(out, indices, planes, axes)
    return found, at


@lru_cache(1024)
def _windows(
    image: Pair, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> tuple[tuple[Axis, Axis], bool]:
    """Both axes, and whether windows of 2x2 side by side cover the image."""
    for axis in (0, 1):
        _require_pixels(image[axis], stride[axis], padding[axis], dilation[axis])
    size = tuple(
        pooled_size(image[i], kernel_size[i], stride[i], padding[i], dilation[i], ceil_mode)
        for i in (0, 1)
    )
    rows, columns = map(_axis, image, size, kernel_size, stride, padding, dilation)
    side_by_side = kernel_size == stride == (2, 2) and padding == (0, 0) and dilation == (1, 1)
    return (rows, columns), side_by_side and image == (2 * size[0], 2 * size[1])


def _axis(
    pixels: int, count: int, kernel_size: int, stride: int, padding: int, dilation: int
) -> Axis:
    """An axis without the taps that read a pixel of no window."""
    first = max(0, -(-(padding - (count - 1) * stride) // dilation))
    end = max(first + 1, min(kernel_size, -(-(pixels + padding) // dilation)))
    taps = tuple(range(0, (end - first) * dilation, dilation))
    # A single window has no stride, and its pixels need not be sorted by phase.
    return Axis(count, stride if count > 1 else 1, first * dilation - padding, taps)


def _pool_2x2(out: Array, indices: Array, planes: Array) -> bool:
    """Pool windows of 2x2 that do not overlap; False if there is a NaN, and the result is wrong."""
    has_nan = np.empty(out.shape[0], np.uint8)
    windows = planes.reshape(out.shape[0], out.shape[1], 2, out.shape[2], 2)
    return not _max_pool_2x2.run(planes.size, out, indices, has_nan, windows)


@kernel
def _max_pool_2x2(out: Array, indices: Array, has_nan: Array, x: Array) -> bool:
    """Maxima of windows of 2x2, x (P, OH, 2, OW, 2), without a branch per pixel.

    Returns whether there may be a NaN; indices are right where there is none.  Workspace: has_nan
    (P,).
    """
    W = 2 * out.shape[2]
    for p in prange(x.shape[0]):
        nans = 0
        for i in range(out.shape[1]):
            upper = x[p, i, 0]
            lower = x[p, i, 1]
            out_row = out[p, i]
            index_row = indices[p, i]
            for j in range(out_row.size):
                a = upper[j, 0]
                b = upper[j, 1]
                c = lower[j, 0]
                d = lower[j, 1]
                out_row[j] = max(a, b, c, d)
                nans |= 1 if np.isnan((a + b) + (c + d)) else 0
            for j in range(out_row.size):
                best = out_row[j]
                at = W if lower[j, 0] == best else W + 1
                at = 1 if upper[j, 1] == best else at
                at = 0 if upper[j, 0] == best else at
                index_row[j] = 2 * i * W + 2 * j + at
        has_nan[p] = nans
    found = 0
    for p in range(x.shape[0]):
        found |= has_nan[p]
    return found > 0


def _max_of_windows(out: Array, indices: Array, planes: Array, axes: tuple[Axis, Axis]) -> None:
    """Fill `out` and `indices`, int64, both (P, OH, OW), from windows of `planes` (P, H, W).

    The first of equals counts; NaN counts as the greatest, and of several the last.
    """
    if out.size:
        tasks, taps, tap_offsets = _prepare(
            out.dtype, (planes.shape, planes.strides), (out.shape, out.strides), axes
        )
        tasks.run(
            _max_pool_arrays(
                source=planes, out=out, indices=indices, taps=taps, tap_offsets=tap_offsets
            )
        )


class MaxPoolArrays(NamedTuple):
    """The arrays of a pooling."""

    source: Array  # (P, H, W)
    out: Array  # (P, OH, OW)
    indices: Array  # (P, OH, OW), int64
    taps: Array  # (taps, 2), int64: rows and columns from a window's first pixel
    tap_offsets: Array  # see `PhasePlanes`


_max_pool_arrays = constructor(MaxPoolArrays)


@lru_cache(1024)
def _prepare(
    dtype: np.dtype, planes: Layout, out: Layout, axes: tuple[Axis, Axis]
) -> tuple[PreparedTasks[MaxPoolArrays], Array, Array]:
    """The tasks, the taps, and their offsets: planes are groups of one channel of one image."""
    rows, columns = axes
    weight = (planes[0][0], 1, 1, len(rows.taps), len(columns.taps))
    source, result = (((1, *shape), (0, *strides)) for shape, strides in (planes, out))
    plan, tap_offsets, work, slot_size = cut_into_bands(dtype, source, result, weight, axes)
    count = plan.bands * plan.group_tasks
    tasks = maximum_tasks.prepare(dtype, plan, (count,), work, slot_size)
    return tasks, np.array(list(product(rows.taps, columns.taps)), np.int64), tap_offsets


@device_function
def _first_inside(y, x, taps, plan):
    """The first tap that reads a pixel, of a window whose first pixel is y, x."""
    tap = 0
    while not (
        0 <= y + taps[2 * tap] < plan.source.height
        and 0 <= x + taps[2 * tap + 1] < plan.source.width
    ):
        tap += 1
    return tap


@task_kernel(MaxPoolArrays, PhasePlanesPlan)
def maximum_tasks(phase, task, workspace, records):
    """One band of rows of some planes.

    out[p, y, x] = max over r, s of source[p, y + r, x + s], whose flat index is indices[p, y, x].
    """
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    first_plane = task % plan.group_tasks * plan.task_groups
    first_row = task // plan.group_tasks * plan.band_rows
    rows = min(plan.band_rows, plan.rows.length - first_row)
    source, out = pointer_at(workspace, arrays.source), pointer_at(workspace, arrays.out)
    indices, taps = pointer_at(np.int64, arrays.indices), pointer_at(np.int64, arrays.taps)
    tap_offsets = pointer_at(np.int64, arrays.tap_offsets)
    pitch, vector = plan.pitch, lanes(out)
    count = (rows - 1) * pitch + plan.columns.length
    long = count // (GREATEST_VECTORS * vector) * GREATEST_VECTORS * vector
    block = offset(workspace, plan.slot.planes)
    greatest, which = offset(workspace, plan.slot.band), offset(workspace, plan.slot.which)
    fill(block, planes_size(plan) + vector, -np.inf)
    for plane in range(first_plane, min(first_plane + plan.task_groups, plan.groups)):
        copy_planes(block, source, tap_offsets, plan, 0, plane, first_row, -np.inf)
        for p in range(0, long, GREATEST_VECTORS * vector):
            best, tap = offset(greatest, p), offset(which, p)
            greatest_of_taps(best, tap, offset(block, p), tap_offsets, plan.depth)
        for p in range(long, count, vector):
            best, tap = offset(greatest, p), offset(which, p)
            greatest_of_taps_end(best, tap, offset(block, p), tap_offsets, plan.depth)
        for i in range(rows):
            y = plan.rows.origin + (first_row + i) * plan.rows.stride
            row = plane * plan.out.channel_stride + (first_row + i) * plan.out.row_stride
            for j in range(plan.columns.length):
                x = plan.columns.origin + j * plan.columns.stride
                k = int(which[i * pitch + j])
                if k < 0:
                    k = _first_inside(y, x, taps, plan)
                out[row + j] = greatest[i * pitch + j]
                pixel_row, pixel_column = y + taps[2 * k], x + taps[2 * k + 1]
                indices[row + j] = pixel_row * plan.source.width + pixel_column


@kernel
def _scatter_add(out: Array, g: Array, indices: Array) -> None:
    """Add each g[p, k] to `out` at indices[p, k]; `out` (P, H * W) holds zeros."""
    for p in prange(out.shape[0]):
        plane = out[p]
        g_plane = g[p]
        index = indices[p]
        for k in range(index.size):
            plane[np.uintp(index[k])] += g_plane[k]  # unsigned, it does not count from the end


def max_pool2d_backward(g: Array, indices: Array, input_shape: tuple[int, ...]) -> Array:
    """The adjoint of max_pool2d: g (N, C, OH, OW), added at the maxima's indices to zeros."""
    out = np.zeros(input_shape, g.dtype)
    planes = out.reshape(math.prod(input_shape[:-2]), input_shape[-2] * input_shape[-1])
    flat = (planes.shape[0], indices.shape[-2] * indices.shape[-1])
    _scatter_add.run(
        out.size,
        planes,
        np.ascontiguousarray(g).reshape(flat),
        np.ascontiguousarray(indices).reshape(flat),
    )
    return out


def take_by_indices(x: Array, indices: Array) -> Array:
    """x (N, C, H, W) at flat indices (N, C, OH, OW): the adjoint of max_pool2d_backward."""
    planes = math.prod(x.shape[:-2])
    pixels = np.ascontiguousarray(x).reshape(planes, x.shape[-2] * x.shape[-1])
    at = indices.reshape(planes, indices.shape[-2] * indices.shape[-1])
    taken: Array = np.take_along_axis(pixels, at, axis=1)
    return taken.reshape(indices.shape)
