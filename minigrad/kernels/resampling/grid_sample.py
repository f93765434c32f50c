"""Images sampled at the positions of a grid, by the nearest pixel or between the nearest four.

A task takes a chunk of positions, or a chunk of channels where positions add to one pixel.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.simd.math import like

Array = np.ndarray[Any, Any]

# Positions outside read nothing, the nearest edge, or the image reflected at its edges.
PADDING_MODES = ("zeros", "border", "reflection")
ZEROS, BORDER, REFLECTION = range(3)
# Positions, and channels, in one task.
POSITIONS, CHANNELS = 256, 4


class Sampling(NamedTuple):
    """How a position between -1 and 1 is read."""

    is_nearest: bool
    padding: int
    align_corners: bool


@device_function(inlined=True)
def _coordinate(position: float, extent: float, padding: int, align_corners: bool) -> Any:
    """The coordinate among `extent` pixels, and its derivative for the position."""
    zero, one, half = like(position, 0), like(position, 1), like(position, 0.5)
    last = extent - one
    if align_corners:
        slope = last * half
        pixel = (position + one) * slope
    else:
        slope = extent * half
        pixel = ((position + one) * extent - one) * half
    if padding == REFLECTION:
        low = zero if align_corners else -half
        span = last if align_corners else extent
        distance = pixel - low
        if distance < zero:
            distance, slope = -distance, -slope
        if span > zero:
            turns = np.floor(distance / span)
            rest = distance - turns * span
            if turns - np.floor(turns * half) * like(position, 2) == zero:
                pixel = low + rest
            else:
                pixel, slope = low + (span - rest), -slope
        else:
            pixel, slope = zero, zero
    if padding != ZEROS:
        if pixel <= zero:
            pixel, slope = zero, zero
        elif pixel >= last:
            pixel, slope = last, zero
    return pixel, slope


@device_function(inlined=True)
def _two_pixels(pixel: float, extent: float) -> Any:
    """The indices of the pixels before and after a coordinate, -1 outside, and its fraction."""
    one, zero = like(pixel, 1), like(pixel, 0)
    low = np.floor(pixel)
    first = second = -1
    if zero <= low <= extent - one:
        first = int(low)
    if -one <= low < extent - one:
        second = int(low) + 1
    return first, second, pixel - low


@device_function(inlined=True)
def _nearest(pixel: float, extent: float) -> int:
    """The index of the nearest pixel, of two the even one; -1 outside."""
    nearest = np.rint(pixel)
    if like(pixel, 0) <= nearest <= extent - like(pixel, 1):
        return int(nearest)
    return -1


@device_function(inlined=True)
def _pixel(plane: Array, row: int, column: int) -> Any:
    """A pixel of a plane, 0 outside."""
    return plane[row, column] if row >= 0 and column >= 0 else plane.dtype.type(0)


@kernel
def _sample_nearest(
    out: Array, x: Array, grid: Array, extents: Array, padding: int, align_corners: bool
) -> None:
    """out (N, C, P) = the pixels of x (N, C, H, W) nearest to grid (N, P, 2).

    extents: H and W, as floats.
    """
    blocks = (grid.shape[1] + POSITIONS - 1) // POSITIONS
    height, width = extents
    for task in prange(out.shape[0] * blocks):
        n = task // blocks
        begin = task % blocks * POSITIONS
        images, result = x[n], out[n]
        for p in range(begin, min(begin + POSITIONS, grid.shape[1])):
            row, _ = _coordinate(grid[n, p, 1], height, padding, align_corners)
            column, _ = _coordinate(grid[n, p, 0], width, padding, align_corners)
            i, j = _nearest(row, height), _nearest(column, width)
            for c in range(images.shape[0]):
                result[c, p] = _pixel(images[c], i, j)


@device_function(inlined=True)
def _place(row: int, column: int, width: int) -> int:
    """Where a pixel stands in its plane, -1 for none."""
    return row * width + column if row >= 0 and column >= 0 else -1


@device_function(inlined=True)
def _at(plane: Array, place: int) -> Any:
    """The pixel at a place, 0 for -1: one is always read, so that LLVM reads many at once."""
    value = plane[max(place, 0)]
    return value if place >= 0 else plane.dtype.type(0)


@kernel
def _sample(
    out: Array, places: Array, weights: Array, x: Array, grid: Array, extents: Array, padding: int,
    align_corners: bool,
) -> None:  # fmt: skip
    """out (N, C, P) = x (N, C, H * W) between the four pixels around grid (N, P, 2).

    Workspace: `places` and `weights` (N, 4, P), of those pixels.  extents: H and W, as floats.
    """
    blocks = (grid.shape[1] + POSITIONS - 1) // POSITIONS
    height, width = extents
    for task in prange(out.shape[0] * blocks):
        n = task // blocks
        begin = task % blocks * POSITIONS
        end = min(begin + POSITIONS, grid.shape[1])
        at, shares = places[n, :, begin:end], weights[n, :, begin:end]
        for p in range(end - begin):
            row, _ = _coordinate(grid[n, begin + p, 1], height, padding, align_corners)
            column, _ = _coordinate(grid[n, begin + p, 0], width, padding, align_corners)
            i, below, v = _two_pixels(row, height)
            j, right, u = _two_pixels(column, width)
            one = like(u, 1)
            at[0, p], shares[0, p] = _place(i, j, int(width)), (one - v) * (one - u)
            at[1, p], shares[1, p] = _place(i, right, int(width)), (one - v) * u
            at[2, p], shares[2, p] = _place(below, j, int(width)), v * (one - u)
            at[3, p], shares[3, p] = _place(below, right, int(width)), v * u
        for c in range(x.shape[1]):
            plane = x[n, c]
            result = out[n, c, begin:end]
            for p in range(result.size):
                upper = shares[0, p] * _at(plane, at[0, p]) + shares[1, p] * _at(plane, at[1, p])
                lower = shares[2, p] * _at(plane, at[2, p]) + shares[3, p] * _at(plane, at[3, p])
                result[p] = upper + lower


@device_function(inlined=True)
def _add(plane: Array, row: int, column: int, value: float) -> None:
    """Add to a pixel of a plane; outside there is none."""
    if row >= 0 and column >= 0:
        plane[row, column] += value


@kernel
def _image_grad(
    dx: Array, g: Array, grid: Array, extents: Array, is_nearest: bool, padding: int,
    align_corners: bool,
) -> None:  # fmt: skip
    """Add to dx (N, C, H, W), which holds zeros, what g (N, C, P) has for it."""
    blocks = (dx.shape[1] + CHANNELS - 1) // CHANNELS
    height, width = extents
    for task in prange(dx.shape[0] * blocks):
        n = task // blocks
        begin = task % blocks * CHANNELS
        images, cotangents = dx[n], g[n]
        for p in range(grid.shape[1]):
            row, _ = _coordinate(grid[n, p, 1], height, padding, align_corners)
            column, _ = _coordinate(grid[n, p, 0], width, padding, align_corners)
            if is_nearest:
                i, j = _nearest(row, height), _nearest(column, width)
                for c in range(begin, min(begin + CHANNELS, images.shape[0])):
                    _add(images[c], i, j, cotangents[c, p])
                continue
            i, below, v = _two_pixels(row, height)
            j, right, u = _two_pixels(column, width)
            one = like(u, 1)
            for c in range(begin, min(begin + CHANNELS, images.shape[0])):
                plane, value = images[c], cotangents[c, p]
                _add(plane, i, j, value * (one - v) * (one - u))
                _add(plane, i, right, value * (one - v) * u)
                _add(plane, below, j, value * v * (one - u))
                _add(plane, below, right, value * v * u)


@kernel
def _grid_grad(
    dgrid: Array, g: Array, x: Array, grid: Array, extents: Array, padding: int,
    align_corners: bool,
) -> None:  # fmt: skip
    """dgrid (N, P, 2): the derivative for the positions, of samples between four pixels."""
    blocks = (grid.shape[1] + POSITIONS - 1) // POSITIONS
    height, width = extents
    for task in prange(grid.shape[0] * blocks):
        n = task // blocks
        begin = task % blocks * POSITIONS
        images, cotangents = x[n], g[n]
        for p in range(begin, min(begin + POSITIONS, grid.shape[1])):
            row, row_slope = _coordinate(grid[n, p, 1], height, padding, align_corners)
            column, column_slope = _coordinate(grid[n, p, 0], width, padding, align_corners)
            i, below, v = _two_pixels(row, height)
            j, right, u = _two_pixels(column, width)
            one = like(u, 1)
            down = across = like(u, 0)
            for c in range(images.shape[0]):
                plane, value = images[c], cotangents[c, p]
                here, beside = _pixel(plane, i, j), _pixel(plane, i, right)
                under, corner = _pixel(plane, below, j), _pixel(plane, below, right)
                down += value * ((one - u) * (under - here) + u * (corner - beside))
                across += value * ((one - v) * (beside - here) + v * (corner - under))
            dgrid[n, p, 0] = across * column_slope
            dgrid[n, p, 1] = down * row_slope


# ------------------------------------------------------------------------ on whole arrays


def _positions(grid: Array) -> Array:
    """(N, H', W', 2) -> (N, H' * W', 2), contiguous."""
    return np.ascontiguousarray(grid).reshape(len(grid), math.prod(grid.shape[1:3]), 2)


def _extents(x_shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    return np.array(x_shape[2:], dtype)


def grid_sample(x: Array, grid: Array, how: Sampling) -> Array:
    """(N, C, H, W), (N, H', W', 2) -> (N, C, H', W'), of one dtype; no plane is empty."""
    at, extents = _positions(grid), _extents(x.shape, x.dtype)
    (batch, channels), count = x.shape[:2], at.shape[1]
    out = np.empty((batch, channels, count), x.dtype)
    images = np.ascontiguousarray(x)
    if how.is_nearest:
        _sample_nearest.run(out.size, out, images, at, extents, *how[1:])
    else:
        places, weights = (
            np.empty((batch, 4, count), np.int32),
            np.empty((batch, 4, count), x.dtype),
        )
        planes = images.reshape(batch, channels, x.shape[2] * x.shape[3])
        _sample.run(4 * out.size, out, places, weights, planes, at, extents, *how[1:])
    return out.reshape(batch, channels, *grid.shape[1:3])


def image_grad(g: Array, x_shape: tuple[int, ...], grid: Array, how: Sampling) -> Array:
    """The cotangent of the images, (N, C, H, W)."""
    at, extents = _positions(grid), _extents(x_shape, g.dtype)
    dx = np.zeros(x_shape, g.dtype)
    cotangents = np.ascontiguousarray(g).reshape(*x_shape[:2], at.shape[1])
    _image_grad.run(4 * g.size, dx, cotangents, at, extents, *how)
    return dx


def grid_grad(g: Array, x: Array, grid: Array, how: Sampling) -> Array:
    """The cotangent of the grid, (N, H', W', 2); that of the nearest pixels is 0."""
    if how.is_nearest:
        return np.zeros(grid.shape, g.dtype)
    at, extents = _positions(grid), _extents(x.shape, g.dtype)
    dgrid = np.empty(at.shape, g.dtype)
    cotangents = np.ascontiguousarray(g).reshape(*x.shape[:2], at.shape[1])
    images = np.ascontiguousarray(x)
    _grid_grad.run(
        4 * g.size, dgrid, cotangents, images, at, extents, how.padding, how.align_corners
    )
    return dgrid.reshape(grid.shape)
