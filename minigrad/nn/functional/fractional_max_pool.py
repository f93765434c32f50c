"""Fractional max pooling: windows whose distances are drawn at random."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad import random
from minigrad.engine.graph import wrap
from minigrad.nn.functional.arguments import IntOrSequence, Pair, batched, pair, require_floating
from minigrad.ops.nn import pool

Array = np.ndarray[Any, Any]


def fractional_max_pool2d(
    input: Any,
    kernel_size: IntOrSequence,
    output_size: IntOrSequence | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: Any = None,
) -> Any:
    """The largest element of windows that begin at random: (N, C, H, W) or (C, H, W) -> the same
    with output_size, or with output_ratio times H and W.

    Windows of kernel_size begin about (H - K) / (H' - 1) apart, where two numbers in [0, 1) for
    each plane put them: _random_samples (N, C, 2), for the horizontal and the vertical, drawn anew
    if not given.  With return_indices also the elements' places in the flattened H * W.
    Graham 2014, Fractional max-pooling, arXiv:1412.6071.
    Raises ValueError if neither size nor ratio is given, RuntimeError for what does not fit.
    """
    images, single = batched("fractional_max_pool2d", input)
    require_floating("fractional_max_pool2d", images)
    kernel = pair(kernel_size, "kernel_size")
    wanted = _wanted_size(images, output_size, output_ratio)
    for side, extent, size, taps in zip("HW", images.shape[2:], wanted, kernel, strict=True):
        if size + taps - 1 > extent:
            raise RuntimeError(
                f"fractional_max_pool2d(): kernel {taps} and output {size} too large relative to "
                f"input {side} {extent}: their sum less 1 may be {extent} at most"
            )
    samples = _samples(images, _random_samples)
    indices = _places_of_largest(images.array, kernel, wanted, samples)
    out, where = pool.gather_planes(images, indices=indices), wrap(input.kind, indices)
    if single:
        out, where = out.squeeze(0), where.squeeze(0)
    return (out, where) if return_indices else out


def _wanted_size(images: Any, output_size: Any, output_ratio: Any) -> Pair:
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


def _samples(images: Any, given: Any) -> Array:
    """Two random numbers for each plane.  Raises RuntimeError if those given are not."""
    batch, channels = images.shape[:2]
    if given is None:
        given = random.rand(batch, channels, 2, dtype=images.dtype)
    fits = given.ndim == 3 and given.shape[0] >= batch and given.shape[1:] == (channels, 2)
    if not fits or given.dtype != images.dtype:
        raise RuntimeError(
            f"fractional_max_pool2d expects _random_samples of shape {[batch, channels, 2]} and "
            f"{images.dtype}, as the input, got {list(given.shape)} of {given.dtype}"
        )
    found: Array = given.array[:batch]
    return found


def _places_of_largest(array: Array, kernel: Pair, size: Pair, samples: Array) -> Array:
    """(N, C, *size): where in its plane each window's largest element lies."""
    height, width = array.shape[2:]
    top = _starts(samples[..., 1], height, size[0], kernel[0])
    left = _starts(samples[..., 0], width, size[1], kernel[1])
    rows = (top[..., None] + np.arange(kernel[0]))[:, :, :, None, :, None]
    columns = (left[..., None] + np.arange(kernel[1]))[:, :, None, :, None, :]
    places = (rows * width + columns).reshape(*array.shape[:2], size[0] * size[1], -1)
    planes = array.reshape(*array.shape[:2], 1, height * width)
    largest = np.take_along_axis(planes, places, -1).argmax(-1)[..., None]
    return np.take_along_axis(places, largest, -1).reshape(*array.shape[:2], *size)


def _starts(samples: Array, extent: int, count: int, taps: int) -> Array:
    """Where `count` windows begin in each plane: the last one ends where the plane does."""
    out = np.full((*samples.shape, count), extent - taps)
    if count > 1:
        # In the input's dtype, as torch computes it: the rounding decides.
        step = samples.dtype.type(extent - taps) / samples.dtype.type(count - 1)
        order = np.arange(count - 1, dtype=samples.dtype)
        shifted = ((order + samples[..., None]) * step).astype(np.int64)
        out[..., :-1] = shifted - (samples[..., None] * step).astype(np.int64)
    return out


fractional_max_pool2d_with_indices = partial(fractional_max_pool2d, return_indices=True)
