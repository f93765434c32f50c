"""Grids of images, as tensors and as image files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minigrad.core.public_names import show_public_names
from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy


def make_grid(
    tensor: Tensor | Sequence[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images (N, C, H, W), or a list of them, as one image (C, rows, columns), `nrow` in a row.

    One channel becomes three.  `normalize` maps `value_range` (default: minimum and maximum, with
    `scale_each` those of each image) to [0, 1].  A single image, also of shape (H, W) or (C, H, W),
    gets no border.  Raises TypeError for anything but Tensors, or for integers to be normalized;
    ValueError for other shapes or a grid without columns.

    >>> import minigrad as mg
    >>> from minigrad.vision.utils import make_grid
    >>> make_grid(mg.zeros(10, 1, 8, 8), nrow=5).shape
    minigrad.Size([3, 22, 52])
    """
    images = _images(tensor)
    if nrow < 1 or padding < 0:
        raise ValueError(f"expected nrow >= 1 and padding >= 0, got {nrow} and {padding}")
    if value_range is not None and not (isinstance(value_range, tuple) and len(value_range) == 2):
        raise TypeError(f"value_range has to be a tuple (min, max), got {value_range!r}")
    if normalize:
        images = _normalized(images, value_range, scale_each)
    if len(images) == 1:
        return from_numpy(images[0])
    count, channels, height, width = images.shape
    columns = min(nrow, count)
    rows = -(-count // columns)
    tile_height, tile_width = height + padding, width + padding
    grid = np.full(
        (channels, rows * tile_height + padding, columns * tile_width + padding),
        pad_value,
        dtype=images.dtype,
    )
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        top, left = row * tile_height + padding, column * tile_width + padding
        grid[:, top : top + height, left : left + width] = image
    return from_numpy(grid)


def save_image(
    tensor: Tensor | Sequence[Tensor],
    fp: str | Path | BinaryIO,
    format: str | None = None,
    **grid_options: Any,
) -> None:
    """Write images with values in [0, 1] to an image file, as the grid that `make_grid` makes.

    Raises ImportError without PIL, TypeError for integers.
    """
    try:
        from PIL import Image  # noqa: PLC0415  optional
    except ImportError as error:
        raise ImportError("save_image needs PIL: install minigrad[plot]") from error
    grid = make_grid(tensor, **grid_options).array
    if grid.dtype.kind != "f":
        raise TypeError(f"save_image expects floating-point images, got {grid.dtype}")
    pixels = np.clip(grid * 255 + 0.5, 0, 255).astype(np.uint8)
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(fp, format=format)


def _images(tensor: Tensor | Sequence[Tensor]) -> Array:
    """A new array (N, C, H, W), with three channels where there was one."""
    if isinstance(tensor, Tensor):
        images = tensor.array
        if images.ndim in (2, 3):
            images = images.reshape(1, -1, *images.shape[-2:])
    elif isinstance(tensor, list | tuple) and all(isinstance(image, Tensor) for image in tensor):
        shapes = sorted({tuple(image.shape) for image in tensor})
        if len(shapes) != 1 or len(shapes[0]) not in (2, 3):
            raise ValueError(f"make_grid expects images (C, H, W) of one shape, got {shapes}")
        images = np.stack([image.array for image in tensor])
        if images.ndim == 3:
            images = images[:, None]
    else:
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    if images.ndim != 4 or len(images) == 0:
        raise ValueError(f"make_grid expects images (N, C, H, W) with N > 0, got {images.shape}")
    return np.repeat(images, 3, axis=1) if images.shape[1] == 1 else images.copy()


def _normalized(images: Array, value_range: tuple[float, float] | None, scale_each: bool) -> Array:
    if images.dtype.kind != "f":
        raise TypeError(f"normalize expects floating-point images, got {images.dtype}")
    axes = (1, 2, 3) if scale_each else None
    if value_range is None:
        low, high = images.min(axes, keepdims=True), images.max(axes, keepdims=True)
    else:
        low, high = (np.asarray(bound, images.dtype) for bound in value_range)
    span = np.maximum(high - low, np.asarray(1e-5, images.dtype))
    scaled: Array = (np.clip(images, low, high) - low) / span
    return scaled


__all__ = [
    "make_grid",
    "save_image",
]

show_public_names(__name__)
