"""Windows of images as columns (unfold), and columns summed into images (fold)."""

from collections.abc import Sequence

import numpy as np

from minigrad import ops
from minigrad.core.types import Array
from minigrad.engine.op import labelled
from minigrad.nn.functional.arguments import IntOrSequence, Pair, batched, pair
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
    paddings = pair(padding, "padding", least=0)
    padded = ops.pad_constant(images, padding=((0, 0), (0, 0), *((p, p) for p in paddings)))
    order = padded.new_tensor(indices.reshape(-1), dtype=int)
    windows = ops.index_select(ops.flatten(padded, 2), 2, order)
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
    paddings = pair(padding, "padding", least=0)
    height, width = (s + 2 * p for s, p in zip(size, paddings, strict=True))
    added = ops.index_add(
        columns.new_zeros(batch, channels, height * width),
        2,
        columns.new_tensor(indices.reshape(-1), dtype=int),
        columns.reshape(batch, channels, indices.size),
    )
    images = added.reshape(batch, channels, height, width)
    images = images[..., paddings[0] : paddings[0] + size[0], paddings[1] : paddings[1] + size[1]]
    return images.squeeze(0) if single else images


def _geometry(
    size: Sequence[int],
    kernel_size: IntOrSequence,
    dilation: IntOrSequence,
    padding: IntOrSequence,
    stride: IntOrSequence,
    name: str,
) -> tuple[Pair, Array]:
    """The kernel's size, and the flat indices of each window's elements (K * L, windows)."""
    kernel, dilations = pair(kernel_size, "kernel_size"), pair(dilation, "dilation")
    paddings, strides = pair(padding, "padding", least=0), pair(stride, "stride")
    axes = []
    for i in (0, 1):
        last = size[i] + 2 * paddings[i] - dilations[i] * (kernel[i] - 1) - 1
        if last < 0:
            raise RuntimeError(
                f"{name}: a window of {list(kernel)} elements, dilation {list(dilations)}, does "
                f"not fit into an image of {list(size)} with padding {list(paddings)}"
            )
        starts = np.arange(last // strides[i] + 1) * strides[i]
        axes.append(np.arange(kernel[i])[:, None] * dilations[i] + starts)
    rows, columns = axes
    width = size[1] + 2 * paddings[1]
    indices = rows[:, None, :, None] * width + columns[None, :, None, :]
    return kernel, indices.reshape(kernel[0] * kernel[1], -1)
