"""Pooling of images and signals: the largest, the mean or the norm of each window."""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.engine.graph import wrap
from minigrad.kernels.pooling.avg_pool import pooled_size
from minigrad.nn.functional.arguments import (
    IntOrSequence,
    Pair,
    batched,
    pair,
    require_floating,
    single_int,
)
from minigrad.ops.nn import pool


def _windows(
    kernel_size: IntOrSequence, stride: IntOrSequence | None, padding: IntOrSequence, dilation: Pair
) -> tuple[Pair, Pair, Pair]:
    kernel = pair(kernel_size, "kernel_size")
    step = kernel if stride is None or stride in ([], ()) else pair(stride, "stride")
    pads = pair(padding, "padding", least=0)
    _require_half(kernel, pads, dilation)
    return kernel, step, pads


@lru_cache(256)
def _require_half(kernel: Pair, pads: Pair, dilation: Pair) -> None:
    for i in (0, 1):
        if 2 * pads[i] > dilation[i] * (kernel[i] - 1) + 1:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={pads[i]}, "
                f"kernel_size={kernel[i]} and dilation={dilation[i]}"
            )


@lru_cache(256)
def _require_output(
    shape: tuple[int, ...], kernel: Pair, step: Pair, pads: Pair, dilation: Pair, ceil_mode: bool
) -> None:
    rows, columns = (
        pooled_size(shape[2 + i], kernel[i], step[i], pads[i], dilation[i], ceil_mode)
        for i in (0, 1)
    )
    _, channels, height, width = shape
    if rows < 1 or columns < 1:
        raise RuntimeError(
            f"Given input size: ({channels}x{height}x{width}). Calculated output size: "
            f"({channels}x{rows}x{columns}). Output size is too small"
        )


def max_pool2d(
    input: Any,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    dilation: IntOrSequence = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window: (N, C, H, W) or (C, H, W) -> the same with H', W'.

    With return_indices also its place in the flattened H * W.  stride is kernel_size by default.
    Raises RuntimeError if padding is more than half of the kernel or no window fits.
    """
    images, single = batched("max_pool2d", input)
    taps = pair(dilation, "dilation")
    kernel, step, pads = _windows(kernel_size, stride, padding, taps)
    _require_output(images.array.shape, kernel, step, pads, taps, ceil_mode)
    out, indices = pool.max_pool2d(
        images, kernel_size=kernel, stride=step, padding=pads, dilation=taps, ceil_mode=ceil_mode
    )
    if single:
        out, indices = out.squeeze(0), indices.squeeze(0)
    return (out, indices) if return_indices else out


def avg_pool2d(
    input: Any,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window: (N, C, H, W) or (C, H, W) -> the same with H', W'.

    count_include_pad says whether padding counts in the mean; divisor_override is divided by
    instead.  Raises RuntimeError if padding is more than half of the kernel or no window fits.
    """
    images, single = batched("avg_pool2d", input)
    require_floating("avg_pool2d", images)
    kernel, step, pads = _windows(kernel_size, stride, padding, (1, 1))
    if divisor_override == 0:
        raise RuntimeError("avg_pool2d: divisor_override must not be 0")
    _require_output(images.array.shape, kernel, step, pads, (1, 1), ceil_mode)
    out = pool.avg_pool2d(
        images, kernel_size=kernel, stride=step, padding=pads, ceil_mode=ceil_mode,
        count_include_pad=count_include_pad, divisor_override=divisor_override,
    )  # fmt: skip
    return out.squeeze(0) if single else out


def adaptive_avg_pool2d(input: Any, output_size: int | Sequence[int | None]) -> Any:
    """The means of output_size windows that share the image evenly; None keeps a size."""
    images, single = batched("adaptive_avg_pool2d", input)
    require_floating("adaptive_avg_pool2d", images)
    wanted = pair(_kept_sizes(images, output_size), "output_size")
    out = pool.adaptive_avg_pool2d(images, output_size=wanted)
    return out.squeeze(0) if single else out


def adaptive_max_pool2d(
    input: Any, output_size: int | Sequence[int | None], return_indices: bool = False
) -> Any:
    """The largest elements of output_size windows that share the image evenly.

    With return_indices also their places in the flattened H * W.
    """
    images, single = batched("adaptive_max_pool2d", input)
    rows, columns = pair(_kept_sizes(images, output_size), "output_size")
    indices = _places_of_largest(images.array, rows, columns)
    out = pool.gather_planes(images, indices=indices)
    where = wrap(input.kind, indices)
    if single:
        out, where = out.squeeze(0), where.squeeze(0)
    return (out, where) if return_indices else out


def _kept_sizes(images: Any, output_size: int | Sequence[int | None]) -> Any:
    """The sizes wanted, those of the images in the place of None."""
    if isinstance(output_size, Sequence):
        return [images.shape[i - 2] if size is None else size for i, size in enumerate(output_size)]
    return output_size


def _places_of_largest(array: Any, rows: int, columns: int) -> Any:
    """(N, C, rows, columns): where in its plane each window's largest element lies."""
    height, width = array.shape[2:]
    out = np.empty((*array.shape[:2], rows, columns), np.int64)
    for i in range(rows):
        top, bottom = i * height // rows, -(-(i + 1) * height // rows)
        for j in range(columns):
            left, right = j * width // columns, -(-(j + 1) * width // columns)
            window = array[:, :, top:bottom, left:right].reshape(*array.shape[:2], -1)
            y, x = np.divmod(window.argmax(2), right - left)
            out[:, :, i, j] = (top + y) * width + left + x
    return out


def lp_pool2d(
    input: Any,
    norm_type: float,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    ceil_mode: bool = False,
) -> Any:
    """The norm_type-norm of each window; of the windows' sums it is not the absolute value's."""
    taps = pair(kernel_size, "kernel_size")
    sums = avg_pool2d(ops.pow(input, norm_type), taps, stride, 0, ceil_mode) * (taps[0] * taps[1])
    return ops.pow(ops.sign(sums) * ops.relu(ops.abs(sums)), 1.0 / norm_type)


# --- signals: images of one row ---


def _as_row(name: str, input: Any) -> Any:
    """(N, C, L) or (C, L) as images of one row."""
    signals, single = batched(name, input, 1)
    row = ops.unsqueeze(signals, dim=2)
    return row.squeeze(0) if single else row


def _along_row(size: IntOrSequence, name: str, least: int = 1) -> Pair:
    return (1 if least else 0, single_int(size, name, least))


def max_pool1d(
    input: Any,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    dilation: IntOrSequence = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window: (N, C, L) or (C, L) -> (N, C, L') or (C, L').

    With return_indices also its place in L.  Raises RuntimeError as max_pool2d does.
    """
    out, indices = max_pool2d(
        _as_row("max_pool1d", input),
        _along_row(kernel_size, "kernel_size"),
        None if stride in (None, [], ()) else _along_row(stride, "stride"),
        _along_row(padding, "padding", least=0),
        _along_row(dilation, "dilation"),
        ceil_mode,
        return_indices=True,
    )
    return (out.squeeze(-2), indices.squeeze(-2)) if return_indices else out.squeeze(-2)


def avg_pool1d(
    input: Any,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window: (N, C, L) or (C, L) -> (N, C, L') or (C, L').

    Raises RuntimeError as avg_pool2d does.
    """
    return avg_pool2d(
        _as_row("avg_pool1d", input),
        _along_row(kernel_size, "kernel_size"),
        None if stride in (None, [], ()) else _along_row(stride, "stride"),
        _along_row(padding, "padding", least=0),
        ceil_mode,
        count_include_pad,
    ).squeeze(-2)


def lp_pool1d(
    input: Any,
    norm_type: float,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    ceil_mode: bool = False,
) -> Any:
    """The norm_type-norm of each window: (N, C, L) or (C, L) -> (N, C, L') or (C, L')."""
    return lp_pool2d(
        _as_row("lp_pool1d", input),
        norm_type,
        _along_row(kernel_size, "kernel_size"),
        None if stride is None else _along_row(stride, "stride"),
        ceil_mode,
    ).squeeze(-2)


def adaptive_avg_pool1d(input: Any, output_size: IntOrSequence) -> Any:
    """The means of output_size windows that share the signal evenly."""
    row = _as_row("adaptive_avg_pool1d", input)
    return adaptive_avg_pool2d(row, _along_row(output_size, "output_size")).squeeze(-2)


def adaptive_max_pool1d(
    input: Any, output_size: IntOrSequence, return_indices: bool = False
) -> Any:
    """The largest elements of output_size windows that share the signal evenly."""
    row = _as_row("adaptive_max_pool1d", input)
    out, indices = adaptive_max_pool2d(row, _along_row(output_size, "output_size"), True)
    return (out.squeeze(-2), indices.squeeze(-2)) if return_indices else out.squeeze(-2)


# --- the way back ---


def max_unpool2d(
    input: Any,
    indices: Any,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    output_size: Sequence[int] | None = None,
) -> Any:
    """Zeros, with each element of the input at the place that max_pool2d found it.

    (N, C, H', W') or (C, H', W') -> the same with output_size, by default
    (H' - 1) stride - 2 padding + kernel_size.  Raises RuntimeError if the shapes differ or an index
    lies outside.  PyTorch differs: elements with one place add up; there the last one stays.
    """
    images, single = batched("max_unpool2d", input)
    if input.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be: {list(input.shape)} but got: {list(indices.shape)}"
        )
    kernel, step, pads = _windows(kernel_size, stride, padding, (1, 1))
    least = [(images.shape[2 + i] - 1) * step[i] - 2 * pads[i] + kernel[i] for i in (0, 1)]
    size = least if output_size is None else list(output_size)[-2:]
    if any(abs(size[i] - least[i]) >= step[i] for i in (0, 1)):
        raise ValueError(
            f"invalid output_size {list(size)}: it must be less than a stride {step} away from "
            f"{least}"
        )
    places = indices.array.reshape(images.shape)
    if places.size and not 0 <= places.min() <= places.max() < size[0] * size[1]:
        raise RuntimeError(
            f"found an invalid max index: {places.max()} (output volumes are of size "
            f"{size[0]}x{size[1]})"
        )
    out = pool.scatter_planes(images, indices=places, size=(size[0], size[1]))
    return out.squeeze(0) if single else out


def max_unpool1d(
    input: Any,
    indices: Any,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    output_size: Sequence[int] | None = None,
) -> Any:
    """Zeros, with each element of the input at the place that max_pool1d found it.

    (N, C, L') or (C, L') -> the same with output_size; see max_unpool2d.
    """
    return max_unpool2d(
        _as_row("max_unpool1d", input),
        _as_row("max_unpool1d", indices),
        _along_row(kernel_size, "kernel_size"),
        None if stride is None else _along_row(stride, "stride"),
        _along_row(padding, "padding", least=0),
        None if output_size is None else (1, list(output_size)[-1]),
    ).squeeze(-2)


# --- with the places of the largest ---------------------------------------------------------------

max_pool1d_with_indices = partial(max_pool1d, return_indices=True)
max_pool2d_with_indices = partial(max_pool2d, return_indices=True)
adaptive_max_pool1d_with_indices = partial(adaptive_max_pool1d, return_indices=True)
adaptive_max_pool2d_with_indices = partial(adaptive_max_pool2d, return_indices=True)
