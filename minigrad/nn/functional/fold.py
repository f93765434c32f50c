"""Windows of images as columns (unfold), and columns summed into images (fold)."""

from collections.abc import Sequence

import numpy as np

from minigrad import ops
from minigrad.core.types import Array
from minigrad.engine.op import labelled
from minigrad.engine.step_recorder import made_of_numbers
from minigrad.nn.functional.arguments import (
    IntOrSequence,
    Pair,
    batched,
    pair,
    require_countable,
)
from minigrad.tensor import Tensor


@labelled("Im2ColBackward0")
def unfold(
    input: Tensor,
    kernel_size: IntOrSequence,
    dilation: IntOrSequence = 1,
    padding: IntOrSequence = 0,
    stride: IntOrSequence = 1,
) -> Tensor:
    """Each window of the images as a column: (N, C, H, W) -> (N, C * K * L, windows).

    Also (C, H, W) -> (C * K * L, windows); the kernel is (K, L).  Raises RuntimeError if the kernel
    is larger than the padded image.
    """
    images, single = batched("unfold", input)
    kernel, indices = _geometry(images.shape[2:], kernel_size, dilation, padding, stride, "unfold")
    pixels = ops.flatten(images, 2)
    if max(pair(padding, "padding", least=0)) > 0:  # one pixel more, which is zero
        pixels = ops.pad_constant(pixels, padding=((0, 0), (0, 0), (0, 1)))
    places = images.new_tensor(indices.reshape(-1), dtype=int)
    made_of_numbers(places.array)
    windows = ops.index_select(pixels, 2, places)
    rows = images.shape[1] * kernel[0] * kernel[1]
    columns = windows.reshape(images.shape[0], rows, indices.shape[1])
    return columns.squeeze(0) if single else columns


@labelled("Col2ImBackward0")
def fold(
    input: Tensor,
    output_size: IntOrSequence,
    kernel_size: IntOrSequence,
    dilation: IntOrSequence = 1,
    padding: IntOrSequence = 0,
    stride: IntOrSequence = 1,
) -> Tensor:
    """The adjoint of unfold: each column is added to its window of an image of zeros.

    (N, C * K * L, windows) -> (N, C, *output_size); also without N.  Raises RuntimeError for
    columns of another size or number.
    """
    columns, single = batched("fold", input, dimensions=1)
    size = pair(output_size, "output_size")
    kernel, indices = _geometry(size, kernel_size, dilation, padding, stride, "fold")
    window = kernel[0] * kernel[1]
    if columns.shape[1] % window or columns.shape[2] != indices.shape[1]:
        raise RuntimeError(
            f"fold: columns for output_size {list(size)} must have a multiple of {window} rows, "
            f"and there must be {indices.shape[1]} of them, got an input of shape "
            f"{list(input.shape)}"
        )
    batch, channels = columns.shape[0], columns.shape[1] // window
    pixels = size[0] * size[1]
    added = ops.index_add(
        columns.new_zeros(
            batch, channels, pixels + 1
        ),  # what falls on the padding goes to the last
        2,
        columns.new_tensor(indices.reshape(-1), dtype=int),
        columns.reshape(batch, channels, indices.size),
    )
    images = added[..., :pixels].reshape(batch, channels, *size)
    return images.squeeze(0) if single else images


def _geometry(
    size: Sequence[int],
    kernel_size: IntOrSequence,
    dilation: IntOrSequence,
    padding: IntOrSequence,
    stride: IntOrSequence,
    name: str,
) -> tuple[Pair, Array]:
    """The kernel's size, and the flat indices of each window's elements (K * L, windows).

    An element in the padding has the index after the last pixel's.
    """
    kernel, dilations = pair(kernel_size, "kernel_size"), pair(dilation, "dilation")
    paddings, strides = pair(padding, "padding", least=0), pair(stride, "stride")
    counts = []
    for i in (0, 1):
        last = size[i] + 2 * paddings[i] - dilations[i] * (kernel[i] - 1) - 1
        if last < 0:
            raise RuntimeError(
                f"{name}: a window of {list(kernel)} elements, dilation {list(dilations)}, does "
                f"not fit into an image of {list(size)} with padding {list(paddings)}"
            )
        require_countable(name, [size[i] + 2 * paddings[i]])
        counts.append(last // strides[i] + 1)
    require_countable(name, size, [*kernel, *counts])
    rows, columns = axes = [
        np.arange(kernel[i])[:, None] * dilations[i] + np.arange(counts[i]) * strides[i]
        - paddings[i]
        for i in (0, 1)
    ]  # fmt: skip
    indices = rows[:, None, :, None] * size[1] + columns[None, :, None, :]
    if max(paddings) > 0:
        is_row, is_column = ((axis >= 0) & (axis < size[i]) for i, axis in enumerate(axes))
        is_inside = is_row[:, None, :, None] & is_column[None, :, None, :]
        indices = np.where(is_inside, indices, size[0] * size[1])
    return kernel, indices.reshape(kernel[0] * kernel[1], -1)
