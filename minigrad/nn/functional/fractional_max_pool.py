"""Fractional max pooling: windows at random positions (Graham 2014, arXiv:1412.6071)."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, overload

import numpy as np

from minigrad import random
from minigrad.core.types import Array
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.graph import wrap
from minigrad.nn.functional.arguments import IntOrSequence, batched, require_floating, sizes
from minigrad.nn.functional.pooling import require_pixels
from minigrad.ops.nn import pool
from minigrad.ops.nn.pool3d import gather_volumes
from minigrad.tensor import Tensor

Ratio = float | Sequence[float]
"""An output size over the input size, for all dimensions or for each."""


@overload
def fractional_max_pool2d(
    input: Tensor, kernel_size: IntOrSequence, output_size: IntOrSequence | None = None,
    output_ratio: Ratio | None = None, return_indices: Literal[False] = False,
    _random_samples: Tensor | None = None,
) -> Tensor: ...  # fmt: skip
@overload
def fractional_max_pool2d(
    input: Tensor, kernel_size: IntOrSequence, output_size: IntOrSequence | None = None,
    output_ratio: Ratio | None = None, *, return_indices: Literal[True],
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
@overload
def fractional_max_pool2d(
    input: Tensor, kernel_size: IntOrSequence, output_size: IntOrSequence | None = None,
    output_ratio: Ratio | None = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Tensor | tuple[Tensor, Tensor]: ...  # fmt: skip
def fractional_max_pool2d(
    input: Tensor,
    kernel_size: IntOrSequence,
    output_size: IntOrSequence | None = None,
    output_ratio: Ratio | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of windows at random positions: (N, C, H, W) -> (N, C, H', W').

    Also (C, H, W) -> (C, H', W').  (H', W') is output_size, or output_ratio times (H, W).
    Windows of kernel_size start about (H - K) / (H' - 1) apart; two random numbers in [0, 1) for
    each plane shift them: _random_samples (N, C, 2), horizontal and vertical, drawn if not given.
    With return_indices=True also the elements' indices in the flattened H * W.
    Raises ValueError if neither size nor ratio is given, RuntimeError for sizes and samples that do
    not fit.
    """
    window = kernel_size, output_size, output_ratio, _random_samples
    out, indices = _pool("fractional_max_pool2d", pool.gather_planes, input, *window, 2)
    return (out, indices) if return_indices else out


@overload
def fractional_max_pool3d(
    input: Tensor, kernel_size: IntOrSequence, output_size: IntOrSequence | None = None,
    output_ratio: Ratio | None = None, return_indices: Literal[False] = False,
    _random_samples: Tensor | None = None,
) -> Tensor: ...  # fmt: skip
@overload
def fractional_max_pool3d(
    input: Tensor, kernel_size: IntOrSequence, output_size: IntOrSequence | None = None,
    output_ratio: Ratio | None = None, *, return_indices: Literal[True],
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
@overload
def fractional_max_pool3d(
    input: Tensor, kernel_size: IntOrSequence, output_size: IntOrSequence | None = None,
    output_ratio: Ratio | None = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Tensor | tuple[Tensor, Tensor]: ...  # fmt: skip
def fractional_max_pool3d(
    input: Tensor,
    kernel_size: IntOrSequence,
    output_size: IntOrSequence | None = None,
    output_ratio: Ratio | None = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of windows at random positions: (N, C, D, H, W) -> (N, C, D', H', W').

    As fractional_max_pool2d, with three random numbers for each volume: _random_samples (N, C, 3),
    of depth, vertical and horizontal.
    PyTorch differs: it refuses windows that reach both ends of a dimension at steps of 1.
    """
    window = kernel_size, output_size, output_ratio, _random_samples
    out, indices = _pool("fractional_max_pool3d", gather_volumes, input, *window, 3)
    return (out, indices) if return_indices else out


def _pool(
    name: str, gather: Callable[..., Tensor], input: Tensor, kernel_size: IntOrSequence,
    output_size: IntOrSequence | None, output_ratio: Ratio | None, random_samples: Tensor | None,
    dimensions: int,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The maxima and their indices, of inputs with this number of spatial dimensions."""
    images, single = batched(name, input, dimensions)
    require_floating(name, images)
    require_pixels(name, images)
    kernel = sizes(kernel_size, "kernel_size", dimensions)
    outputs = _output_sizes(name, images, output_size, output_ratio)
    sides = "DHW"[-dimensions:]
    for side, extent, size, width in zip(sides, images.shape[2:], outputs, kernel, strict=True):
        if size + width - 1 > extent:
            raise RuntimeError(
                f"{name}(): kernel {width} and output {size} too large relative to "
                f"input {side} {extent}: their sum less 1 may be {extent} at most"
            )
    samples = _samples(name, images, random_samples)
    flat_indices = ignore_fp_errors(_max_indices, images.array, kernel, outputs, samples)
    out = gather(images, indices=flat_indices)
    indices: Tensor = wrap(input.kind, flat_indices)
    return (out.squeeze(0), indices.squeeze(0)) if single else (out, indices)


def _output_sizes(
    name: str, images: Tensor, output_size: IntOrSequence | None, output_ratio: Ratio | None
) -> tuple[int, ...]:
    extents = images.shape[2:]
    if output_size is not None:
        return sizes(output_size, "output_size", len(extents), least=0)
    if output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    ratios = output_ratio if isinstance(output_ratio, Sequence) else [output_ratio] * len(extents)
    if len(ratios) != len(extents):
        raise ValueError(
            f"{name} requires output_ratio to be a number or {len(extents)}, got {output_ratio}"
        )
    return tuple(int(extent * ratio) for extent, ratio in zip(extents, ratios, strict=True))


def _samples(name: str, images: Tensor, given: Tensor | None) -> Array:
    """A random number for each plane or volume and dimension, vertical before horizontal.

    Raises RuntimeError if the shape or dtype is another.
    """
    batch, channels = images.shape[:2]
    dimensions = images.ndim - 2
    if given is None:
        given = random.rand(batch, channels, dimensions, dtype=images.dtype)
    fits = given.ndim == 3 and given.shape[0] >= batch and given.shape[1:] == (channels, dimensions)
    if not fits or given.dtype != images.dtype:
        raise RuntimeError(
            f"{name} expects _random_samples of shape {[batch, channels, dimensions]} and "
            f"{images.dtype}, as the input, got {list(given.shape)} of {given.dtype}"
        )
    samples: Array = given.array[:batch]
    # torch takes the horizontal one first for images, and the one of the depth for volumes.
    return samples[..., ::-1] if dimensions == 2 else samples


def _max_indices(
    array: Array, kernel: tuple[int, ...], size: tuple[int, ...], samples: Array
) -> Array:
    """(N, C, *size): the flat index of each window's largest element in its plane or volume."""
    extents = array.shape[2:]
    dimensions = len(extents)
    indices: Array = np.zeros((1,) * (2 + 2 * dimensions), np.int64)
    for axis, extent in enumerate(extents):
        starts = _window_starts(samples[..., axis], extent, size[axis], kernel[axis])
        taps = starts[..., None] + np.arange(kernel[axis])
        shape = [*starts.shape[:2], *[1] * (2 * dimensions)]
        shape[2 + axis], shape[2 + dimensions + axis] = size[axis], kernel[axis]
        indices = indices * extent + taps.reshape(shape)
    indices = indices.reshape(*array.shape[:2], math.prod(size), math.prod(kernel))
    planes = array.reshape(*array.shape[:2], 1, math.prod(extents))
    largest = np.take_along_axis(planes, indices, -1).argmax(-1)[..., None]
    return np.take_along_axis(indices, largest, -1).reshape(*array.shape[:2], *size)


def _window_starts(samples: Array, extent: int, count: int, width: int) -> Array:
    """The first positions of `count` windows in each plane; the last window ends at its edge."""
    out = np.full((*samples.shape, count), extent - width)
    if count > 1:
        # In the input's dtype, as torch computes it: rounding decides the position.
        step = samples.dtype.type(extent - width) / samples.dtype.type(count - 1)
        order = np.arange(count - 1, dtype=samples.dtype)
        shifted = ((order + samples[..., None]) * step).astype(np.int64)
        out[..., :-1] = shifted - (samples[..., None] * step).astype(np.int64)
    return out


fractional_max_pool2d_with_indices = partial(fractional_max_pool2d, return_indices=True)
fractional_max_pool3d_with_indices = partial(fractional_max_pool3d, return_indices=True)
