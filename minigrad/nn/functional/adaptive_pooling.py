"""Adaptive pooling: windows that divide an image evenly into an output of a given size."""

from collections.abc import Sequence
from functools import partial
from typing import Literal, overload

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.nn.functional.arguments import (
    IntOrSequence,
    batched,
    pair,
    require_floating,
)
from minigrad.nn.functional.pooling import as_row, require_pixels, row_pair
from minigrad.ops.nn import pool
from minigrad.tensor import Tensor

OutputSize = int | Sequence[int | None]
"""The size of an adaptive pooling's result, in which None keeps the size of the input."""


def adaptive_avg_pool2d(input: Tensor, output_size: OutputSize) -> Tensor:
    """The means of output_size windows that divide the image evenly.

    (N, C, H, W) or (C, H, W) -> (N, C, *output_size) or (C, *output_size); None keeps a size.
    """
    images, single = batched("adaptive_avg_pool2d", input)
    require_pixels("adaptive_avg_pool2d", images, channels=False)
    require_floating("adaptive_avg_pool2d", images)
    sizes = pair(_output_sizes(images, output_size), "output_size")
    out = pool.adaptive_avg_pool2d(images, output_size=sizes)
    return out.squeeze(0) if single else out


@overload
def adaptive_max_pool2d(
    input: Tensor, output_size: OutputSize, return_indices: Literal[False] = False
) -> Tensor: ...


@overload
def adaptive_max_pool2d(
    input: Tensor, output_size: OutputSize, return_indices: Literal[True]
) -> tuple[Tensor, Tensor]: ...


def adaptive_max_pool2d(
    input: Tensor, output_size: OutputSize, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of output_size windows that divide the image evenly.

    (N, C, H, W) or (C, H, W) -> (N, C, *output_size) or (C, *output_size); None keeps a size.
    With return_indices=True also the elements' indices in the flattened H * W.
    """
    images, single = batched("adaptive_max_pool2d", input)
    require_floating("adaptive_max_pool2d", images)
    require_pixels("adaptive_max_pool2d", images)
    rows, columns = pair(_output_sizes(images, output_size), "output_size")
    flat_indices = _max_indices(images.array, rows, columns)
    out = pool.gather_planes(images, indices=flat_indices)
    indices: Tensor = wrap(input.kind, flat_indices)
    if single:
        out, indices = out.squeeze(0), indices.squeeze(0)
    return (out, indices) if return_indices else out


def _output_sizes(images: Tensor, output_size: OutputSize) -> IntOrSequence:
    """The output size, with the images' sizes in place of None."""
    if isinstance(output_size, Sequence):
        return [images.shape[i - 2] if size is None else size for i, size in enumerate(output_size)]
    return output_size


def _max_indices(array: Array, rows: int, columns: int) -> Array:
    """(N, C, rows, columns): the flat index of each window's largest element in its plane."""
    height, width = array.shape[2:]
    out = np.empty((*array.shape[:2], rows, columns), np.int64)
    for i in range(rows):
        top, bottom = i * height // rows, -(-(i + 1) * height // rows)
        for j in range(columns):
            left, right = j * width // columns, -(-(j + 1) * width // columns)
            area = (bottom - top) * (right - left)
            window = array[:, :, top:bottom, left:right].reshape(*array.shape[:2], area)
            y, x = np.divmod(window.argmax(2), right - left)
            out[:, :, i, j] = (top + y) * width + left + x
    return out


def adaptive_avg_pool1d(input: Tensor, output_size: IntOrSequence) -> Tensor:
    """The means of output_size windows that divide the signal evenly: (N, C, L) or (C, L)."""
    row = as_row("adaptive_avg_pool1d", input)
    return adaptive_avg_pool2d(row, row_pair(output_size, "output_size")).squeeze(-2)


@overload
def adaptive_max_pool1d(
    input: Tensor, output_size: IntOrSequence, return_indices: Literal[False] = False
) -> Tensor: ...


@overload
def adaptive_max_pool1d(
    input: Tensor, output_size: IntOrSequence, return_indices: Literal[True]
) -> tuple[Tensor, Tensor]: ...


def adaptive_max_pool1d(
    input: Tensor, output_size: IntOrSequence, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of output_size windows that divide the signal evenly.

    (N, C, L) or (C, L) -> (N, C, output_size) or (C, output_size).  With return_indices=True also
    the elements' indices in L.
    """
    row = as_row("adaptive_max_pool1d", input)
    out, indices = adaptive_max_pool2d(row, row_pair(output_size, "output_size"), True)
    return (out.squeeze(-2), indices.squeeze(-2)) if return_indices else out.squeeze(-2)


adaptive_max_pool1d_with_indices = partial(adaptive_max_pool1d, return_indices=True)


adaptive_max_pool2d_with_indices = partial(adaptive_max_pool2d, return_indices=True)
