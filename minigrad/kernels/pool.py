"""Pooling over windows of images (N, C, H, W).

Average pooling, adaptive or not, is one pair of kernels over a list of windows per axis; maximum
pooling remembers the flat position of each maximum in its image, as torch does.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.build import kernel, prange

Array = np.ndarray[Any, Any]
Pair = tuple[int, int]


def pooled_size(
    size: int, kernel_size: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    """Windows along an axis; a last one begins inside the input or its left padding."""
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def _require_pixels(size: int, stride: int, padding: int, dilation: int) -> None:
    """Every window that begins in the padding has to reach a pixel with one of its taps."""
    for start in range(-padding, 0, stride):
        if start % dilation >= size:
            raise ValueError(
                f"max_pool2d expects a pixel in every window, but with padding {padding} and "
                f"dilation {dilation} one lies wholly outside the {size} pixels of its axis"
            )


def _planes(x: Array) -> Array:
    """x (..., H, W) as contiguous images (P, H, W)."""
    planes = math.prod(x.shape[:-2])
    return np.ascontiguousarray(x).reshape(planes, *x.shape[-2:])


# ------------------------------------------------------------------------------------ maximum


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


@kernel
def _max_pool(
    out: Array, indices: Array, x: Array, size: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> None:
    _, H, W = x.shape
    for p in prange(x.shape[0]):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                top = i * stride[0] - padding[0]
                left = j * stride[1] - padding[1]
                while top < 0:
                    top += dilation[0]
                while left < 0:
                    left += dilation[1]
                bottom = min(H, i * stride[0] - padding[0] + (size[0] - 1) * dilation[0] + 1)
                right = min(W, j * stride[1] - padding[1] + (size[1] - 1) * dilation[1] + 1)
                best, at = x.dtype.type(-np.inf), top * W + left
                for h in range(top, bottom, dilation[0]):
                    for w in range(left, right, dilation[1]):
                        v = x[p, h, w]
                        if v > best or np.isnan(v):
                            best, at = v, h * W + w
                out[p, i, j], indices[p, i, j] = best, at


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
    planes = _planes(x)
    out = np.empty((planes.shape[0], *size), x.dtype)
    indices = np.empty(out.shape, np.int64)
    side_by_side = kernel_size == stride == (2, 2) and padding == (0, 0) and dilation == (1, 1)
    even = x.shape[-2:] == (2 * size[0], 2 * size[1])
    if not (side_by_side and even and _pool_pairs(out, indices, planes)):
        work = out.size * kernel_size[0] * kernel_size[1]
        _max_pool.run(work, out, indices, planes, kernel_size, stride, padding, dilation)
    shape = (*x.shape[:-2], *size)
    return out.reshape(shape), indices.reshape(shape)


def _pool_pairs(out: Array, indices: Array, planes: Array) -> bool:
    """Windows of 2x2 by the quick kernel; whether its result stands, there being no NaN."""
    has_nan = np.empty(out.shape[0], np.uint8)
    quads = planes.reshape(out.shape[0], out.shape[1], 2, out.shape[2], 2)
    _max_pool_2x2.run(planes.size, out, indices, has_nan, quads)
    return not has_nan.any()


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


# ------------------------------------------------------------------------------------ average


@kernel(fastmath=frozenset({"contract", "reassoc"}))
def _average(out: Array, x: Array, rows: Array, columns: Array, share: Array) -> None:
    """Window (i, j), rows[i, 0] to rows[i, 1] and columns alike: its sum times share[i, j]."""
    for p in prange(out.shape[0]):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                window = x[p, rows[i, 0] : rows[i, 1], columns[j, 0] : columns[j, 1]]
                total = x.dtype.type(0)
                for h in range(window.shape[0]):
                    for w in range(window.shape[1]):
                        total += window[h, w]
                out[p, i, j] = total * share[i, j]


@kernel
def _average_backward(dx: Array, g: Array, rows: Array, columns: Array, share: Array) -> None:
    """Into zeros: each g[i, j] times share[i, j] to every pixel of its window."""
    for p in prange(dx.shape[0]):
        for i in range(g.shape[1]):
            for j in range(g.shape[2]):
                window = dx[p, rows[i, 0] : rows[i, 1], columns[j, 0] : columns[j, 1]]
                part = g[p, i, j] * share[i, j]
                for h in range(window.shape[0]):
                    for w in range(window.shape[1]):
                        window[h, w] += part


class _Windows(NamedTuple):
    """Where windows begin and end inside an image, and the share of each pixel in its average."""

    rows: Array  # (OH, 2)
    columns: Array  # (OW, 2)
    share: Array  # (OH, OW)
    area: int  # pixels of the largest window


def _windows(rows: Array, columns: Array, pixels: Array, dtype: np.dtype[Any]) -> _Windows:
    """Windows whose sums are divided by `pixels`, if that is any."""
    heights, widths = (np.diff(spans)[:, 0] for spans in (rows, columns))
    area = int(heights.max(initial=1) * widths.max(initial=1))
    # A window wholly in the padding sums to 0, whatever its share.
    return _Windows(rows, columns, (1 / np.maximum(pixels, 1)).astype(dtype), area)


def _average_over(x: Array, windows: _Windows) -> Array:
    planes = _planes(x)
    out = np.empty((planes.shape[0], *windows.share.shape), x.dtype)
    rows, columns, share, area = windows
    _average.run(out.size * area, out, planes, rows, columns, share)
    return out.reshape(*x.shape[:-2], *share.shape)


def _spread_over(g: Array, input_shape: tuple[int, ...], windows: _Windows) -> Array:
    dx = np.zeros(input_shape, g.dtype)
    rows, columns, share, area = windows
    work = max(dx.size, g.size * area)
    _average_backward.run(work, _planes(dx), _planes(g), rows, columns, share)
    return dx


def _spans(
    size: int, kernel_size: int, stride: int, padding: int, ceil_mode: bool
) -> tuple[Array, Array]:
    """Each window's beginning and end within the axis, and its length with padding counted."""
    count = pooled_size(size, kernel_size, stride, padding, 1, ceil_mode)
    begin = np.arange(count, dtype=np.int64) * stride - padding
    end = np.minimum(begin + kernel_size, size + padding)
    return np.stack([begin.clip(0, size), end.clip(0, size)], axis=1), end - begin


@lru_cache(maxsize=256)
def _average_windows(
    image: Pair, kernel_size: Pair, stride: Pair, padding: Pair,
    ceil_mode: bool, count_include_pad: bool, divisor_override: int | None, dtype: np.dtype[Any],
) -> _Windows:  # fmt: skip
    (rows, row_lengths), (columns, column_lengths) = (
        _spans(image[axis], kernel_size[axis], stride[axis], padding[axis], ceil_mode)
        for axis in (0, 1)
    )
    if not count_include_pad:
        row_lengths, column_lengths = np.diff(rows)[:, 0], np.diff(columns)[:, 0]
    pixels = np.outer(row_lengths, column_lengths)
    divisor = np.full_like(pixels, divisor_override) if divisor_override else pixels
    return _windows(rows, columns, divisor, dtype)


@lru_cache(maxsize=256)
def _adaptive_windows(image: Pair, output_size: Pair, dtype: np.dtype[Any]) -> _Windows:
    rows, columns = (
        np.array(
            [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)], np.int64
        ).reshape(count, 2)
        for size, count in zip(image, output_size, strict=True)
    )
    pixels = np.outer(np.diff(rows)[:, 0], np.diff(columns)[:, 0])
    return _windows(rows, columns, pixels, dtype)


def avg_pool2d(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair,
    ceil_mode: bool, count_include_pad: bool, divisor_override: int | None,
) -> Array:  # fmt: skip
    """Each window's sum over its number of pixels, or over `divisor_override`: (N, C, OH, OW)."""
    return _average_over(
        x,
        _average_windows(
            (x.shape[-2], x.shape[-1]), kernel_size, stride, padding,
            ceil_mode, count_include_pad, divisor_override, x.dtype,
        ),
    )  # fmt: skip


def avg_pool2d_backward(
    g: Array, input_shape: tuple[int, ...], kernel_size: Pair, stride: Pair, padding: Pair,
    ceil_mode: bool, count_include_pad: bool, divisor_override: int | None,
) -> Array:  # fmt: skip
    """The adjoint of avg_pool2d: g (N, C, OH, OW) shared out over `input_shape`."""
    return _spread_over(
        g,
        input_shape,
        _average_windows(
            (input_shape[-2], input_shape[-1]), kernel_size, stride, padding,
            ceil_mode, count_include_pad, divisor_override, g.dtype,
        ),
    )  # fmt: skip


def adaptive_avg_pool2d(x: Array, output_size: Pair) -> Array:
    """Means over output_size bins from floor(i H / OH) to ceil((i + 1) H / OH), W alike."""
    return _average_over(x, _adaptive_windows((x.shape[-2], x.shape[-1]), output_size, x.dtype))


def adaptive_avg_pool2d_backward(g: Array, input_shape: tuple[int, ...]) -> Array:
    """The adjoint of adaptive_avg_pool2d."""
    image, output_size = (input_shape[-2], input_shape[-1]), (g.shape[-2], g.shape[-1])
    return _spread_over(g, input_shape, _adaptive_windows(image, output_size, g.dtype))
