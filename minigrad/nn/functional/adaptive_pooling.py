"""Adaptive pooling: windows that divide the input evenly into an output of a given size."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, overload

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.graph import wrap
from minigrad.nn.functional.arguments import (
    IntOrSequence,
    batched,
    require_floating,
    sizes,
)
from minigrad.nn.functional.pooling import as_row, require_pixels, row_pair
from minigrad.ops.nn import pool
from minigrad.ops.nn.pool3d import gather_volumes
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
    out = pool.adaptive_avg_pool2d(images, output_size=_output_sizes(images, output_size))
    return out.squeeze(0) if single else out


def adaptive_avg_pool3d(input: Tensor, output_size: OutputSize) -> Tensor:
    """The means of output_size windows that divide the volume evenly.

    (N, C, D, H, W) or (C, D, H, W) -> (N, C, *output_size) or (C, *output_size); None keeps a size.
    """
    volumes, single = batched("adaptive_avg_pool3d", input, 3)
    require_pixels("adaptive_avg_pool3d", volumes, channels=False)
    require_floating("adaptive_avg_pool3d", volumes)
    depth, *image = _output_sizes(volumes, output_size)
    batch, channels, given, *pixels = volumes.shape
    # All windows of a row have the same size, so a mean of means is the mean.
    images = volumes.reshape(batch, channels * given, *pixels)
    rows = pool.adaptive_avg_pool2d(images, output_size=tuple(image))
    columns = rows.reshape(batch, channels, given, math.prod(image))
    means = pool.adaptive_avg_pool2d(columns, output_size=(depth, math.prod(image)))
    out = means.reshape(batch, channels, depth, *image)
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
    out, indices = _max_pool("adaptive_max_pool2d", pool.gather_planes, input, output_size, 2)
    return (out, indices) if return_indices else out


@overload
def adaptive_max_pool3d(
    input: Tensor, output_size: OutputSize, return_indices: Literal[False] = False
) -> Tensor: ...


@overload
def adaptive_max_pool3d(
    input: Tensor, output_size: OutputSize, return_indices: Literal[True]
) -> tuple[Tensor, Tensor]: ...


def adaptive_max_pool3d(
    input: Tensor, output_size: OutputSize, return_indices: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of output_size windows that divide the volume evenly.

    (N, C, D, H, W) or (C, D, H, W) -> (N, C, *output_size) or (C, *output_size); None keeps a size.
    With return_indices=True also the elements' indices in the flattened D * H * W.
    """
    out, indices = _max_pool("adaptive_max_pool3d", gather_volumes, input, output_size, 3)
    return (out, indices) if return_indices else out


def _max_pool(
    name: str, gather: Callable[..., Tensor], input: Tensor, output_size: OutputSize,
    dimensions: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The maxima and their indices, of inputs with this number of spatial dimensions."""
    images, single = batched(name, input, dimensions)
    require_floating(name, images)
    require_pixels(name, images)
    outputs = _output_sizes(images, output_size)
    flat_indices = ignore_fp_errors(max_indices, images.array, outputs)
    out = gather(images, indices=flat_indices)
    indices: Tensor = wrap(input.kind, flat_indices)
    return (out.squeeze(0), indices.squeeze(0)) if single else (out, indices)


def _output_sizes(images: Tensor, output_size: OutputSize) -> tuple[int, ...]:
    """The output's size in each spatial dimension, the input's in place of None."""
    count = images.ndim - 2
    if isinstance(output_size, Sequence):
        given = [
            images.shape[i - count] if size is None else size for i, size in enumerate(output_size)
        ]
        return sizes(given, "output_size", count)
    return sizes(output_size, "output_size", count)


def max_indices(array: Array, output_size: tuple[int, ...]) -> Array:
    """(N, C, *output_size): the flat index of each window's largest element in its input."""
    extents = array.shape[2:]
    out = np.empty((*array.shape[:2], *output_size), np.int64)
    positions = np.arange(math.prod(extents)).reshape(extents)
    for window in np.ndindex(output_size):
        part: tuple[Any, ...] = tuple(
            slice(i * extent // count, -(-(i + 1) * extent // count))
            for i, extent, count in zip(window, extents, output_size, strict=True)
        )
        inside = positions[part].ravel()
        part = (slice(None), slice(None), *part)
        elements = array[part].reshape(*array.shape[:2], inside.size)
        out[(..., *window)] = inside[elements.argmax(2)]
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


adaptive_max_pool3d_with_indices = partial(adaptive_max_pool3d, return_indices=True)
