"""Images and volumes sampled at positions: by kernels, or composed of gathers."""

import functools
import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.resampling import grid_sample as kernels
from minigrad.kernels.simd.math import FLOATS
from minigrad.ops.elementwise.elementary import abs as absolute
from minigrad.ops.elementwise.elementary import where
from minigrad.ops.indexing import along_dim
from minigrad.ops.nn.piecewise_activation import hardtanh
from minigrad.ops.nn.resample import cubic_weights
from minigrad.ops.recorded import recorded_cotangents
from minigrad.ops.shape.axes import flatten


def sampled(input: V, grid: V, mode: str, padding_mode: str, align_corners: bool) -> V:
    """Images (N, C, H, W) or volumes at a grid's positions; see `nn.functional.grid_sample`."""
    x, at = input.array, grid.array
    is_compiled = x.ndim == 4 and mode != "bicubic" and x.dtype in FLOATS and x.dtype == at.dtype
    settings: dict[str, Any] = {
        "mode": mode, "padding_mode": padding_mode, "align_corners": align_corners
    }  # fmt: skip
    if is_compiled and x.size and at.size:
        found: V = sampled_image(input, grid, **settings)
        return found
    return _composed(input, grid, **settings)


def _how(mode: str, padding_mode: str, align_corners: bool) -> kernels.Sampling:
    padding = kernels.PADDING_MODES.index(padding_mode)
    return kernels.Sampling(mode == "nearest", padding, align_corners)


def _rule(
    g: V, out: V, x: V, grid: V, *, wanted: Sequence[int], mode: str, padding_mode: str,
    align_corners: bool,
) -> list[Any]:  # fmt: skip
    cotangents: list[Any] = [None, None]
    if mode == "nearest":  # piecewise constant in the positions
        cotangents[1] = wrap_like(grid, np.zeros_like(grid.array))
        wanted = [i for i in wanted if i == 0]
    if thread.mode.differentiates():
        settings: dict[str, Any] = {
            "mode": mode, "padding_mode": padding_mode, "align_corners": align_corners
        }  # fmt: skip
        found = recorded_cotangents(_composed, g, (x, grid), wanted, **settings)
        return [cotangents[i] if each is None else each for i, each in enumerate(found)]
    how = _how(mode, padding_mode, align_corners)
    if 0 in wanted:
        array = kernels.image_grad(g.array, x.shape, grid.array, how)
        cotangents[0] = wrap_like(g, array)
    if 1 in wanted:
        cotangents[1] = wrap_like(g, kernels.grid_grad(g.array, x.array, grid.array, how))
    return cotangents


@op(
    node="GridSampler2DBackward0",
    vjp=_rule,
    samples=[
        sample(arr.of(2, 2, 3, 4), arr.of(2, 2, 3, 2), mode="bilinear", padding_mode="zeros",
               align_corners=False),
        sample(arr.of(1, 2, 4, 3), arr.of(1, 2, 2, 2), mode="bilinear", padding_mode="border",
               align_corners=True),
        sample(arr.of(1, 1, 3, 3), arr.of(1, 2, 2, 2, low=-2.5, high=2.5), mode="bilinear",
               padding_mode="reflection", align_corners=False),
        sample(arr.of(2, 1, 3, 3), arr.of(2, 1, 2, 2), mode="nearest", padding_mode="zeros",
               align_corners=False),
    ],
)  # fmt: skip
def sampled_image(
    input: Array, grid: Array, *, mode: str, padding_mode: str, align_corners: bool
) -> Array:
    """(N, C, H, W), (N, H', W', 2) -> (N, C, H', W'), of one floating dtype, none of them empty."""
    return kernels.grid_sample(input, grid, _how(mode, padding_mode, align_corners))


# --- composed -------------------------------------------------------------------------------


def _composed(input: V, grid: V, *, mode: str, padding_mode: str, align_corners: bool) -> V:
    """The same of gathers and products, which have derivatives of every order."""
    extents = tuple(input.shape[2:])
    pixels = [  # in the order of the input's dimensions: a position's last coordinate is the first
        _pixel_coordinates(grid[..., -1 - axis], extent, align_corners)
        for axis, extent in enumerate(extents)
    ]
    if mode != "bicubic":  # bicubic brings the pixels that it reads into the image, in _taps
        pixels = [
            _inside(pixel, extent, padding_mode, align_corners)
            for pixel, extent in zip(pixels, extents, strict=True)
        ]
    if mode == "nearest":
        return _read(input, [np.rint(pixel.array) for pixel in pixels])
    taps = [
        _taps(pixel, extent, mode, padding_mode, align_corners)
        for pixel, extent in zip(pixels, extents, strict=True)
    ]
    terms = (
        _read(input, [indices for indices, _ in chosen])
        * functools.reduce(operator.mul, [weight for _, weight in chosen]).unsqueeze(1)
        for chosen in itertools.product(*taps)
    )
    return functools.reduce(operator.add, terms)


def _taps(
    pixels: V, extent: int, mode: str, padding_mode: str, align_corners: bool
) -> list[tuple[Array, V]]:
    """The pixel indices read along one dimension for each position, and their weights."""
    low = np.floor(pixels.array)
    fraction = pixels - pixels.new_tensor(low)
    if mode == "bilinear":
        return [(low, 1 - fraction), (low + 1, fraction)]
    taps = []
    for i, weight in enumerate(cubic_weights(fraction), -1):
        tap = _inside(pixels.new_tensor(low + i), extent, padding_mode, align_corners)
        taps.append((tap.array, weight))
    return taps


def _pixel_coordinates(positions: V, extent: int, align_corners: bool) -> V:
    """Positions between -1 and 1 as pixel coordinates between 0 and extent - 1."""
    if align_corners:
        return (positions + 1) * ((extent - 1) / 2)
    return ((positions + 1) * extent - 1) * 0.5


def _inside(pixels: V, extent: int, padding_mode: str, align_corners: bool) -> V:
    """Pixel coordinates, moved into the image where the padding mode asks for it."""
    if padding_mode == "zeros":
        return pixels
    if padding_mode == "reflection":
        margin = 0.0 if align_corners else 0.5
        pixels = _reflect(pixels, -margin, extent - 1 + margin)
    # Its derivative at the border is 0, as in torch.
    return hardtanh(pixels, min_val=0.0, max_val=extent - 1.0)


def _reflect(x: V, low: float, high: float) -> V:
    """x reflected at low and at high until it lies between them."""
    if high == low:
        return x * 0.0
    span = high - low
    distance = absolute(x - low)
    reflections = np.floor(distance.array / span)
    rest = distance - distance.new_tensor(reflections * span)
    even = distance.new_tensor(reflections % 2 == 0, dtype=bool)
    return where(even, rest + low, high - rest)


def _read(images: V, pixels: Sequence[Array]) -> V:
    """The pixels at indices (N, H', W') along each dimension, 0 outside: (N, C, H', W').

    Of volumes, indices are (N, D', H', W'), and the result is (N, C, D', H', W').
    """
    extents = images.array.shape[2:]
    pairs = list(zip(pixels, extents, strict=True))
    inside = functools.reduce(np.logical_and, [(i >= 0) & (i < extent) for i, extent in pairs])
    flat: Array = np.zeros(inside.shape)
    for indices, extent in pairs:
        flat = flat * extent + indices
    flat = np.where(inside, flat, 0).astype(np.int64)
    batch, channels = images.array.shape[:2]
    size = inside.shape[1:]
    index = np.broadcast_to(
        flat.reshape(batch, 1, math.prod(size)), (batch, channels, math.prod(size))
    )
    found = along_dim.gather(flatten(images, 2), 2, images.new_tensor(index, dtype=int))
    return found.reshape(batch, channels, *size) * images.new_tensor(inside[:, None])
