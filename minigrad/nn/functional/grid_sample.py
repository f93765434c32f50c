"""Images read at places of one's own: grids of places, and what an image has there."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.functional.arguments import require_tensor
from minigrad.nn.functional.upsampling import cubic_weights


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

    Places are as in affine_grid.  mode is "bilinear", "nearest" or "bicubic"; padding_mode says
    what is beyond the edge: "zeros", the "border", or a "reflection".
    Raises ValueError for other words, RuntimeError for shapes that do not fit, NotImplementedError
    for volumes.
    """
    require_tensor("grid_sample", input=input, grid=grid)
    _require_words(mode, padding_mode)
    if input.ndim == 5:
        raise NotImplementedError("grid_sample: volumes are not supported, give (N, C, H, W)")
    if input.ndim != 4 or grid.ndim != 4 or grid.shape[0] != input.shape[0] or grid.shape[3] != 2:
        raise RuntimeError(
            f"grid_sample(): expected input (N, C, H, W) and grid (N, H', W', 2), but got shapes "
            f"{list(input.shape)} and {list(grid.shape)}"
        )
    aligned = bool(align_corners)
    places = [_pixels(grid[..., i], input.shape[3 - i], aligned) for i in (0, 1)]
    if mode != "bicubic":  # there it is not the place that is brought back, but what is read
        places = [
            _brought_back(place, input.shape[3 - i], padding_mode, aligned)
            for i, place in enumerate(places)
        ]
    if mode == "nearest":
        return _read(input, *(np.rint(place.array) for place in places))
    across, down = (
        _taps(place, input.shape[3 - i], mode, padding_mode, aligned)
        for i, place in enumerate(places)
    )
    total = None
    for x, x_weight in across:
        for y, y_weight in down:
            weighted = _read(input, x, y) * (x_weight * y_weight).unsqueeze(1)
            total = weighted if total is None else total + weighted
    return total


def _taps(
    places: Any, extent: int, mode: str, padding_mode: str, align_corners: bool
) -> list[tuple[Any, Any]]:
    """The whole numbers of pixels that are read along one side for each place, and the weights."""
    low = np.floor(places.array)
    share = places - places.new_tensor(low)
    if mode == "bilinear":
        return [(low, 1 - share), (low + 1, share)]
    taps = []
    for i, weight in enumerate(cubic_weights(share), -1):
        tap = _brought_back(places.new_tensor(low + i), extent, padding_mode, align_corners)
        taps.append((tap.array, weight))
    return taps


def _require_words(mode: str, padding_mode: str) -> None:
    known = {"mode": ("bilinear", "nearest", "bicubic"),
             "padding_mode": ("zeros", "border", "reflection")}  # fmt: skip
    for name, given in (("mode", mode), ("padding_mode", padding_mode)):
        if given not in known[name]:
            raise ValueError(
                f"grid_sample(): expected {name} to be one of {', '.join(known[name])}, got "
                f"{given!r}"
            )


def _pixels(places: Any, extent: int, align_corners: bool) -> Any:
    """Places between -1 and 1 as numbers of pixels."""
    if align_corners:
        return (places + 1) * ((extent - 1) / 2)
    return ((places + 1) * extent - 1) * 0.5


def _brought_back(pixels: Any, extent: int, padding_mode: str, align_corners: bool) -> Any:
    """Numbers of pixels, those outside brought back into the image if need be."""
    if padding_mode == "zeros":
        return pixels
    if padding_mode == "reflection":
        margin = 0.0 if align_corners else 0.5
        pixels = _reflected(pixels, -margin, extent - 1 + margin)
    return ops.clamp(pixels, 0.0, extent - 1.0)


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
