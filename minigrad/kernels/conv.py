"""Two-dimensional convolution and its two adjoints, each a correlation of its own."""

import math
from collections.abc import Iterator

import numpy as np

from minigrad.kernels.correlate import Axis, correlate, correlate_gradient

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]


def conv_output_size(
    size: int, kernel: int, stride: int, pad_before: int, pad_after: int, dilation: int
) -> int:
    """Places of a dilated kernel along a padded axis: the length of a convolution's output."""
    return (size + pad_before + pad_after - dilation * (kernel - 1) - 1) // stride + 1


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """(N, C, H, W), (F, C / groups, K, L) and (F,) -> (N, F, H', W'), see `conv_output_size`."""
    rows, columns = (
        conv_output_size(x.shape[2 + i], weight.shape[2 + i], stride[i], *padding[i], dilation[i])
        for i in (0, 1)
    )
    out = np.empty((len(x), len(weight), rows, columns), x.dtype)
    axes = _forward_axes(out.shape, weight.shape, stride, padding, dilation)
    _fill(out, x, _grouped(weight, groups), bias, axes)
    return out


def conv2d_input_grad(
    g: np.ndarray,
    weight: np.ndarray,
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """(N, F, H', W'), (F, C / groups, K, L) -> (N, C, H, W): the transposed convolution.

    The input's pixels fall into stride x stride phases.  Each phase meets taps of its own, whose
    sources are neighbours in `g`: it is a convolution of stride 1.
    """
    out = np.empty(input_shape, g.dtype)
    flipped = _grouped(weight, groups).swapaxes(1, 2)
    phases = [
        list(
            _phases(input_shape[2 + i], weight.shape[2 + i], stride[i], padding[i][0], dilation[i])
        )
        for i in (0, 1)
    ]
    for row_axis, row_taps in phases[0]:
        for column_axis, column_taps in phases[1]:
            taps = flipped[..., row_taps, :][..., column_taps]
            _fill(out, g, taps, None, (row_axis, column_axis))
    return out


def conv2d_weight_grad(
    g: np.ndarray,
    x: np.ndarray,
    weight_shape: tuple[int, ...],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """(N, F, H', W'), (N, C, H, W) -> (F, C / groups, K, L)."""
    out = np.empty(weight_shape, x.dtype)
    if out.size == 0 or g.size == 0:
        out.fill(0)
        return out
    axes = _forward_axes(g.shape, weight_shape, stride, padding, dilation)
    correlate_gradient(_grouped(out, groups), g, x, axes)
    return out


def _fill(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    axes: tuple[Axis, Axis],
) -> None:
    """Fill the places of `out` that the axes describe; where no tap reaches them, with the bias.

    The one place where an algorithm is chosen for convolutions and their input gradients.
    """
    if filters.size and out.size:
        correlate(out, source, filters, bias, axes)
    else:
        rows, columns = (slice(axis.first, None, axis.spacing) for axis in axes)
        out[:, :, rows, columns] = 0 if bias is None else bias[:, None, None]


def _forward_axes(
    out_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
) -> tuple[Axis, Axis]:
    rows, columns = (
        Axis(
            out_shape[2 + i],
            stride[i],
            -padding[i][0],
            np.arange(weight_shape[2 + i]) * dilation[i],
        )
        for i in (0, 1)
    )
    return rows, columns


def _phases(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> Iterator[tuple[Axis, slice]]:
    """Each phase of an input axis with the slice of the kernel's taps that reach it."""
    period = stride // math.gcd(stride, dilation)
    for first in range(min(stride, size)):
        met = [r for r in range(kernel) if (first + padding - r * dilation) % stride == 0]
        sources = np.array([(first + padding - r * dilation) // stride for r in met], np.int64)
        origin = int(sources.min()) if met else 0
        count = -(-(size - first) // stride)
        taps = slice(met[0], None, period) if met else slice(0, 0)
        yield Axis(count, 1, origin, sources - origin, first, stride), taps


def _grouped(weight: np.ndarray, groups: int) -> np.ndarray:
    """(F, C / groups, K, L) -> (groups, F / groups, C / groups, K, L)."""
    return weight.reshape(groups, len(weight) // groups, *weight.shape[1:])
