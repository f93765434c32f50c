"""The kinds of images: arrays, PIL images and Tensors; their sizes, and functions of all kinds."""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard, TypeVar

import numpy as np

from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy

ImageT = TypeVar("ImageT")  # an array, a PIL image or a Tensor; the result is of the same kind
Fill = float | Sequence[float] | None
"""The value of pixels that come from outside of the image: one, or one for each channel."""

_LARGEST = {"uint8": 255, "int8": 127, "int16": 2**15 - 1, "int32": 2**31 - 1, "int64": 2**63 - 1}


def is_pil(image: object) -> TypeGuard[Any]:
    """True for a PIL image.  It does not import PIL: without PIL there is no such image."""
    pil = sys.modules.get("PIL.Image")
    return pil is not None and isinstance(image, pil.Image)


def pil(name: str = "Image") -> Any:
    """PIL's module of this name; ImportError with a hint without PIL."""
    try:
        return importlib.import_module(f"PIL.{name}")
    except ImportError as error:
        raise ImportError("PIL images need PIL: install minigrad[plot]") from error


def is_image(image: object) -> bool:
    """True for what transforms take: a PIL image, an array (H, W[, C]), a Tensor (..., H, W)."""
    if isinstance(image, np.ndarray):
        return image.ndim in (2, 3)
    return is_pil(image) or (isinstance(image, Tensor) and image.ndim >= 2)


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


def get_image_num_channels(img: object) -> int:
    """The number of channels of an image of any kind; 1 where it has no dimension for them."""
    spatial_size(img)
    if is_pil(img):
        return len(img.getbands())
    if isinstance(img, Tensor):
        return int(img.shape[-3]) if img.ndim > 2 else 1
    pixels: Any = img
    return int(pixels.shape[2]) if pixels.ndim == 3 else 1


def get_image_size(img: object) -> list[int]:
    """[W, H] of an image of any kind: first the width, as PIL has it."""
    height, width = spatial_size(img)
    return [width, height]


def get_dimensions(img: object) -> list[int]:
    """[C, H, W] of an image of any kind."""
    return [get_image_num_channels(img), *spatial_size(img)]


def largest_value(image: Tensor) -> int:
    """The value of white: the largest of an integer dtype, 1 of a floating-point one."""
    return _LARGEST.get(str(image.dtype).removeprefix("minigrad."), 1)


def require_channels(image: Tensor, *permitted: int) -> int:
    """The number of channels; TypeError if it is not among those permitted."""
    channels = get_image_num_channels(image)
    if channels not in permitted:
        raise TypeError(
            f"Input image tensor permitted channel values are {list(permitted)}, "
            f"but found {channels}"
        )
    return channels


def by_kind(
    image: ImageT, of_pil: Callable[[Any], Any], of_tensor: Callable[[Tensor], Tensor]
) -> ImageT:
    """The result of the function for the image's kind; that of an array is computed as a Tensor."""
    spatial_size(image)
    result: Any
    if is_pil(image):
        result = of_pil(image)
    elif isinstance(image, Tensor):
        result = of_tensor(image)
    else:
        result = on_planes(image, of_tensor)
    changed: ImageT = result
    return changed


def on_planes(pixels: Any, change: Callable[[Tensor], Tensor]) -> Array:
    """The result of a function of Tensors (C, H, W) for an array (H, W) or (H, W, C)."""
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    changed = change(from_numpy(np.array(planes, order="C"))).detach().numpy()
    return changed[0] if pixels.ndim == 2 else np.ascontiguousarray(np.moveaxis(changed, 0, -1))
