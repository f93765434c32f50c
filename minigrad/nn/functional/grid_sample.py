"""Spatial transformers: grids of positions, and images or volumes sampled at them."""

import functools
import itertools
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

    Of a volume theta @ (x, y, z, 1): theta (N, 3, 4) -> (N, D, H, W, 3).
    Positions are (x, y) or (x, y, z); -1 and 1 are the edges of the image, or with
    align_corners=True the centers of its outermost pixels.  size: (N, C, H, W) or (N, C, D, H, W).
    Jaderberg et al. 2015, Spatial transformer networks.  Raises ValueError for other sizes.
    """
    require_tensor("affine_grid", theta=theta)
    batch, axes = size[0], len(size) - 2
    if axes not in (2, 3) or min(size) <= 0 or tuple(theta.shape) != (batch, axes, axes + 1):
        rows = axes if axes in (2, 3) else 2
        raise ValueError(
            f"Expected a batch of {rows}D affine matrices of shape Nx{rows}x{rows + 1} for a "
            f"positive size (N, C, H, W) or (N, C, D, H, W), got theta of shape "
            f"{list(theta.shape)} and size {list(size)}"
        )
    centers = [_pixel_centers(extent, bool(align_corners)) for extent in size[2:]]
    # The last dimension is x, the first coordinate of a position.
    coordinates = np.meshgrid(*centers, indexing="ij")[::-1]
    base = np.stack([*coordinates, np.ones(size[2:])], axis=-1)
    positions = ops.matmul(theta.new_tensor(base.reshape(-1, axes + 1)), theta.mT)
    return positions.reshape(batch, *size[2:], axes)


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

    Volumes alike: (N, C, D, H, W), (N, D', H', W', 3) -> (N, C, D', H', W').
    Positions are as in affine_grid.  mode: "bilinear" (of volumes: trilinear), "nearest" or, of
    images, "bicubic".  padding_mode, for positions outside: "zeros", "border" (the nearest edge) or
    "reflection".
    Raises ValueError for other modes, RuntimeError for shapes that do not fit.
    """
    require_tensor("grid_sample", input=input, grid=grid)
    _require_modes(mode, padding_mode)
    _require_grid(input, grid, mode)
    aligned, extents = bool(align_corners), tuple(input.shape[2:])
    pixels = [  # in the order of the input's dimensions: a position's last coordinate is the first
        _pixel_coordinates(grid[..., -1 - axis], extent, aligned)
        for axis, extent in enumerate(extents)
    ]
    if mode != "bicubic":  # bicubic brings the pixels that it reads into the image, in _taps
        pixels = [
            _inside(pixel, extent, padding_mode, aligned)
            for pixel, extent in zip(pixels, extents, strict=True)
        ]
    if mode == "nearest":
        return _read(input, [np.rint(pixel.array) for pixel in pixels])
    taps = [
        _taps(pixel, extent, mode, padding_mode, aligned)
        for pixel, extent in zip(pixels, extents, strict=True)
    ]
    terms = (
        _read(input, [indices for indices, _ in chosen])
        * functools.reduce(operator.mul, [weight for _, weight in chosen]).unsqueeze(1)
        for chosen in itertools.product(*taps)
    )
    return functools.reduce(operator.add, terms)


def _require_grid(input: Tensor, grid: Tensor, mode: str) -> None:
    """Raise RuntimeError unless the input is images or volumes, and the grid is for them."""
    axes = input.ndim - 2
    if axes not in (2, 3) or grid.ndim != input.ndim or grid.shape[0] != input.shape[0]:
        raise RuntimeError(
            f"grid_sample(): expected input (N, C, H, W) and grid (N, H', W', 2), or (N, C, D, H, "
            f"W) and (N, D', H', W', 3), but got shapes {list(input.shape)} and {list(grid.shape)}"
        )
    if grid.shape[-1] != axes:
        raise RuntimeError(
            f"grid_sample(): expected grid to have size {axes} in last dimension, but got grid "
            f"with sizes {list(grid.shape)}"
        )
    if mode == "bicubic" and axes != 2:
        raise RuntimeError("grid_sample(): bicubic interpolation only supports 4D input")


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


def _read(images: Tensor, pixels: Sequence[Array]) -> Tensor:
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
    found = ops.gather(ops.flatten(images, 2), 2, images.new_tensor(index, dtype=int))
    return found.reshape(batch, channels, *size) * images.new_tensor(inside[:, None])
