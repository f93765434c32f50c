"""Max, average and power-average pooling of images and signals, adaptive pooling, unpooling."""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Literal, overload

import numpy as np

from minigrad import ops
from minigrad.core.types import Shape
from minigrad.engine.half_precision import in_float32
from minigrad.kernels.pooling.avg_pool import pooled_size
from minigrad.nn.functional.arguments import (
    IntOrSequence,
    Pair,
    batched,
    pair,
    require_countable,
    require_floating,
    single_int,
)
from minigrad.ops.nn import pool
from minigrad.tensor import Tensor


def _window_geometry(
    kernel_size: IntOrSequence, stride: IntOrSequence | None, padding: IntOrSequence, dilation: Pair
) -> tuple[Pair, Pair, Pair]:
    """The kernel size, the stride (by default the kernel size) and the padding, as pairs."""
    kernel = pair(kernel_size, "kernel_size")
    strides = kernel if stride is None or stride in ([], ()) else pair(stride, "stride")
    paddings = pair(padding, "padding", least=0)
    _require_padding(kernel, paddings, dilation)
    return kernel, strides, paddings


def require_pixels(name: str, images: Tensor, channels: bool = True) -> None:
    """Raise RuntimeError for images without pixels, or without channels; there may be no image."""
    if 0 in images.array.shape[1 if channels else 2 :]:
        raise RuntimeError(
            f"{name}: Expected a tensor with optional 0 dim batch size for input, but got: "
            f"{list(images.shape)}"
        )


@lru_cache(256)
def _require_padding(kernel: Pair, paddings: Pair, dilation: Pair) -> None:
    """Raise RuntimeError if padding is more than half of the kernel's extent."""
    for i in (0, 1):
        if 2 * paddings[i] > dilation[i] * (kernel[i] - 1) + 1:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={paddings[i]}, "
                f"kernel_size={kernel[i]} and dilation={dilation[i]}"
            )


@lru_cache(256)
def _require_output(
    shape: Shape, kernel: Pair, strides: Pair, paddings: Pair, dilation: Pair, ceil_mode: bool
) -> None:
    """Raise RuntimeError if the result would have no elements."""
    rows, columns = (
        pooled_size(shape[2 + i], kernel[i], strides[i], paddings[i], dilation[i], ceil_mode)
        for i in (0, 1)
    )
    batch, channels, height, width = shape
    if rows < 1 or columns < 1:
        raise RuntimeError(
            f"Given input size: ({channels}x{height}x{width}). Calculated output size: "
            f"({channels}x{rows}x{columns}). Output size is too small"
        )
    extents = (shape[2 + i] + 2 * paddings[i] + kernel[i] + strides[i] for i in (0, 1))
    require_countable("pooling", (batch, channels, rows, columns), *((size,) for size in extents))


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
    images, single = batched("max_pool2d", input)
    require_pixels("max_pool2d", images)
    if images.array.dtype == bool:
        raise RuntimeError(f"max_pool2d is not implemented for {input.dtype}")
    dilations = pair(dilation, "dilation")
    kernel, strides, paddings = _window_geometry(kernel_size, stride, padding, dilations)
    _require_output(images.array.shape, kernel, strides, paddings, dilations, ceil_mode)
    out, indices = pool.max_pool2d(
        images, kernel_size=kernel, stride=strides, padding=paddings, dilation=dilations,
        ceil_mode=ceil_mode,
    )  # fmt: skip
    if single:
        out, indices = out.squeeze(0), indices.squeeze(0)
    return (out, indices) if return_indices else out


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
    images, single = batched("avg_pool2d", input)
    require_pixels("avg_pool2d", images)
    if images.array.dtype != np.int64:
        require_floating("avg_pool2d", images)
    kernel, strides, paddings = _window_geometry(kernel_size, stride, padding, (1, 1))
    if divisor_override == 0:
        raise RuntimeError("avg_pool2d: divisor_override must not be 0")
    _require_output(images.array.shape, kernel, strides, paddings, (1, 1), ceil_mode)
    out = pool.avg_pool2d(
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
    kernel = pair(kernel_size, "kernel_size")
    means = avg_pool2d(ops.pow(input, norm_type), kernel, stride, 0, ceil_mode)
    sums = means * (kernel[0] * kernel[1])
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


# --- unpooling ------------------------------------------------------------------------------------


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The partial inverse of max_pool2d: zeros, with each element at its index.

    (N, C, H', W') or (C, H', W') -> the same with output_size, by default
    (H' - 1) stride - 2 padding + kernel_size.  Raises RuntimeError if the shapes differ or an index
    is out of range, ValueError for an output_size that pooling cannot have had.
    PyTorch differs: elements with the same index are summed; in PyTorch the last one stays.
    """
    images, single = batched("max_unpool2d", input)
    if input.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be: {list(input.shape)} but got: {list(indices.shape)}"
        )
    kernel, strides, paddings = _window_geometry(kernel_size, stride, padding, (1, 1))
    expected = [
        (images.shape[2 + i] - 1) * strides[i] - 2 * paddings[i] + kernel[i] for i in (0, 1)
    ]
    size = expected if output_size is None else list(output_size)[-2:]
    if any(abs(size[i] - expected[i]) >= strides[i] for i in (0, 1)):
        raise ValueError(
            f"invalid output_size {list(size)}: it must be less than a stride {strides} away from "
            f"{expected}"
        )
    require_countable("max_unpool2d", [*images.shape[:2], *size])
    positions = indices.array.reshape(images.shape)
    if positions.size and not 0 <= positions.min() <= positions.max() < size[0] * size[1]:
        raise RuntimeError(
            f"found an invalid max index: {positions.max()} (output volumes are of size "
            f"{size[0]}x{size[1]})"
        )
    out = pool.scatter_planes(images, indices=positions, size=(size[0], size[1]))
    return out.squeeze(0) if single else out


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The partial inverse of max_pool1d: zeros, with each element at its index.

    (N, C, L') or (C, L') -> the same with output_size; see max_unpool2d.
    """
    return max_unpool2d(
        as_row("max_unpool1d", input),
        as_row("max_unpool1d", indices),
        row_pair(kernel_size, "kernel_size"),
        None if stride is None else row_pair(stride, "stride"),
        row_pair(padding, "padding", least=0),
        None if output_size is None else (1, list(output_size)[-1]),
    ).squeeze(-2)


# --- results with indices -------------------------------------------------------------------------

max_pool1d_with_indices = partial(max_pool1d, return_indices=True)
max_pool2d_with_indices = partial(max_pool2d, return_indices=True)
