"""Crops, borders, flips and erased rectangles."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.functional.padding import pad as pad_constant
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms.functional.kinds import ImageT, is_pil, pil, spatial_size

_PADDING_MODES = ("constant", "edge", "reflect", "symmetric")
_FLIP_LEFT_RIGHT, _FLIP_TOP_BOTTOM = 0, 1  # PIL's numbers


def crop(img: ImageT, top: int, left: int, height: int, width: int) -> ImageT:
    """The window of this height and width at (top, left); outside of the image it is 0."""
    rows, columns = spatial_size(img)
    if min(height, width) < 0:
        raise ValueError(f"crop expects height, width >= 0, got {height} and {width}")
    bottom, right = top + height, left + width
    cropped: Any
    if is_pil(img):
        cropped = img.crop((left, top, right, bottom))
    elif min(top, left) < 0 or bottom > rows or right > columns:
        border = [max(-left, 0), max(-top, 0), max(right - columns, 0), max(bottom - rows, 0)]
        cropped = crop(pad(img, border), top + border[1], left + border[0], height, width)
    elif isinstance(img, Tensor):
        cropped = img[..., top:bottom, left:right]
    else:
        pixels: Any = img
        cropped = pixels[top:bottom, left:right]
    result: ImageT = cropped
    return result


def center_crop(img: ImageT, output_size: int | Sequence[int]) -> ImageT:
    """The centre of the image; a smaller image is first padded with zeros."""
    (height, width), (rows, columns) = spatial_size(img), height_and_width(output_size)
    if rows > height or columns > width:
        more = [max(columns - width, 0), max(rows - height, 0)]
        img = pad(img, [more[0] // 2, more[1] // 2, (more[0] + 1) // 2, (more[1] + 1) // 2])
        height, width = spatial_size(img)
    return crop(img, round((height - rows) / 2), round((width - columns) / 2), rows, columns)


def five_crop(img: ImageT, size: int | Sequence[int]) -> tuple[ImageT, ...]:
    """The four corners and the centre; ValueError if they are larger than the image."""
    (height, width), (rows, columns) = spatial_size(img), height_and_width(size)
    if rows > height or columns > width:
        raise ValueError(
            f"Requested crop size {(rows, columns)} is bigger than input size {(height, width)}"
        )
    tops, lefts = (0, height - rows), (0, width - columns)
    corners = [crop(img, top, left, rows, columns) for top in tops for left in lefts]
    return (*corners, center_crop(img, (rows, columns)))


def ten_crop(
    img: ImageT, size: int | Sequence[int], vertical_flip: bool = False
) -> tuple[ImageT, ...]:
    """`five_crop` of the image, and of the image flipped."""
    flipped = vflip(img) if vertical_flip else hflip(img)
    return (*five_crop(img, size), *five_crop(flipped, size))


def hflip(img: ImageT) -> ImageT:
    """The image with left and right swapped."""
    return _flip(img, 1, _FLIP_LEFT_RIGHT)


def vflip(img: ImageT) -> ImageT:
    """The image with top and bottom swapped."""
    return _flip(img, 0, _FLIP_TOP_BOTTOM)


def _flip(img: ImageT, axis: int, of_pil: int) -> ImageT:
    spatial_size(img)
    flipped: Any
    if is_pil(img):
        flipped = img.transpose(of_pil)
    elif isinstance(img, Tensor):
        flipped = ops.flip(img, dims=(axis - 2,))
    else:
        flipped = np.flip(np.asarray(img), axis)
    result: ImageT = flipped
    return result


def erase(
    img: Tensor, i: int, j: int, h: int, w: int, v: Tensor | float, inplace: bool = False
) -> Tensor:
    """The Tensor image (..., C, H, W) with the values `v` in the window (h, w) at (i, j)."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    spatial_size(img)
    erased: Tensor = img if inplace else img.clone()
    erased[..., i : i + h, j : j + w] = v
    return erased


def pad(
    img: ImageT,
    padding: int | Sequence[int],
    fill: float | Sequence[float] | None = 0,
    padding_mode: str = "constant",
) -> ImageT:
    """The image with a border added; see `Pad`."""
    fill = 0 if fill is None else fill
    left, top, right, bottom = check_padding(padding, fill, padding_mode)
    edges = (top, bottom), (left, right)
    spatial_size(img)
    padded: Any
    if is_pil(img):
        padded = pil().fromarray(_bordered(np.asarray(img), edges, fill, padding_mode))
        if img.mode == "P":
            padded.putpalette(img.getpalette())
    elif isinstance(img, Tensor):
        padded = _bordered_tensor(img, edges, fill, padding_mode)
    else:
        padded = _bordered(img, edges, fill, padding_mode)
    result: ImageT = padded
    return result


def _bordered(pixels: Any, edges: Any, fill: Any, padding_mode: str) -> Any:
    """An array (H, W, ...) with a border."""
    if padding_mode != "constant":
        return np.pad(pixels, [*edges, *[(0, 0)] * (pixels.ndim - 2)], mode=padding_mode)  # type: ignore[call-overload]
    (top, bottom), (left, right) = edges
    height, width = pixels.shape[:2]
    size = (height + top + bottom, width + left + right, *pixels.shape[2:])
    result = np.full(size, fill, dtype=pixels.dtype)
    result[top : top + height, left : left + width] = pixels
    return result


def _bordered_tensor(img: Tensor, edges: Any, fill: Any, padding_mode: str) -> Tensor:
    """A Tensor (..., H, W) with a border; a gradient passes."""
    (top, bottom), (left, right) = edges
    if padding_mode != "constant":  # the pixels of the border are those at these positions
        rows, columns = (
            np.pad(np.arange(size), edge, mode=padding_mode)  # type: ignore[call-overload]
            for size, edge in zip(img.shape[-2:], edges, strict=True)
        )
        taken: Tensor = img.index_select(-2, from_numpy(rows)).index_select(-1, from_numpy(columns))
        return taken
    fills = list(fill) if isinstance(fill, Sequence) else [fill]
    if len(fills) == 1:
        return pad_constant(img, (left, right, top, bottom), value=fills[0])
    if len(fills) != img.shape[-3]:
        raise ValueError(
            f"The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(fills)} != {img.shape[-3]})"
        )
    planes = [
        pad_constant(img.select(-3, channel), (left, right, top, bottom), value=value)
        for channel, value in enumerate(fills)
    ]
    return ops.stack(planes, -3)


def check_padding(padding: object, fill: object, padding_mode: object) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of a `padding` argument; TypeError or ValueError for others."""
    if not isinstance(padding, int | tuple | list):
        raise TypeError(f"Got inappropriate padding arg: {padding!r}")
    if not isinstance(fill, Real | tuple | list):
        raise TypeError(f"Got inappropriate fill arg: {fill!r}")
    if padding_mode not in _PADDING_MODES:
        raise ValueError(
            f"Padding mode should be either {', '.join(_PADDING_MODES[:-1])} or "
            f"{_PADDING_MODES[-1]}, got {padding_mode!r}"
        )
    sides = [padding] if isinstance(padding, int) else list(padding)
    if len(sides) not in (1, 2, 4):
        raise ValueError(
            "Padding must be an int or a 1, 2, or 4 element tuple, "
            f"not a {len(sides)} element tuple"
        )
    if any(not isinstance(side, int) or side < 0 for side in sides):
        raise ValueError(f"Padding must be integers >= 0, got {padding}")
    left, top, right, bottom = sides * (4 // len(sides))
    return left, top, right, bottom


def height_and_width(size: int | Sequence[int]) -> tuple[int, int]:
    """(H, W) of a `size` argument: an int is a square; ValueError for others."""
    sides = [size] if isinstance(size, int) else list(size)
    if len(sides) not in (1, 2) or any(not isinstance(s, int) or s < 1 for s in sides):
        raise ValueError(f"Please provide only two dimensions (h, w) > 0 for size, got {size}")
    return sides[0], sides[-1]
