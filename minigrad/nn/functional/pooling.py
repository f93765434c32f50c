"""Pooling of images: the largest or the mean of each window."""

from collections.abc import Sequence
from typing import Any

from minigrad.kernels.pool import pooled_size
from minigrad.nn.functional.checks import IntOrPair, Pair, batched, pair, require_floating
from minigrad.ops import pool


def _windows(
    kernel_size: IntOrPair, stride: IntOrPair | None, padding: IntOrPair, dilation: Pair
) -> tuple[Pair, Pair, Pair]:
    kernel = pair(kernel_size, "kernel_size")
    step = kernel if stride is None or stride in ([], ()) else pair(stride, "stride")
    pads = pair(padding, "padding", least=0)
    for i in (0, 1):
        if 2 * pads[i] > dilation[i] * (kernel[i] - 1) + 1:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={pads[i]}, "
                f"kernel_size={kernel[i]} and dilation={dilation[i]}"
            )
    return kernel, step, pads


def _require_output(
    input: Any, kernel: Pair, step: Pair, pads: Pair, dilation: Pair, ceil_mode: bool
) -> None:
    rows, columns = (
        pooled_size(input.shape[2 + i], kernel[i], step[i], pads[i], dilation[i], ceil_mode)
        for i in (0, 1)
    )
    _, channels, height, width = input.shape
    if rows < 1 or columns < 1:
        raise RuntimeError(
            f"Given input size: ({channels}x{height}x{width}). Calculated output size: "
            f"({channels}x{rows}x{columns}). Output size is too small"
        )


def max_pool2d(
    input: Any,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
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
    _require_output(images, kernel, step, pads, taps, ceil_mode)
    out, indices = pool.max_pool2d(
        images, kernel_size=kernel, stride=step, padding=pads, dilation=taps, ceil_mode=ceil_mode
    )
    if single:
        out, indices = out.squeeze(0), indices.squeeze(0)
    return (out, indices) if return_indices else out


def avg_pool2d(
    input: Any,
    kernel_size: IntOrPair,
    stride: IntOrPair | None = None,
    padding: IntOrPair = 0,
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
    _require_output(images, kernel, step, pads, (1, 1), ceil_mode)
    out = pool.avg_pool2d(
        images, kernel_size=kernel, stride=step, padding=pads, ceil_mode=ceil_mode,
        count_include_pad=count_include_pad, divisor_override=divisor_override,
    )  # fmt: skip
    return out.squeeze(0) if single else out


def adaptive_avg_pool2d(input: Any, output_size: int | Sequence[int | None]) -> Any:
    """The means of output_size windows that share the image evenly; None keeps a size."""
    images, single = batched("adaptive_avg_pool2d", input)
    require_floating("adaptive_avg_pool2d", images)
    wanted: Any = output_size
    if isinstance(output_size, Sequence):
        wanted = [
            images.shape[i - 2] if size is None else size for i, size in enumerate(output_size)
        ]
    out = pool.adaptive_avg_pool2d(images, output_size=pair(wanted, "output_size"))
    return out.squeeze(0) if single else out
