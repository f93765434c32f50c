"""Images read at places of one's own: grids of places, and what an image has there."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.functional.checks import require_tensor


def affine_grid(theta: Any, size: Sequence[int], align_corners: bool | None = None) -> Any:
    """The places that affine maps theta (N, 2, 3) send an image's pixels to: (N, H, W, 2).

    Places are (x, y), -1 and 1 being the image's edges, or with align_corners the centres of its
    outermost pixels.  size: (N, C, H, W).  Jaderberg et al. 2015, Spatial transformer networks.
    Raises ValueError for other sizes, NotImplementedError for volumes.
    """
    require_tensor("affine_grid", theta=theta)
    if len(size) == 5:
        raise NotImplementedError("affine_grid: volumes are not supported, give (N, C, H, W)")
    if len(size) != 4 or min(size) <= 0 or tuple(theta.shape) != (size[0], 2, 3):
        raise ValueError(
            f"affine_grid expects theta of shape (N, 2, 3) and a positive size (N, C, H, W), got "
            f"theta of shape {list(theta.shape)} and size {list(size)}"
        )
    y, x = (_centres(extent, bool(align_corners)) for extent in size[2:])
    base = np.stack([*np.meshgrid(x, y), np.ones((size[2], size[3]))], axis=-1)
    places = ops.matmul(theta.new_tensor(base.reshape(-1, 3)), theta.mT)
    return places.reshape(size[0], size[2], size[3], 2)


def _centres(extent: int, align_corners: bool) -> Any:
    """Where the centres of so many pixels lie between -1 and 1."""
    if align_corners:
        return np.linspace(-1, 1, extent) if extent > 1 else np.zeros(1)
    return (2 * np.arange(extent) + 1) / extent - 1


def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Any:
    """What images (N, C, H, W) have at the places of a grid (N, H', W', 2): (N, C, H', W').

    Places are as in affine_grid.  mode is "bilinear" or "nearest"; padding_mode says what is
    beyond the edge: "zeros", the "border", or a "reflection".
    Raises ValueError for other words, RuntimeError for shapes that do not fit, NotImplementedError
    for "bicubic" and for volumes.
    """
    require_tensor("grid_sample", input=input, grid=grid)
    _require_words(mode, padding_mode)
    if input.ndim == 5 or mode == "bicubic":
        raise NotImplementedError("grid_sample: neither volumes nor mode='bicubic' are supported")
    if input.ndim != 4 or grid.ndim != 4 or grid.shape[0] != input.shape[0] or grid.shape[3] != 2:
        raise RuntimeError(
            f"grid_sample(): expected input (N, C, H, W) and grid (N, H', W', 2), but got shapes "
            f"{list(input.shape)} and {list(grid.shape)}"
        )
    aligned = bool(align_corners)
    x, y = (_pixels(grid[..., i], input.shape[3 - i], padding_mode, aligned) for i in (0, 1))
    if mode == "nearest":
        return _read(input, np.rint(x.array), np.rint(y.array))
    left, top = np.floor(x.array), np.floor(y.array)
    right_share, low_share = x - x.new_tensor(left), y - y.new_tensor(top)
    total = None
    for right, share in ((0, 1 - right_share), (1, right_share)):
        for low, part in ((0, 1 - low_share), (1, low_share)):
            weighted = _read(input, left + right, top + low) * (share * part).unsqueeze(1)
            total = weighted if total is None else total + weighted
    return total


def _require_words(mode: str, padding_mode: str) -> None:
    known = {"mode": ("bilinear", "nearest", "bicubic"),
             "padding_mode": ("zeros", "border", "reflection")}  # fmt: skip
    for name, given in (("mode", mode), ("padding_mode", padding_mode)):
        if given not in known[name]:
            raise ValueError(
                f"grid_sample(): expected {name} to be one of {', '.join(known[name])}, got "
                f"{given!r}"
            )


def _pixels(places: Any, extent: int, padding_mode: str, align_corners: bool) -> Any:
    """Places between -1 and 1 as numbers of pixels, brought back into the image if need be."""
    if align_corners:
        found, low, high = (places + 1) * ((extent - 1) / 2), 0.0, extent - 1.0
    else:
        found, low, high = ((places + 1) * extent - 1) * 0.5, -0.5, extent - 0.5
    if padding_mode == "reflection":
        found = _reflected(found, low, high)
    return found if padding_mode == "zeros" else ops.clamp(found, 0.0, extent - 1.0)


def _reflected(x: Any, low: float, high: float) -> Any:
    """x folded back and forth between low and high."""
    if high == low:
        return x * 0.0
    span = high - low
    away = ops.abs(x - low)
    folds = np.floor(away.array / span)
    rest = away - away.new_tensor(folds * span)
    even = away.new_tensor(folds % 2 == 0, dtype=bool)
    return ops.where(even, rest + low, high - rest)


def _read(images: Any, x: Any, y: Any) -> Any:
    """The pixels at whole numbers (N, H', W'), 0 outside: (N, C, H', W')."""
    height, width = images.shape[2:]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    place = np.where(inside, y * width + x, 0).astype(np.int64)
    batch, channels = images.shape[:2]
    index = np.broadcast_to(place.reshape(batch, 1, -1), (batch, channels, place[0].size))
    found = ops.gather(ops.flatten(images, 2), 2, images.new_tensor(index, dtype=int))
    return found.reshape(batch, channels, *x.shape[1:]) * images.new_tensor(inside[:, None])
