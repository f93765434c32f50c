"""The transforms as functions of an image, under the names of torchvision.transforms.functional."""

import sys
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, TypeGuard, TypeVar

import numpy as np

from minigrad.core.public_names import show_public_names
from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms.resample import (
    InterpolationMode,
    bilinear,
    centre_as_pil,
    centre_as_torch,
    corner_as_torch,
    nearest,
)

ImageT = TypeVar("ImageT")  # an array, a PIL image or a Tensor; the result is of the same kind

_PADDING_MODES = ("constant", "edge", "reflect", "symmetric")
_PIL_BILINEAR, _PIL_NEAREST, _PIL_FLIP_LEFT_RIGHT = 2, 0, 0


def is_pil(image: object) -> TypeGuard[Any]:
    """True for a PIL image.  It does not import PIL: without PIL there is no such image."""
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(image, pil.Image)


def spatial_size(image: object) -> tuple[int, int]:
    """(H, W) of an array (H, W[, C]), a PIL image or a Tensor (..., H, W); else TypeError."""
    if is_pil(image):
        return image.height, image.width
    if isinstance(image, np.ndarray) and image.ndim in (2, 3):
        return image.shape[0], image.shape[1]
    if isinstance(image, Tensor) and image.ndim >= 2:
        return int(image.shape[-2]), int(image.shape[-1])
    shape = f" of shape {tuple(image.shape)}" if isinstance(image, np.ndarray | Tensor) else ""
    raise TypeError(
        "an image should be a PIL image, an array (H, W) or (H, W, C), or a Tensor (..., H, W). "
        f"Got {type(image)}{shape}"
    )


def to_tensor(image: object) -> Tensor:
    """A PIL image or array (H, W[, C]) as a Tensor (C, H, W); see `ToTensor`."""
    if is_pil(image):
        pixels = np.asarray(image)
        if pixels.dtype == np.bool_:
            pixels = pixels.astype(np.uint8) * np.uint8(255)
        return from_numpy(channels_first(pixels, stacked=False))
    if not isinstance(image, np.ndarray):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(image)}")
    if image.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {image.ndim} dimensions.")
    return from_numpy(channels_first(image, stacked=False))


def channels_first(pixels: Array, stacked: bool) -> Array:
    """([N,] H, W[, C]) -> ([N,] C, H, W), C-contiguous; uint8 becomes float32 in [0, 1]."""
    pixels = (
        np.expand_dims(pixels, -3) if pixels.ndim == 2 + stacked else np.moveaxis(pixels, -1, -3)
    )
    if pixels.dtype == np.uint8:
        scaled: Array = np.divide(pixels, np.float32(255), dtype=np.float32, order="C")
        return scaled
    return np.array(pixels, order="C")


def normalize(
    tensor_image: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """(tensor - mean) / std for every channel of a Tensor (..., C, H, W); see `Normalize`."""
    if not isinstance(tensor_image, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor_image)}")
    if not tensor_image.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor_image.dtype}.")
    if tensor_image.ndim < 3:
        raise ValueError(
            "Expected tensor to be a tensor image of size (..., C, H, W). "
            f"Got tensor.size() = {tuple(tensor_image.shape)}"
        )
    means = _per_channel("mean", mean, tensor_image)
    stds = _per_channel("std", std, tensor_image)
    if not np.all(stds.array):
        raise ValueError(
            f"std evaluated to zero after conversion to {tensor_image.dtype}, "
            f"leading to division by zero: {std}"
        )
    shifted = tensor_image.sub_(means) if inplace else tensor_image - means
    normalized: Tensor = shifted.div_(stds)
    return normalized


def _per_channel(name: str, values: Sequence[float], image: Tensor) -> Tensor:
    """Values for the channels, in a shape (C, 1, 1) that broadcasts over the pixels."""
    column = np.array(values, dtype=image.dtype.numpy).reshape(-1, 1, 1)
    if len(column) not in (1, image.shape[-3]):
        raise RuntimeError(
            f"normalize expects {name} with 1 value or one for each of the "
            f"{image.shape[-3]} channels, got {len(column)}: {values}"
        )
    return from_numpy(column)


def _on_pixels(image: Any, change: Callable[[Array], Array]) -> Any:
    """The result of `change`, a function of arrays (H, W, ...), for an array or Tensor."""
    if isinstance(image, np.ndarray):
        return change(image)
    changed = change(np.moveaxis(image.detach().numpy(), (-2, -1), (0, 1)))
    return from_numpy(np.array(np.moveaxis(changed, (0, 1), (-2, -1)), order="C"))


def crop(image: ImageT, top: int, left: int, height: int, width: int) -> ImageT:
    """The window of this height and width at (top, left); ValueError if it is not inside.

    PyTorch differs: there a window may reach outside of the image and is filled with zeros.
    """
    image_height, image_width = spatial_size(image)
    bottom, right = top + height, left + width
    if min(top, left, height, width) < 0 or bottom > image_height or right > image_width:
        raise ValueError(
            f"crop window top={top}, left={left}, height={height}, width={width} "
            f"reaches outside of the image of size {(image_height, image_width)}"
        )
    cropped: ImageT = (
        image.crop((left, top, right, bottom))
        if is_pil(image)
        else _on_pixels(image, lambda pixels: pixels[top:bottom, left:right])
    )
    return cropped


def hflip(image: ImageT) -> ImageT:
    """The image with left and right swapped."""
    spatial_size(image)
    flipped: ImageT = (
        image.transpose(_PIL_FLIP_LEFT_RIGHT)
        if is_pil(image)
        else _on_pixels(image, lambda pixels: pixels[:, ::-1])
    )
    return flipped


def pad(
    image: ImageT,
    padding: int | Sequence[int],
    fill: float | tuple[float, ...] = 0,
    padding_mode: str = "constant",
) -> ImageT:
    """The image with a border added; see `Pad`."""
    left, top, right, bottom = check_padding(padding, fill, padding_mode)
    height, width = spatial_size(image)

    def bordered(pixels: Array) -> Array:
        if padding_mode != "constant":
            edges = [(top, bottom), (left, right)] + [(0, 0)] * (pixels.ndim - 2)
            return np.pad(pixels, edges, mode=padding_mode)  # type: ignore[call-overload, no-any-return]
        size = (height + top + bottom, width + left + right, *pixels.shape[2:])
        result = np.full(size, fill, dtype=pixels.dtype)
        result[top : top + height, left : left + width] = pixels
        return result

    padded: Any
    if is_pil(image):
        padded = sys.modules["PIL.Image"].fromarray(bordered(np.asarray(image)))
        if image.mode == "P":
            padded.putpalette(image.getpalette())
    else:
        padded = _on_pixels(image, bordered)
    result: ImageT = padded
    return result


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


def resize(
    image: ImageT,
    size: int | Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool = True,
) -> ImageT:
    """The image at another size; see `Resize`.

    PIL images are resized by PIL, and uint8 arrays as PIL would, within 1.  "nearest" is PIL's for
    these and torch's for a Tensor, as in torchvision.

    PyTorch differs: no gradient passes; ValueError where torchvision ignores antialias=False on
    a PIL image.
    """
    check_resize(size, max_size, interpolation)
    height, width = _new_size(spatial_size(image), size, max_size)
    smooth = interpolation is InterpolationMode.BILINEAR
    resized: Any
    if is_pil(image):
        if smooth and not antialias:
            raise ValueError("a PIL image is resized with antialias=True, got antialias=False")
        resized = image.resize((width, height), _PIL_BILINEAR if smooth else _PIL_NEAREST)
    elif smooth:
        resized = _on_pixels(image, lambda pixels: bilinear(pixels, height, width, antialias))
    else:
        if isinstance(image, np.ndarray):
            rule = centre_as_pil
        elif interpolation is InterpolationMode.NEAREST_EXACT:
            rule = centre_as_torch
        else:
            rule = corner_as_torch
        resized = _on_pixels(image, lambda pixels: nearest(pixels, height, width, rule))
    result: ImageT = resized
    return result


def check_resize(size: int | Sequence[int], max_size: int | None, interpolation: object) -> None:
    """Raise TypeError or ValueError if the arguments of `resize` are illegal for any image."""
    if not isinstance(size, int | Sequence) or isinstance(size, str):
        raise TypeError(f"Size should be int or sequence. Got {type(size)}")
    if not isinstance(interpolation, InterpolationMode):
        raise TypeError(f"interpolation should be an InterpolationMode, got {interpolation!r}")
    height_and_width(size)
    if max_size is None:
        return
    shorter = size if isinstance(size, int) else size[0]
    if not isinstance(size, int) and len(size) != 1:
        raise ValueError(
            "max_size should only be passed if size specifies the length of the smaller edge, "
            f"got size={size}, max_size={max_size}"
        )
    if max_size <= shorter:
        raise ValueError(
            f"max_size = {max_size} must be strictly greater than the requested size for the "
            f"smaller edge size = {size}"
        )


def _new_size(
    old: tuple[int, int], size: int | Sequence[int], max_size: int | None
) -> tuple[int, int]:
    if not isinstance(size, int) and len(size) == 2:
        return size[0], size[1]
    shorter = size if isinstance(size, int) else size[0]
    longer = int(shorter * max(old) / min(old))
    if max_size is not None and longer > max_size:
        shorter, longer = int(max_size * shorter / longer), max_size
    return (shorter, longer) if old[0] <= old[1] else (longer, shorter)


__all__ = [
    "channels_first",
    "check_padding",
    "check_resize",
    "crop",
    "height_and_width",
    "hflip",
    "is_pil",
    "normalize",
    "pad",
    "resize",
    "spatial_size",
    "to_tensor",
]

show_public_names(__name__)
