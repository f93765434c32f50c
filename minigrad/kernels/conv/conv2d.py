"""Two-dimensional convolution and its two adjoints, each a correlation of its own."""

import math

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.conv import integer
from minigrad.kernels.conv.depthwise import correlate_depthwise, weight_grad_depthwise
from minigrad.kernels.conv.dilated import gather_phases, reads_phases, scatter_phases
from minigrad.kernels.conv.direct import correlate_direct, weight_grad_direct
from minigrad.kernels.conv.implicit_gemm import correlate_implicit_gemm
from minigrad.kernels.conv.implicit_gemm_weight_grad import weight_grad_implicit_gemm
from minigrad.kernels.conv.plan import (
    Padding,
    Pair,
    Shape,
    Step,
    Steps,
    backward_steps,
    forward_steps,
)
from minigrad.kernels.conv.subpixel import interleave, select_subpixel, subpixel_filters
from minigrad.kernels.conv.winograd import correlate_winograd
from minigrad.kernels.conv.winograd_weight_grad import weight_grad_winograd

NO_PADDING: Padding = ((0, 0), (0, 0))


def conv_output_size(
    size: int, kernel: int, stride: int, pad_before: int, pad_after: int, dilation: int
) -> int:
    """The length of a convolution's output along an axis of `size` pixels."""
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
    if out.dtype.kind != "f":
        return integer.conv2d(x, _grouped(weight, groups), bias, out, stride, padding, dilation)
    options = stride, padding, dilation, groups
    steps = forward_steps(out.shape, weight.shape, x.shape, *options, out.itemsize)
    if reads_phases(steps, out.shape[2:], stride, dilation):
        pixels = _phases_read(x, out.shape, weight.shape, padding, dilation)
        phases = conv2d(pixels, weight, bias, (1, 1), NO_PADDING, (1, 1), groups)
        scatter_phases(out, phases, dilation)
        return out
    _correlate(out, x, _grouped(weight, groups), bias, steps)
    return out


def _phases_read(
    x: np.ndarray, out: Shape, weight: Shape, padding: Padding, dilation: Pair
) -> np.ndarray:
    """The phases of `x`, with their margins, that dilated filters read."""
    origin, margin = (-padding[0][0], -padding[1][0]), (weight[2] - 1, weight[3] - 1)
    return gather_phases(x, origin, (out[2], out[3]), margin, dilation)


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
    if g.dtype.kind != "f":
        out = np.empty(input_shape, g.dtype)
        return integer.conv2d_input_grad(
            g, _grouped(weight, groups), out, stride, padding, dilation
        )
    options = stride, padding, dilation, groups
    filters = _grouped(weight, groups).swapaxes(1, 2)
    subpixel = select_subpixel(g.shape, weight.shape, input_shape, *options, g.itemsize)
    if subpixel is not None:
        channels, sizes = input_shape[1] * math.prod(stride), [a.length for a in subpixel.axes]
        phases = np.empty((len(g), channels, *sizes), g.dtype)
        _correlate(phases, g, subpixel_filters(filters, subpixel), None, subpixel.steps)
        out = np.empty(input_shape, g.dtype)
        interleave(out, phases, stride)
        return out
    steps = backward_steps(g.shape, weight.shape, input_shape, *options, g.itemsize)
    if reads_phases(steps, input_shape[2:], stride, dilation):
        reach = [dilation[i] * (weight.shape[2 + i] - 1) for i in (0, 1)]
        around = [(reach[i] - padding[i][0], reach[i] - padding[i][1]) for i in (0, 1)]
        turned = filters[..., ::-1, ::-1].reshape(input_shape[1], -1, *weight.shape[2:])
        return conv2d(g, turned, None, stride, (around[0], around[1]), dilation, groups)
    reached = sum(math.prod(axis.length for axis in step.axes) for step in steps if not step.adds)
    # Zeros where no tap reaches: the system hands out large ones at no cost.
    out = (np.empty if reached == math.prod(input_shape[2:]) else np.zeros)(input_shape, g.dtype)
    _correlate(out, g, filters, None, steps)
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
    steps = forward_steps(g.shape, weight_shape, x.shape, *options, x.itemsize, True)
    if reads_phases(steps, g.shape[2:], stride, dilation):
        pixels = _phases_read(x, g.shape, weight_shape, padding, dilation)
        g = gather_phases(g, (0, 0), (g.shape[2], g.shape[3]), (0, 0), dilation)
        return conv2d_weight_grad(g, pixels, weight_shape, stride, NO_PADDING, (1, 1), groups)
    out = np.empty(weight_shape, x.dtype)
    grouped = _grouped(out, groups)
    kernel_shape = grouped.shape[3:]
    taps = np.arange(math.prod(kernel_shape)).reshape(kernel_shape)
    step_taps = [taps[step.rows.taps, step.columns.taps] for step in steps]
    if len(steps) == 1 and step_taps[0].shape == kernel_shape:
        _weight_grad(grouped, g, x, steps[0])
        return out
    filters = out.reshape(len(out), -1)
    for i, (step, indices) in enumerate(zip(steps, step_taps, strict=True)):
        part = np.empty((*grouped.shape[:3], *indices.shape), out.dtype)
        if indices.size:
            _weight_grad(part, g, x, step)
        parts = part.reshape(len(out), -1)
        _add_taps.run(out.size, filters, parts, indices.ravel(), taps.size, i == 0)
    return out


@kernel
def _add_taps(
    out: np.ndarray, part: np.ndarray, indices: np.ndarray, taps: int, is_first: bool
) -> None:
    """Add part (F, channels * some taps) to out (F, channels * taps), at the taps `indices`.

    The first part is added to zeros: before it `out` is undefined.
    """
    for f in prange(out.shape[0]):
        filter = out[f]
        addend = part[f]
        if is_first:
            for i in range(filter.size):
                filter[i] = 0
        for c in range(filter.size // taps):
            for i in range(indices.size):
                filter[c * taps + indices[i]] += addend[c * indices.size + i]


def _weight_grad(out: np.ndarray, g: np.ndarray, x: np.ndarray, step: Step) -> None:
    """Fill `out`, (groups, F / groups, C / groups, taps, taps), from the outputs of one step."""
    if step.algorithm == "winograd":
        for i, group in enumerate(out):
            f, c = _group_channels(i, group)
            rows, columns = group.shape[2:]
            taps = group if rows == columns == 3 else np.empty((*group.shape[:2], 3, 3), out.dtype)
            weight_grad_winograd(taps, g[:, f], x[:, c], step.axes, step.tile)
            if taps is not group:
                group[:] = taps[:, :, :rows, :columns]
        return
    g = g[:, :, step.rows.outputs, step.columns.outputs]
    if step.algorithm == "direct":
        weight_grad_direct(out, g, x, step.axes)
    elif step.algorithm == "depthwise":
        weight_grad_depthwise(out, g, x, step.axes)
    else:
        weight_grad_implicit_gemm(out, g, x, step.axes)


def _correlate(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    steps: Steps,
) -> None:
    """Fill `out` step by step with source * filters + bias, or bias where there are no taps.

    The filters are (groups, F / groups, C / groups, K, L).
    """
    for step in steps:
        rows, columns = step.rows, step.columns
        taps = filters[..., rows.taps, columns.taps]
        if not (taps.size and out.size):
            outputs = out[:, :, rows.outputs, columns.outputs]
            outputs[:] = 0 if bias is None else bias[:, None, None]
        elif step.algorithm == "winograd":
            for i, group in enumerate(_three_by_three(taps)):
                f, c = _group_channels(i, group)
                group_bias = None if bias is None or step.adds else bias[f]
                group_out, group_source = out[:, f], source[:, c]
                correlate_winograd(
                    group_out, group_source, group, group_bias, step.axes, step.tile, step.adds
                )
        elif step.algorithm == "direct":
            correlate_direct(out, source, taps, bias, step.axes)
        elif step.algorithm == "depthwise":
            correlate_depthwise(out, source, taps, bias, step.axes)
        else:
            correlate_implicit_gemm(out, source, taps, bias, step.axes)


def _three_by_three(filters: np.ndarray) -> np.ndarray:
    """Filters with zeros for the taps that they lack of 3 x 3."""
    rows, columns = filters.shape[-2:]
    if rows == columns == 3:
        return filters
    padded = np.zeros((*filters.shape[:-2], 3, 3), filters.dtype)
    padded[..., :rows, :columns] = filters
    return padded


def _group_channels(i: int, filters: np.ndarray) -> tuple[slice, slice]:
    """The channels that group `i` writes, and those that it reads, given its (F, C, K, L)."""
    f, c = filters.shape[:2]
    return slice(i * f, (i + 1) * f), slice(i * c, (i + 1) * c)


def _grouped(weight: np.ndarray, groups: int) -> np.ndarray:
    """(F, C / groups, K, L) -> (groups, F / groups, C / groups, K, L)."""
    return weight.reshape(groups, len(weight) // groups, *weight.shape[1:])
