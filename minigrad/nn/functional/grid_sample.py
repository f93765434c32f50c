"""Spatial transformers: grids of positions, and images sampled at them."""

import functools
import math
import operator
from collections.abc import Sequence

import numpy as np

from minigrad import ops
from minigrad.core.types import Array
from minigrad.engine.half_precision import in_float32
from minigrad.nn.functional.arguments import require_tensor
from minigrad.nn.functional.upsampling import cubic_weights
from minigrad.ops.nn.piecewise_activation import hardtanh
from minigrad.tensor import Tensor


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The positions theta @ (x, y, 1) of an image's pixels: theta (N, 2, 3) -> (N, H, W, 2).

    Positions are (x, y); -1 and 1 are the edges of the image, or with align_corners=True the
    centers of its outermost pixels.  size: (N, C, H, W).  Jaderberg et al. 2015, Spatial
    transformer networks.  Raises ValueError for other sizes, NotImplementedError for volumes.
    """
    require_tensor("affine_grid", theta=theta)
    if len(size) == 5:
        raise NotImplementedError("affine_grid: volumes are not supported, give (N, C, H, W)")
    if len(size) != 4 or min(size) <= 0 or tuple(theta.shape) != (size[0], 2, 3):
        raise ValueError(
            f"affine_grid expects theta of shape (N, 2, 3) and a positive size (N, C, H, W), got "
            f"theta of shape {list(theta.shape)} and size {list(size)}"
        )
    y, x = (_pixel_centers(extent, bool(align_corners)) for extent in size[2:])
    base = np.stack([*np.meshgrid(x, y), np.ones((size[2], size[3]))], axis=-1)
    positions = ops.matmul(theta.new_tensor(base.reshape(-1, 3)), theta.mT)
    return positions.reshape(size[0], size[2], size[3], 2)


def _pixel_centers(extent: int, align_corners: bool) -> Array:
    """The centers of `extent` pixels, between -1 and 1."""
    if align_corners:
        return np.linspace(-1, 1, extent) if extent > 1 else np.zeros(1)
    return (2 * np.arange(extent) + 1) / extent - 1


@in_float32
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Images sampled at the positions of a grid: (N, C, H, W), (N, H', W', 2) -> (N, C, H', W').

    Positions are as in affine_grid.  mode: "bilinear", "nearest" or "bicubic".  padding_mode, for
    positions outside: "zeros", "border" (the nearest edge) or "reflection".
    Raises ValueError for other modes, RuntimeError for shapes that do not fit, NotImplementedError
    for volumes.
    """
    require_tensor("grid_sample", input=input, grid=grid)
    _require_modes(mode, padding_mode)
    if input.ndim == 5:
        raise NotImplementedError("grid_sample: volumes are not supported, give (N, C, H, W)")
    if input.ndim != 4 or grid.ndim != 4 or grid.shape[0] != input.shape[0] or grid.shape[3] != 2:
        raise RuntimeError(
            f"grid_sample(): expected input (N, C, H, W) and grid (N, H', W', 2), but got shapes "
            f"{list(input.shape)} and {list(grid.shape)}"
        )
    aligned = bool(align_corners)
    pixels = [_pixel_coordinates(grid[..., i], input.shape[3 - i], aligned) for i in (0, 1)]
    if mode != "bicubic":  # bicubic brings the pixels that it reads into the image, in _taps
        pixels = [
            _inside(pixel, input.shape[3 - i], padding_mode, aligned)
            for i, pixel in enumerate(pixels)
        ]
    if mode == "nearest":
        return _read(input, *(np.rint(pixel.array) for pixel in pixels))
    columns, rows = (
        _taps(pixel, input.shape[3 - i], mode, padding_mode, aligned)
        for i, pixel in enumerate(pixels)
    )
    terms = (
        _read(input, x, y) * (x_weight * y_weight).unsqueeze(1)
        for x, x_weight in columns
        for y, y_weight in rows
    )
    return functools.reduce(operator.add, terms)


def _taps(
    pixels: Tensor, extent: int, mode: str, padding_mode: str, align_corners: bool
) -> list[tuple[Array, Tensor]]:
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


def _require_modes(mode: str, padding_mode: str) -> None:
    """Raise ValueError for a mode or padding mode that does not exist."""
    known = {"mode": ("bilinear", "nearest", "bicubic"),
             "padding_mode": ("zeros", "border", "reflection")}  # fmt: skip
    for name, given in (("mode", mode), ("padding_mode", padding_mode)):
        if given not in known[name]:
            raise ValueError(
                f"grid_sample(): expected {name} to be one of {', '.join(known[name])}, got "
                f"{given!r}"
            )


def _pixel_coordinates(positions: Tensor, extent: int, align_corners: bool) -> Tensor:
    """Positions between -1 and 1 as pixel coordinates between 0 and extent - 1."""
    if align_corners:
        return (positions + 1) * ((extent - 1) / 2)
    return ((positions + 1) * extent - 1) * 0.5


def _inside(pixels: Tensor, extent: int, padding_mode: str, align_corners: bool) -> Tensor:
    """Pixel coordinates, moved into the image where the padding mode asks for it."""
    if padding_mode == "zeros":
        return pixels
    if padding_mode == "reflection":
        margin = 0.0 if align_corners else 0.5
        pixels = _reflect(pixels, -margin, extent - 1 + margin)
    # Its derivative at the border is 0, as in torch.
    return hardtanh(pixels, min_val=0.0, max_val=extent - 1.0)


def _reflect(x: Tensor, low: float, high: float) -> Tensor:
    """x reflected at low and at high until it lies between them."""
    if high == low:
        return x * 0.0
    span = high - low
    distance = ops.abs(x - low)
    reflections = np.floor(distance.array / span)
    rest = distance - distance.new_tensor(reflections * span)
    even = distance.new_tensor(reflections % 2 == 0, dtype=bool)
    return ops.where(even, rest + low, high - rest)


def _read(images: Tensor, x: Array, y: Array) -> Tensor:
    """The pixels at column indices x and row indices y (N, H', W'), 0 outside: (N, C, H', W')."""
    height, width = images.shape[2:]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    flat = np.where(inside, y * width + x, 0).astype(np.int64)
    batch, channels = images.shape[:2]
    index = np.broadcast_to(
        flat.reshape(batch, 1, math.prod(x.shape[1:])), (batch, channels, math.prod(x.shape[1:]))
    )
    found = ops.gather(ops.flatten(images, 2), 2, images.new_tensor(index, dtype=int))
    return found.reshape(batch, channels, *x.shape[1:]) * images.new_tensor(inside[:, None])
