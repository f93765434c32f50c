"""Convolution of integers, tap by tap; sums wrap around as the dtype does.

Networks compute in floats: this is for exact results, not for speed.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.conv.plan import Padding, Pair

Array = np.ndarray[Any, Any]


class Tap(NamedTuple):
    """One position of the kernel, the outputs it contributes to, and the pixels they read."""

    place: Pair
    outputs: tuple[slice, slice]
    pixels: tuple[slice, slice]


def taps(
    image: Pair, out: Pair, kernel_size: Pair, stride: Pair, before: Pair, dilation: Pair
) -> Iterator[Tap]:
    """The taps of a window that read at least one pixel, row by row."""
    axes = [
        [
            _reach(image[i], out[i], stride[i], k * dilation[i] - before[i])
            for k in range(kernel_size[i])
        ]
        for i in (0, 1)
    ]
    for k, rows in enumerate(axes[0]):
        for m, columns in enumerate(axes[1]):
            if rows is not None and columns is not None:
                yield Tap((k, m), (rows[0], columns[0]), (rows[1], columns[1]))


def _reach(size: int, count: int, stride: int, start: int) -> tuple[slice, slice] | None:
    """The outputs whose tap, at start + output * stride, is inside the image, and its positions."""
    first = max(0, -(start // stride))
    last = min(count - 1, (size - 1 - start) // stride)
    if last < first:
        return None
    position = start + first * stride
    return slice(first, last + 1), slice(position, start + last * stride + 1, stride)


def conv2d(
    x: Array, weight: Array, bias: Array | None, out: Array, stride: Pair, padding: Padding,
    dilation: Pair,
) -> Array:  # fmt: skip
    """Fill out (N, F, H', W') from x (N, C, H, W) and filters, and give it.

    The weight is (groups, F / groups, C / groups, K, L).
    """
    out[:] = 0 if bias is None else bias[:, None, None]
    sums, images = _grouped(out, len(weight)), _grouped(x, len(weight))
    for tap in _taps_of(x, out, weight, stride, padding, dilation):
        pixels = images[(..., *tap.pixels)]
        sums[(..., *tap.outputs)] += np.einsum(
            "ngchw,gfc->ngfhw", pixels, weight[(..., *tap.place)]
        )
    return out


def conv2d_input_grad(
    g: Array, weight: Array, out: Array, stride: Pair, padding: Padding, dilation: Pair
) -> Array:
    """Fill out (N, C, H, W) with the adjoint of `conv2d` of g (N, F, H', W').  Gives `out`."""
    out[:] = 0
    sums, images = _grouped(out, len(weight)), _grouped(g, len(weight))
    for tap in _taps_of(out, g, weight, stride, padding, dilation):
        pixels = images[(..., *tap.outputs)]
        sums[(..., *tap.pixels)] += np.einsum("ngfhw,gfc->ngchw", pixels, weight[(..., *tap.place)])
    return out


def _taps_of(
    image: Array, out: Array, weight: Array, stride: Pair, padding: Padding, dilation: Pair
) -> Iterator[Tap]:
    before = (padding[0][0], padding[1][0])
    sizes = [(array.shape[-2], array.shape[-1]) for array in (image, out, weight)]
    return taps(sizes[0], sizes[1], sizes[2], stride, before, dilation)


def _grouped(images: Array, groups: int) -> Array:
    """(N, C, H, W) as a view (N, groups, C / groups, H, W)."""
    n, channels, height, width = images.shape
    return images.reshape(n, groups, channels // groups if groups else 0, height, width)
