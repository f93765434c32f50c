"""Fractional max pooling: windows at random positions (Graham 2014, arXiv:1412.6071)."""

from collections.abc import Sequence
from functools import partial
from typing import Literal, overload

import numpy as np

from minigrad import random
from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.nn.functional.arguments import IntOrSequence, Pair, batched, pair, require_floating
from minigrad.nn.functional.pooling import require_pixels
from minigrad.ops.nn import pool
from minigrad.tensor import Tensor

Ratio = float | Sequence[float]
"""An output size over the input size, for both dimensions or for each."""


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
    images, single = batched("fractional_max_pool2d", input)
    require_floating("fractional_max_pool2d", images)
    require_pixels("fractional_max_pool2d", images)
    kernel = pair(kernel_size, "kernel_size")
    sizes = _output_sizes(images, output_size, output_ratio)
    for side, extent, size, width in zip("HW", images.shape[2:], sizes, kernel, strict=True):
        if size + width - 1 > extent:
            raise RuntimeError(
                f"fractional_max_pool2d(): kernel {width} and output {size} too large relative to "
                f"input {side} {extent}: their sum less 1 may be {extent} at most"
            )
    samples = _samples(images, _random_samples)
    flat_indices = _max_indices(images.array, kernel, sizes, samples)
    out = pool.gather_planes(images, indices=flat_indices)
    indices: Tensor = wrap(input.kind, flat_indices)
    if single:
        out, indices = out.squeeze(0), indices.squeeze(0)
    return (out, indices) if return_indices else out


def _output_sizes(
    images: Tensor, output_size: IntOrSequence | None, output_ratio: Ratio | None
) -> Pair:
    if output_size is not None:
        return pair(output_size, "output_size", least=0)
    if output_ratio is None:
        raise ValueError(
            "fractional_max_pool2d requires specifying either an output_size or an output_ratio"
        )
    ratios = [*output_ratio] if isinstance(output_ratio, Sequence) else [output_ratio] * 2
    if len(ratios) != 2:
        raise ValueError(
            f"fractional_max_pool2d requires output_ratio to be a number or two, got {output_ratio}"
        )
    return int(images.shape[2] * ratios[0]), int(images.shape[3] * ratios[1])


def _samples(images: Tensor, given: Tensor | None) -> Array:
    """Two random numbers for each plane.  Raises RuntimeError if the shape or dtype is another."""
    batch, channels = images.shape[:2]
    if given is None:
        given = random.rand(batch, channels, 2, dtype=images.dtype)
    fits = given.ndim == 3 and given.shape[0] >= batch and given.shape[1:] == (channels, 2)
    if not fits or given.dtype != images.dtype:
        raise RuntimeError(
            f"fractional_max_pool2d expects _random_samples of shape {[batch, channels, 2]} and "
            f"{images.dtype}, as the input, got {list(given.shape)} of {given.dtype}"
        )
    return given.array[:batch]


def _max_indices(array: Array, kernel: Pair, size: Pair, samples: Array) -> Array:
    """(N, C, *size): the flat index of each window's largest element in its plane."""
    height, width = array.shape[2:]
    top = _window_starts(samples[..., 1], height, size[0], kernel[0])
    left = _window_starts(samples[..., 0], width, size[1], kernel[1])
    rows = (top[..., None] + np.arange(kernel[0]))[:, :, :, None, :, None]
    columns = (left[..., None] + np.arange(kernel[1]))[:, :, None, :, None, :]
    area = kernel[0] * kernel[1]
    indices = (rows * width + columns).reshape(*array.shape[:2], size[0] * size[1], area)
    planes = array.reshape(*array.shape[:2], 1, height * width)
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
