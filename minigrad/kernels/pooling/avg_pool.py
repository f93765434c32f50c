"""Average pooling over windows of images (N, C, H, W).

Where a row has many windows with a small stride, their sums are a depthwise convolution with equal
weights, which computes many at a time.  All other pooling, also adaptive, is one pair of kernels
over a list of windows per axis.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import GRAIN_SIZE, kernel, prange
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.conv.conv2d import conv2d, conv2d_input_grad

Array = np.ndarray[Any, Any]
Pair = tuple[int, int]

# Windows of more pixels are summed in float64, their rows by pieces in the array's type.
LARGE, PIECE = 4096, 1024


def pooled_size(
    size: int, kernel_size: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> int:
    """The number of windows along an axis; the last begins inside the input or its left padding."""
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + padding else count


def planes_of(x: Array) -> Array:
    """x (..., H, W) as contiguous images (P, H, W)."""
    planes = math.prod(x.shape[:-2])
    return np.ascontiguousarray(x).reshape(planes, *x.shape[-2:])


@kernel(fastmath=frozenset({"contract", "reassoc"}))
def _average(out: Array, x: Array, rows: Array, columns: Array, share: Array) -> None:
    """out[:, i, j] = share[i, j] times the sum of a window of x (P, H, W).

    The window has rows[i, 0] to rows[i, 1] - 1 and columns[j, 0] to columns[j, 1] - 1.
    """
    for p in prange(out.shape[0]):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                window = x[p, rows[i, 0] : rows[i, 1], columns[j, 0] : columns[j, 1]]
                total = x.dtype.type(0)
                for h in range(window.shape[0]):
                    for w in range(window.shape[1]):
                        total += window[h, w]
                out[p, i, j] = total * share[i, j]


@kernel(fastmath=frozenset({"contract", "reassoc"}))
def _average_large(out: Array, x: Array, rows: Array, columns: Array, share: Array) -> None:
    """`_average` of windows with so many pixels that their sums are kept in float64."""
    for p in prange(out.shape[0]):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                window = x[p, rows[i, 0] : rows[i, 1], columns[j, 0] : columns[j, 1]]
                total = 0.0
                for h in range(window.shape[0]):
                    for start in range(0, window.shape[1], PIECE):
                        piece = window[h, start : start + PIECE]
                        some = x.dtype.type(0)
                        for w in range(piece.size):
                            some += piece[w]
                        total += some
                out[p, i, j] = total * share[i, j]


@kernel
def _average_backward(dx: Array, g: Array, rows: Array, columns: Array, share: Array) -> None:
    """Add g[:, i, j] * share[i, j] to every pixel of its window of `dx`, which holds zeros."""
    for p in prange(dx.shape[0]):
        for i in range(g.shape[1]):
            for j in range(g.shape[2]):
                window = dx[p, rows[i, 0] : rows[i, 1], columns[j, 0] : columns[j, 1]]
                part = g[p, i, j] * share[i, j]
                for h in range(window.shape[0]):
                    for w in range(window.shape[1]):
                        window[h, w] += part


class _Convolution(NamedTuple):
    """A depthwise convolution that sums windows; its results are multiplied by `share`, if any."""

    weight: float
    share: Array | None
    kernel_size: Pair
    stride: Pair
    padding: tuple[Pair, Pair]

    def options(self, channels: int, dtype: np.dtype[Any]) -> tuple[Array, tuple[Any, ...]]:
        """The filters, and the other arguments of `conv2d`."""
        filters = np.full((channels, 1, *self.kernel_size), self.weight, dtype)
        return filters, (self.stride, self.padding, (1, 1), channels)


class _Windows(NamedTuple):
    """The pixels of each window, and the share of a pixel in its average."""

    rows: Array  # (OH, 2): the first row of each window, and the one after its last
    columns: Array  # (OW, 2)
    share: Array  # (OH, OW)
    area: int  # pixels of the largest window
    convolution: _Convolution | None = None  # with the same result, where it is faster


def _windows(
    rows: Array, columns: Array, pixels: Array, dtype: np.dtype[Any], divisor: int | None = None
) -> _Windows:
    """Windows whose sums are divided by their number of `pixels` (OH, OW), or by one divisor."""
    heights, widths = (np.diff(spans)[:, 0] for spans in (rows, columns))
    area = int(heights.max(initial=1) * widths.max(initial=1))
    # A window wholly in the padding sums to 0, whatever its share.
    divisors = np.maximum(pixels, 1) if divisor is None else np.full(pixels.shape, divisor)
    return _Windows(rows, columns, (1 / divisors).astype(dtype), area)


def _average_over(x: Array, windows: _Windows) -> Array:
    rows, columns, share, area, convolution = windows
    if convolution is not None and x.size >= GRAIN_SIZE:
        filters, options = convolution.options(x.shape[1], x.dtype)
        sums = conv2d(x, filters, None, *options)
        return sums if convolution.share is None else np.multiply(sums, convolution.share, sums)
    planes = planes_of(x)
    out = np.empty((planes.shape[0], *share.shape), x.dtype)
    average = _average if area <= LARGE else _average_large
    average.run(out.size * area, out, planes, rows, columns, share)
    return out.reshape(*x.shape[:-2], *share.shape)


def _spread_over(g: Array, input_shape: tuple[int, ...], windows: _Windows) -> Array:
    rows, columns, share, area, convolution = windows
    if convolution is not None and math.prod(input_shape) >= GRAIN_SIZE:
        filters, options = convolution.options(input_shape[1], g.dtype)
        parts = g if convolution.share is None else g * convolution.share
        return conv2d_input_grad(parts, filters, input_shape, *options)
    dx = np.zeros(input_shape, g.dtype)
    work = max(dx.size, g.size * area)
    _average_backward.run(work, planes_of(dx), planes_of(g), rows, columns, share)
    return dx


def _spans(
    size: int, kernel_size: int, stride: int, padding: int, ceil_mode: bool
) -> tuple[Array, Array]:
    """Each window's first pixel and the one after its last, and its length including padding."""
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
    pixels = np.outer(row_lengths.astype(float), column_lengths)  # integers might overflow
    windows = _windows(rows, columns, pixels, dtype, divisor_override)
    share = windows.share
    is_wide = any(length > size for length, size in zip(kernel_size, image, strict=True))
    if (
        share.size == 0
        or is_wide
        or max(stride) > 2
        or share.shape[1] * dtype.itemsize < VECTOR_BYTES
    ):
        return windows
    ends = (
        (count - 1) * step + length - size - before
        for count, step, length, size, before in zip(
            share.shape, stride, kernel_size, image, padding, strict=True
        )
    )
    around = tuple(zip(padding, ends, strict=True))
    uneven = share if np.ptp(share) > 0 else None
    weight = float(share[0, 0]) if uneven is None else 1.0
    convolution = _Convolution(weight, uneven, kernel_size, stride, (around[0], around[1]))
    return windows._replace(convolution=convolution)


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
    """The adjoint of avg_pool2d: g (N, C, OH, OW) to an array of `input_shape`."""
    return _spread_over(
        g,
        input_shape,
        _average_windows(
            (input_shape[-2], input_shape[-1]), kernel_size, stride, padding,
            ceil_mode, count_include_pad, divisor_override, g.dtype,
        ),
    )  # fmt: skip


def adaptive_avg_pool2d(x: Array, output_size: Pair) -> Array:
    """Means over bins: rows from floor(i H / OH) to ceil((i + 1) H / OH), columns likewise."""
    return _average_over(x, _adaptive_windows((x.shape[-2], x.shape[-1]), output_size, x.dtype))


def adaptive_avg_pool2d_backward(g: Array, input_shape: tuple[int, ...]) -> Array:
    """The adjoint of adaptive_avg_pool2d."""
    image, output_size = (input_shape[-2], input_shape[-1]), (g.shape[-2], g.shape[-1])
    return _spread_over(g, input_shape, _adaptive_windows(image, output_size, g.dtype))
