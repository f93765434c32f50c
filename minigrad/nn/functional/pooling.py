"""Max, average and power-average pooling of signals, images and volumes."""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Literal, overload

import numpy as np

from minigrad import ops
from minigrad.core.types import Shape
from minigrad.engine.half_precision import in_float32
from minigrad.kernels.pooling import avg_pool as averages
from minigrad.nn.functional.arguments import (
    IntOrSequence,
    Pair,
    batched,
    require_countable,
    require_floating,
    single_int,
    sizes,
)
from minigrad.ops.nn import pool, pool3d
from minigrad.tensor import Tensor


def window_geometry(
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None,
    padding: IntOrSequence,
    dilation: tuple[int, ...],
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The kernel size, the stride (by default the kernel size) and the padding, per dimension."""
    count = len(dilation)
    kernel = sizes(kernel_size, "kernel_size", count)
    is_left_out = stride is None or (isinstance(stride, Sequence) and not stride)
    strides = kernel if is_left_out else sizes(stride, "stride", count)
    paddings = sizes(padding, "padding", count, least=0)
    _require_padding(kernel, paddings, dilation)
    return kernel, strides, paddings


@lru_cache(256, typed=True)
def _checked_window(
    shape: Shape,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None,
    padding: IntOrSequence,
    dilation: IntOrSequence,
    ceil_mode: bool,
) -> tuple[tuple[int, ...], ...]:
    """`window_geometry` and the dilation, of windows that give (N, C, ...) images a result."""
    dilations = sizes(dilation, "dilation", len(shape) - 2)
    geometry = window_geometry(kernel_size, stride, padding, dilations)
    _require_output(shape, *geometry, dilations, ceil_mode)
    return *geometry, dilations


def _window(shape: Shape, *given: Any) -> tuple[tuple[int, ...], ...]:
    """As `_checked_window`, of lists too."""
    try:
        return _checked_window(shape, *given)
    except TypeError:
        return _checked_window.__wrapped__(shape, *given)


def require_pixels(name: str, images: Tensor, channels: bool = True) -> None:
    """Raise RuntimeError for images without pixels, or without channels; there may be no image."""
    if 0 in images.array.shape[1 if channels else 2 :]:
        raise RuntimeError(
            f"{name}: Expected a tensor with optional 0 dim batch size for input, but got: "
            f"{list(images.shape)}"
        )


@lru_cache(256)
def _require_padding(
    kernel: tuple[int, ...], paddings: tuple[int, ...], dilation: tuple[int, ...]
) -> None:
    """Raise RuntimeError if padding is more than half of the kernel's extent."""
    for i, size in enumerate(kernel):
        if 2 * paddings[i] > dilation[i] * (size - 1) + 1:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={paddings[i]}, "
                f"kernel_size={size} and dilation={dilation[i]}"
            )


def _require_output(
    shape: Shape,
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    paddings: tuple[int, ...],
    dilation: tuple[int, ...],
    ceil_mode: bool,
) -> None:
    """Raise RuntimeError if the result would have no elements."""
    outputs = [
        averages.pooled_size(
            shape[2 + i], kernel[i], strides[i], paddings[i], dilation[i], ceil_mode
        )
        for i in range(len(kernel))
    ]
    batch, channels, *extents = shape
    if min(outputs) < 1:
        raise RuntimeError(
            f"Given input size: ({'x'.join(map(str, (channels, *extents)))}). Calculated output "
            f"size: ({'x'.join(map(str, (channels, *outputs)))}). Output size is too small"
        )
    padded = (extents[i] + 2 * paddings[i] + kernel[i] + strides[i] for i in range(len(kernel)))
    require_countable("pooling", (batch, channels, *outputs), *((size,) for size in padded))


@overload
def max_pool2d(
    input: Tensor, kernel_size: IntOrSequence, stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0, dilation: IntOrSequence = 1, ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...  # fmt: skip
@overload
def max_pool2d(
    input: Tensor, kernel_size: IntOrSequence, stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0, dilation: IntOrSequence = 1, ceil_mode: bool = False,
    *, return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def max_pool2d(
    input: Tensor,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    dilation: IntOrSequence = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element of each window: (N, C, H, W) or (C, H, W) -> the same with H', W'.

    With return_indices=True also the elements' indices in the flattened H * W.
    stride is kernel_size by default.
    Raises RuntimeError if padding is more than half of the kernel or no window fits.
    """
    window = kernel_size, stride, padding, dilation, ceil_mode
    out, indices = _max_pool("max_pool2d", pool.max_pool2d, input, *window, 2)
    return (out, indices) if return_indices else out


@overload
def max_pool3d(
    input: Tensor, kernel_size: IntOrSequence, stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0, dilation: IntOrSequence = 1, ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...  # fmt: skip
@overload
def max_pool3d(
    input: Tensor, kernel_size: IntOrSequence, stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0, dilation: IntOrSequence = 1, ceil_mode: bool = False,
    *, return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def max_pool3d(
    input: Tensor,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    dilation: IntOrSequence = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element of each window: (N, C, D, H, W) or (C, D, H, W) -> ... D', H', W'.

    With return_indices=True also the elements' indices in the flattened D * H * W.
    Raises RuntimeError as max_pool2d does.
    """
    window = kernel_size, stride, padding, dilation, ceil_mode
    out, indices = _max_pool("max_pool3d", pool3d.max_pool3d, input, *window, 3)
    return (out, indices) if return_indices else out


def _max_pool(
    name: str, function: Callable[..., tuple[Tensor, Tensor]], input: Tensor,
    kernel_size: IntOrSequence, stride: IntOrSequence | None, padding: IntOrSequence,
    dilation: IntOrSequence, ceil_mode: bool, dimensions: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The maxima and their indices, of inputs with this number of spatial dimensions."""
    images, single = batched(name, input, dimensions)
    require_pixels(name, images)
    if images.array.dtype == bool:
        raise RuntimeError(f"{name} is not implemented for {input.dtype}")
    kernel, strides, paddings, dilations = _window(
        images.array.shape, kernel_size, stride, padding, dilation, ceil_mode
    )
    out, indices = function(
        images, kernel_size=kernel, stride=strides, padding=paddings, dilation=dilations,
        ceil_mode=ceil_mode,
    )  # fmt: skip
    if single:
        return out.squeeze(0), indices.squeeze(0)
    return out, indices


def avg_pool2d(
    input: Tensor,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: (N, C, H, W) or (C, H, W) -> the same with H', W'.

    count_include_pad: padding counts in the mean.  divisor_override: the divisor of each sum, in
    place of the number of elements.
    Raises RuntimeError if padding is more than half of the kernel or no window fits.
    """
    window = kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    return _avg_pool("avg_pool2d", pool.avg_pool2d, input, *window, 2)


def avg_pool3d(
    input: Tensor,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window: (N, C, D, H, W) or (C, D, H, W) -> the same with D', H', W'.

    The arguments and errors are those of avg_pool2d.
    PyTorch differs: it refuses windows larger than the input even where padding makes room.
    """
    window = kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    return _avg_pool("avg_pool3d", pool3d.avg_pool3d, input, *window, 3)


def _avg_pool(
    name: str, function: Callable[..., Tensor], input: Tensor, kernel_size: IntOrSequence,
    stride: IntOrSequence | None, padding: IntOrSequence, ceil_mode: bool,
    count_include_pad: bool, divisor_override: int | None, dimensions: int,
) -> Tensor:  # fmt: skip
    """The means of windows, of inputs with this number of spatial dimensions."""
    images, single = batched(name, input, dimensions)
    require_pixels(name, images)
    if images.array.dtype != np.int64:
        require_floating(name, images)
    if divisor_override == 0:
        raise RuntimeError(f"{name}: divisor must be not zero, got divisor_override=0")
    kernel, strides, paddings, _ = _window(
        images.array.shape, kernel_size, stride, padding, 1, ceil_mode
    )
    out = function(
        images, kernel_size=kernel, stride=strides, padding=paddings, ceil_mode=ceil_mode,
        count_include_pad=count_include_pad, divisor_override=divisor_override,
    )  # fmt: skip
    return out.squeeze(0) if single else out


@in_float32
def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """sum(input^p)^(1/p) over each window, p = norm_type: (N, C, H, W) -> (N, C, H', W').

    Also without N.  stride is kernel_size by default.  No absolute values are taken, as in PyTorch:
    a negative sum gives nan where p is odd.
    """
    kernel = sizes(kernel_size, "kernel_size", 2)
    means = avg_pool2d(ops.pow(input, norm_type), kernel, stride, 0, ceil_mode)
    return _root(means * math.prod(kernel), norm_type)


@in_float32
def lp_pool3d(
    input: Tensor,
    norm_type: float,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """sum(input^p)^(1/p) over each window, p = norm_type: (N, C, D, H, W) -> (N, C, D', H', W').

    Also without N.  See lp_pool2d.
    """
    kernel = sizes(kernel_size, "kernel_size", 3)
    means = avg_pool3d(ops.pow(input, norm_type), kernel, stride, 0, ceil_mode)
    return _root(means * math.prod(kernel), norm_type)


def _root(sums: Tensor, norm_type: float) -> Tensor:
    """The p-th root of the sums of p-th powers."""
    return ops.pow(ops.sign(sums) * ops.relu(ops.abs(sums)), 1.0 / norm_type)


# --- signals, pooled as images of one row ---------------------------------------------------------


def as_row(name: str, input: Tensor) -> Tensor:
    """(N, C, L) or (C, L) as images of one row."""
    signals, single = batched(name, input, 1)
    row = ops.unsqueeze(signals, dim=2)
    return row.squeeze(0) if single else row


def row_pair(size: IntOrSequence, name: str, least: int = 1) -> Pair:
    """The pair for images of one row: (1, size), or (0, size) for a padding."""
    return (1 if least else 0, single_int(size, name, least))


@overload
def max_pool1d(
    input: Tensor, kernel_size: IntOrSequence, stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0, dilation: IntOrSequence = 1, ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor: ...  # fmt: skip
@overload
def max_pool1d(
    input: Tensor, kernel_size: IntOrSequence, stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0, dilation: IntOrSequence = 1, ceil_mode: bool = False,
    *, return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def max_pool1d(
    input: Tensor,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    dilation: IntOrSequence = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element of each window: (N, C, L) or (C, L) -> (N, C, L') or (C, L').

    With return_indices=True also the elements' indices in L.
    Raises RuntimeError as max_pool2d does.
    """
    out, indices = max_pool2d(
        as_row("max_pool1d", input),
        row_pair(kernel_size, "kernel_size"),
        None if stride in (None, [], ()) else row_pair(stride, "stride"),
        row_pair(padding, "padding", least=0),
        row_pair(dilation, "dilation"),
        ceil_mode,
        return_indices=True,
    )
    return (out.squeeze(-2), indices.squeeze(-2)) if return_indices else out.squeeze(-2)


def avg_pool1d(
    input: Tensor,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window: (N, C, L) or (C, L) -> (N, C, L') or (C, L').

    Raises RuntimeError as avg_pool2d does.
    """
    return avg_pool2d(
        as_row("avg_pool1d", input),
        row_pair(kernel_size, "kernel_size"),
        None if stride in (None, [], ()) else row_pair(stride, "stride"),
        row_pair(padding, "padding", least=0),
        ceil_mode,
        count_include_pad,
    ).squeeze(-2)


@in_float32
def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """sum(input^p)^(1/p) over each window, p = norm_type: (N, C, L) or (C, L) -> (N, C, L').

    stride is kernel_size by default.
    """
    return lp_pool2d(
        as_row("lp_pool1d", input),
        norm_type,
        row_pair(kernel_size, "kernel_size"),
        None if stride is None else row_pair(stride, "stride"),
        ceil_mode,
    ).squeeze(-2)


# --- results with indices -------------------------------------------------------------------------

max_pool1d_with_indices = partial(max_pool1d, return_indices=True)
max_pool2d_with_indices = partial(max_pool2d, return_indices=True)
max_pool3d_with_indices = partial(max_pool3d, return_indices=True)
