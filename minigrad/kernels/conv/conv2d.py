"""Two-dimensional convolution and its two adjoints, each a correlation of its own."""

import math

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.conv.direct import correlate_planes, correlate_planes_gradient
from minigrad.kernels.conv.implicit_gemm import correlate_tiles, correlate_tiles_gradient
from minigrad.kernels.conv.plan import (
    Padding,
    Pair,
    Step,
    Steps,
    backward_steps,
    fills_few_lanes,
    forward_steps,
)
from minigrad.kernels.conv.winograd import correlate_winograd
from minigrad.kernels.conv.winograd_weight_grad import correlate_winograd_gradient


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
    options = stride, padding, dilation, groups
    steps = forward_steps(out.shape, weight.shape, x.shape, *options, out.itemsize)
    _fill(out, x, _grouped(weight, groups), bias, steps)
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
    """(N, F, H', W'), (F, C / groups, K, L) -> (N, C, H, W): the transposed convolution."""
    out = np.empty(input_shape, g.dtype)
    options = stride, padding, dilation, groups
    steps = backward_steps(g.shape, weight.shape, input_shape, *options, out.itemsize)
    _fill(out, g, _grouped(weight, groups).swapaxes(1, 2), None, steps)
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
    if g.size == 0 or 0 in weight_shape:
        return np.zeros(weight_shape, x.dtype)
    options = stride, padding, dilation, groups
    steps = forward_steps(g.shape, weight_shape, x.shape, *options, x.itemsize)
    out = np.empty(weight_shape, x.dtype)
    grouped = _grouped(out, groups)
    whole = grouped.shape[3:]
    taps = np.arange(math.prod(whole)).reshape(whole)
    places = [taps[step.rows.taps, step.columns.taps] for step in steps]
    if len(steps) == 1 and places[0].shape == whole:
        _weight_part(grouped, g, x, steps[0])
        return out
    filters = out.reshape(len(out), -1)
    for i, (step, place) in enumerate(zip(steps, places, strict=True)):
        part = np.empty((*grouped.shape[:3], *place.shape), out.dtype)
        if place.size:
            _weight_part(part, g, x, step)
        _add_taps.run(out.size, filters, part.reshape(len(out), -1), place.ravel(), taps.size, i)
    return out


@kernel
def _add_taps(out: np.ndarray, part: np.ndarray, place: np.ndarray, taps: int, begun: int) -> None:
    """Add each filter's (channels, taps here) at their `place` (taps here,) among all its taps.

    What is not `begun` holds anything.
    """
    for f in prange(out.shape[0]):
        filter = out[f]
        more = part[f]
        if begun == 0:
            for i in range(filter.size):
                filter[i] = 0
        for c in range(filter.size // taps):
            for i in range(place.size):
                filter[c * taps + place[i]] += more[c * place.size + i]


def _weight_part(out: np.ndarray, g: np.ndarray, x: np.ndarray, step: Step) -> None:
    """Fill `out`, (groups, F / groups, C / groups, taps, taps), from the outputs of one step."""
    rows, columns, tile = step
    axes = rows.axis, columns.axis
    if tile:
        for i, group in enumerate(out):
            f, c = _channels(i, group)
            correlate_winograd_gradient(group, g[:, f], x[:, c], axes, tile)
        return
    planes = fills_few_lanes(out.shape[1], out.itemsize)
    correlate = correlate_planes_gradient if planes else correlate_tiles_gradient
    correlate(out, g[:, :, rows.outputs, columns.outputs], x, axes)


def _fill(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    steps: Steps,
) -> None:
    """Fill `out` step by step with source * filters + bias, or bias where no taps reach."""
    planes = fills_few_lanes(filters.shape[1], out.itemsize)
    correlate = correlate_planes if planes else correlate_tiles
    for rows, columns, tile in steps:
        taps, axes = filters[..., rows.taps, columns.taps], (rows.axis, columns.axis)
        if not (taps.size and out.size):
            place = out[:, :, rows.outputs, columns.outputs]
            place[:] = 0 if bias is None else bias[:, None, None]
        elif tile:
            for i, group in enumerate(taps):
                f, c = _channels(i, group)
                start = None if bias is None else bias[f]
                correlate_winograd(out[:, f], source[:, c], group, start, axes, tile)
        else:
            correlate(out, source, taps, bias, axes)


def _channels(i: int, filters: np.ndarray) -> tuple[slice, slice]:
    """What group `i` fills and what it reads of the channels, given its (F, C, K, L)."""
    f, c = filters.shape[:2]
    return slice(i * f, (i + 1) * f), slice(i * c, (i + 1) * c)


def _grouped(weight: np.ndarray, groups: int) -> np.ndarray:
    """(F, C / groups, K, L) -> (groups, F / groups, C / groups, K, L)."""
    return weight.reshape(groups, len(weight) // groups, *weight.shape[1:])
