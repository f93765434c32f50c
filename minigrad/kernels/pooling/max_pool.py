"""Maxima over windows of images, each with the flat position where it lies, as torch gives them.

A vector holds neighbouring windows, of copies that `sorted_planes` makes with a margin of -inf, and
walks over the taps of a window without a branch.  Windows of 2x2 side by side have a loop of their
own.
"""

import math
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.compiler.pointers import keep_alive, offset, pointer, pointer_at
from minigrad.kernels.compiler.task_queue import Prepared, array_at, task_kernel
from minigrad.kernels.conv.phase_planes import PLAN, block_size, copy_planes, cut
from minigrad.kernels.conv.plan import Axis
from minigrad.kernels.pooling.avg_pool import Array, Pair, planes_of, pooled_size
from minigrad.kernels.simd.microkernels import (
    GREATEST_VECTORS,
    greatest_of_taps,
    greatest_of_taps_end,
)
from minigrad.kernels.simd.move import lanes


def _require_pixels(size: int, stride: int, padding: int, dilation: int) -> None:
    """Every window that begins in the padding has to reach a pixel with one of its taps."""
    for start in range(-padding, 0, stride):
        if start % dilation >= size:
            raise ValueError(
                f"max_pool2d expects a pixel in every window, but with padding {padding} and "
                f"dilation {dilation} one lies wholly outside the {size} pixels of its axis"
            )


def max_pool2d(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> tuple[Array, Array]:
    """Each window's maximum (N, C, OH, OW) and its flat position in H * W, int64.

    The first of equals counts; NaN counts as the greatest.  Raises ValueError if a dilated window
    steps over the whole image; PyTorch differs: its backward then writes outside the array.
    """
    for axis in (0, 1):
        _require_pixels(x.shape[axis - 2], stride[axis], padding[axis], dilation[axis])
    size = tuple(
        pooled_size(x.shape[axis - 2], kernel_size[axis], stride[axis], padding[axis],
                    dilation[axis], ceil_mode)
        for axis in (0, 1)
    )  # fmt: skip
    planes = planes_of(x)
    out = np.empty((planes.shape[0], *size), x.dtype)
    indices = np.empty(out.shape, np.int64)
    side_by_side = kernel_size == stride == (2, 2) and padding == (0, 0) and dilation == (1, 1)
    even = x.shape[-2:] == (2 * size[0], 2 * size[1])
    if not (side_by_side and even and _pool_pairs(out, indices, planes)):
        rows, columns = map(_axis, size, kernel_size, stride, padding, dilation)
        _max_of_windows(out, indices, planes, (rows, columns))
    shape = (*x.shape[:-2], *size)
    return out.reshape(shape), indices.reshape(shape)


def _axis(count: int, kernel_size: int, stride: int, padding: int, dilation: int) -> Axis:
    taps = tuple(range(0, kernel_size * dilation, dilation))
    # A single window takes no step, and needs no copies of every so many pixels.
    return Axis(count, stride if count > 1 else 1, -padding, taps)


def _pool_pairs(out: Array, indices: Array, planes: Array) -> bool:
    """Windows of 2x2 by the quick kernel; whether its result stands, there being no NaN."""
    has_nan = np.empty(out.shape[0], np.uint8)
    quads = planes.reshape(out.shape[0], out.shape[1], 2, out.shape[2], 2)
    _max_pool_2x2.run(planes.size, out, indices, has_nan, quads)
    return not has_nan.any()


@kernel
def _max_pool_2x2(out: Array, indices: Array, has_nan: Array, x: Array) -> None:
    """Windows of 2x2 side by side, x (P, OH, 2, OW, 2), without a branch per pixel.

    Positions are right where there is no NaN; `has_nan` (P,) says which images may hold one.
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


def _max_of_windows(out: Array, indices: Array, planes: Array, axes: tuple[Axis, Axis]) -> None:
    """Fill `out` and `indices`, int64, both (P, OH, OW), from windows of `planes` (P, H, W).

    The first of equals counts; NaN counts as the greatest, and of several the last.
    """
    if out.size:
        layout = _layout(out.dtype, planes.shape, planes.strides, out.shape, out.strides, axes)
        layout.maxima.run(planes, out, layout.taps, indices)


class _Layout(NamedTuple):
    """All that a kernel has to know but for addresses."""

    maxima: Prepared
    taps: Array  # rows and columns from a window's beginning
    tap_at: Array  # its address is in the plan


@lru_cache(1024)
def _layout(
    dtype: np.dtype,
    planes: tuple[int, int, int],
    planes_strides: tuple[int, int, int],
    shown: tuple[int, int, int],
    shown_strides: tuple[int, int, int],
    axes: tuple[Axis, Axis],
) -> _Layout:
    rows, columns = axes
    taps = np.array(list(product(rows.taps, columns.taps)), np.int64)
    weights = (planes[0], 1, 1, len(rows.taps), len(columns.taps))
    of = cut(
        dtype, (1, *planes), (0, *planes_strides), (1, *shown), (0, *shown_strides), axes, weights
    )
    return _Layout(maximum_tasks.prepare(dtype, of.plan, (of.tasks,), of.work), taps, of.tap_at)


@device_function
def _first_inside(y, x, taps, plan):
    """The first tap of a window at y, x that is a pixel."""
    tap = 0
    while not (
        0 <= y + taps[2 * tap] < plan.height and 0 <= x + taps[2 * tap + 1] < plan.source_width
    ):
        tap += 1
    return tap


@task_kernel(PLAN)
def maximum_tasks(phase, task, none, plans):
    """One band of rows of some planes; `weights` are the taps.

    out[p, y, x] = max over r, s of source[p, y + r, x + s], which lies at start[p, y, x].
    """
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    part, t = task % plan.shares * plan.share, task // plan.shares * plan.high
    rows = min(plan.high, plan.rows - t)
    out, positions = pointer_at(like, plan.out), pointer_at(np.int64, plan.start)
    tap_at, taps = pointer_at(np.int64, plan.tap_at), pointer_at(np.int64, plan.weights)
    pitch, step = plan.pitch, lanes(out)
    count = (rows - 1) * pitch + plan.columns
    long = count // (GREATEST_VECTORS * step) * GREATEST_VECTORS * step
    block_memory = np.full(block_size(plan) + step, -np.inf, like.dtype)
    greatest_memory = np.empty(count + step, like.dtype)
    which_memory = np.empty(count + step, like.dtype)
    block, greatest, which = pointer(block_memory), pointer(greatest_memory), pointer(which_memory)
    for plane in range(part, min(part + plan.share, plan.groups)):
        copy_planes(block, like, plan, 0, plane, t, -np.inf)
        for p in range(0, long, GREATEST_VECTORS * step):
            best, taken = offset(greatest, p), offset(which, p)
            greatest_of_taps(best, taken, offset(block, p), tap_at, plan.depth)
        for p in range(long, count, step):
            best, taken = offset(greatest, p), offset(which, p)
            greatest_of_taps_end(best, taken, offset(block, p), tap_at, plan.depth)
        for i in range(rows):
            y = plan.row_origin + (t + i) * plan.row_stride
            line = plane * plan.out_channel_step + (t + i) * plan.out_row_step
            for j in range(plan.columns):
                x = plan.column_origin + j * plan.column_stride
                tap = int(which[i * pitch + j])
                if tap < 0:
                    tap = _first_inside(y, x, taps, plan)
                row, column = y + taps[2 * tap], x + taps[2 * tap + 1]
                out[line + j] = greatest[i * pitch + j]
                positions[line + j] = row * plan.source_width + column
    keep_alive((block_memory, greatest_memory, which_memory))


@kernel
def _scatter_add(out: Array, g: Array, indices: Array) -> None:
    """Into zeros: the system hands out large ones at no cost."""
    for p in prange(out.shape[0]):
        plane = out[p]
        g_plane = g[p]
        index = indices[p]
        for k in range(index.size):
            plane[index[k]] += g_plane[k]


def max_pool2d_backward(g: Array, indices: Array, input_shape: tuple[int, ...]) -> Array:
    """g (N, C, OH, OW) added up at its maxima's positions, in zeros of `input_shape`."""
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
    """x (N, C, H, W) at flat positions (N, C, OH, OW): the adjoint of max_pool2d_backward."""
    planes = math.prod(x.shape[:-2])
    pixels = np.ascontiguousarray(x).reshape(planes, x.shape[-2] * x.shape[-1])
    at = indices.reshape(planes, indices.shape[-2] * indices.shape[-1])
    taken: Array = np.take_along_axis(pixels, at, axis=1)
    return taken.reshape(indices.shape)
