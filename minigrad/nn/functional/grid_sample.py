"""Spatial transformers: grids of positions, and images or volumes sampled at them."""

from collections.abc import Sequence

import numpy as np

from minigrad import ops
from minigrad.core.types import Array
from minigrad.engine.half_precision import in_float32
from minigrad.nn.functional.arguments import require_tensor
from minigrad.ops.nn.grid_sample import sampled
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
    return sampled(input, grid, mode, padding_mode, bool(align_corners))


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
