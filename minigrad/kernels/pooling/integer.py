"""Pooling of integers over windows of images (N, C, H, W), tap by tap."""

import numpy as np

from minigrad.kernels.conv.integer import taps
from minigrad.kernels.pooling.avg_pool import Array, Pair, pooled_size


def _sizes(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> Pair:
    rows, columns = (
        pooled_size(x.shape[2 + i], kernel_size[i], stride[i], padding[i], dilation[i], ceil_mode)
        for i in (0, 1)
    )
    return rows, columns


def max_pool2d(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil_mode: bool
) -> tuple[Array, Array]:
    """Each window's maximum (N, C, OH, OW) and its flat position in H * W; the first of equals."""
    size = _sizes(x, kernel_size, stride, padding, dilation, ceil_mode)
    height, width = x.shape[2:]
    out = np.full((*x.shape[:2], *size), np.iinfo(x.dtype).min, x.dtype)
    indices = np.full(out.shape, -1, np.int64)
    positions = np.arange(height * width).reshape(height, width)
    for tap in taps((height, width), size, kernel_size, stride, padding, dilation):
        best, where = out[(..., *tap.outputs)], indices[(..., *tap.outputs)]
        found = x[(..., *tap.pixels)]
        better = (found > best) | (where < 0)
        np.copyto(best, found, where=better)
        np.copyto(where, positions[tap.pixels], where=better)
    return out, indices


def avg_pool2d(
    x: Array, kernel_size: Pair, stride: Pair, padding: Pair,
    ceil_mode: bool, count_include_pad: bool, divisor_override: int | None,
) -> Array:  # fmt: skip
    """Each window's sum over its pixels, or over `divisor_override`, rounded towards 0."""
    size = _sizes(x, kernel_size, stride, padding, (1, 1), ceil_mode)
    image = (x.shape[2], x.shape[3])
    sums = np.zeros((*x.shape[:2], *size), x.dtype)
    pixels = np.zeros(size, x.dtype)
    for tap in taps(image, size, kernel_size, stride, padding, (1, 1)):
        sums[(..., *tap.outputs)] += x[(..., *tap.pixels)]
        pixels[tap.outputs] += 1
    if count_include_pad:
        pixels = np.outer(
            *(_lengths(image[i], size[i], kernel_size[i], stride[i], padding[i]) for i in (0, 1))
        )
    divisor = np.maximum(pixels, 1) if divisor_override is None else divisor_override
    # Towards 0, as in C: NumPy's quotient of integers is rounded down.
    quotient: Array = np.abs(sums) // np.abs(divisor) * np.sign(sums) * np.sign(divisor)
    return quotient.astype(x.dtype)


def _lengths(size: int, count: int, kernel_size: int, stride: int, padding: int) -> Array:
    """The length of each window along an axis, with padding counted, as far as that goes."""
    begin = np.arange(count) * stride - padding
    return np.minimum(begin + kernel_size, size + padding) - begin
