"""The windows of an image as columns, and columns added back into an image."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.functional.arguments import IntOrSequence, Pair, batched, pair

Array = np.ndarray[Any, Any]


def unfold(
    input: Any,
    kernel_size: IntOrSequence,
    dilation: IntOrSequence = 1,
    padding: IntOrSequence = 0,
    stride: IntOrSequence = 1,
) -> Any:
    """Every window of the images as a column: (N, C, H, W) -> (N, C * kernel, windows).

    Also (C, H, W) -> (C * kernel, windows).  Raises RuntimeError if there is no window.
    """
    images, single = batched("unfold", input)
    kernel, places = _geometry(images.shape[2:], kernel_size, dilation, padding, stride, "unfold")
    pads = pair(padding, "padding", least=0)
    padded = ops.pad_constant(images, padding=((0, 0), (0, 0), *((p, p) for p in pads)))
    order = padded.new_tensor(places.reshape(-1), dtype=int)
    windows = ops.index_select(ops.flatten(padded, 2), 2, order)
    rows = images.shape[1] * kernel[0] * kernel[1]
    columns = windows.reshape(images.shape[0], rows, places.shape[1])
    return columns.squeeze(0) if single else columns


def fold(
    input: Any,
    output_size: IntOrSequence,
    kernel_size: IntOrSequence,
    dilation: IntOrSequence = 1,
    padding: IntOrSequence = 0,
    stride: IntOrSequence = 1,
) -> Any:
    """Zeros, with each column added where `unfold` takes it: the adjoint of unfold.

    (N, C * kernel, windows) -> (N, C, *output_size); also without N.  Raises RuntimeError for
    columns of another size or number.
    """
    columns, single = batched("fold", input, dimensions=1)
    size = pair(output_size, "output_size")
    kernel, places = _geometry(size, kernel_size, dilation, padding, stride, "fold")
    window = kernel[0] * kernel[1]
    if columns.shape[1] % window or columns.shape[2] != places.shape[1]:
        raise RuntimeError(
            f"fold: columns for output_size {list(size)} must have a multiple of {window} rows, "
            f"and there must be {places.shape[1]} of them, got an input of shape "
            f"{list(input.shape)}"
        )
    batch, channels = columns.shape[0], columns.shape[1] // window
    pads = pair(padding, "padding", least=0)
    height, width = (s + 2 * p for s, p in zip(size, pads, strict=True))
    added = ops.index_add(
        columns.new_zeros(batch, channels, height * width),
        2,
        columns.new_tensor(places.reshape(-1), dtype=int),
        columns.reshape(batch, channels, places.size),
    )
    images = added.reshape(batch, channels, height, width)
    images = images[..., pads[0] : pads[0] + size[0], pads[1] : pads[1] + size[1]]
    return images.squeeze(0) if single else images


def _geometry(
    size: Sequence[int],
    kernel_size: IntOrSequence,
    dilation: IntOrSequence,
    padding: IntOrSequence,
    stride: IntOrSequence,
    name: str,
) -> tuple[Pair, Array]:
    """The kernel's size, and for its elements and every window their places (kernel, windows)."""
    kernel, spread = pair(kernel_size, "kernel_size"), pair(dilation, "dilation")
    pads, step = pair(padding, "padding", least=0), pair(stride, "stride")
    along = []
    for i in (0, 1):
        last = size[i] + 2 * pads[i] - spread[i] * (kernel[i] - 1) - 1
        if last < 0:
            raise RuntimeError(
                f"{name}: a window of {list(kernel)} elements, dilation {list(spread)}, does not "
                f"fit into an image of {list(size)} with padding {list(pads)}"
            )
        starts = np.arange(last // step[i] + 1) * step[i]
        along.append(np.arange(kernel[i])[:, None] * spread[i] + starts)
    rows, columns = along
    width = size[1] + 2 * pads[1]
    places = rows[:, None, :, None] * width + columns[None, :, None, :]
    return kernel, places.reshape(kernel[0] * kernel[1], -1)
