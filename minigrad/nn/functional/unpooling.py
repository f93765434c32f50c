"""Partial inverses of max pooling: the maxima at their places, zeros elsewhere."""

import math
from collections.abc import Sequence

from minigrad.core.types import Array
from minigrad.nn.functional.arguments import IntOrSequence, batched, require_countable
from minigrad.nn.functional.pooling import as_row, row_pair, window_geometry
from minigrad.tensor import Tensor


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
    Of elements with the same index the last one stays.
    PyTorch differs: the derivative with respect to the others is 0, as for `scatter`.
    """
    return _unpool(
        "max_unpool2d", input, indices, kernel_size, stride, padding, output_size, dimensions=2
    )


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: IntOrSequence,
    stride: IntOrSequence | None = None,
    padding: IntOrSequence = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """The partial inverse of max_pool3d: zeros, with each element at its index.

    (N, C, D', H', W') or (C, D', H', W') -> the same with output_size; see max_unpool2d.
    """
    return _unpool(
        "max_unpool3d", input, indices, kernel_size, stride, padding, output_size, dimensions=3
    )


def _unpool(
    name: str, input: Tensor, indices: Tensor, kernel_size: IntOrSequence,
    stride: IntOrSequence | None, padding: IntOrSequence, output_size: Sequence[int] | None,
    dimensions: int,
) -> Tensor:  # fmt: skip
    """Unpooling of inputs with this number of spatial dimensions."""
    images, single = batched(name, input, dimensions)
    if input.shape != indices.shape:
        raise RuntimeError(
            f"Expected shape of indices to be: {list(input.shape)} but got: {list(indices.shape)}"
        )
    kernel, strides, paddings = window_geometry(kernel_size, stride, padding, (1,) * dimensions)
    expected = [
        (images.shape[2 + i] - 1) * strides[i] - 2 * paddings[i] + kernel[i]
        for i in range(dimensions)
    ]
    size = expected if output_size is None else list(output_size)[-dimensions:]
    if any(abs(size[i] - expected[i]) >= strides[i] for i in range(dimensions)):
        raise ValueError(
            f"invalid output_size {list(size)}: it must be less than a stride {strides} away from "
            f"{expected}"
        )
    require_countable(name, [*images.shape[:2], *size])
    positions: Array = indices.array.reshape(images.shape)
    if positions.size and not 0 <= positions.min() <= positions.max() < math.prod(size):
        raise RuntimeError(
            f"Found an invalid max index: {positions.max()} (output volumes are of size "
            f"{'x'.join(map(str, size))})"
        )
    planes = images.new_zeros(*images.shape[:2], math.prod(size))
    out = planes.scatter(2, indices.reshape(images.shape).flatten(2), images.flatten(2))
    out = out.reshape(*images.shape[:2], *size)
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
