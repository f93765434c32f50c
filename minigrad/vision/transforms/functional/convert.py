"""From one kind of image to another, from one dtype to another, and normalization."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.dtypes import dtype as DType
from minigrad.core.dtypes import float32, get_default_dtype
from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms.functional.kinds import is_pil, largest_value, pil


def to_tensor(pic: object) -> Tensor:
    """A PIL image or array (H, W[, C]) as a Tensor (C, H, W); see `ToTensor`."""
    if is_pil(pic):
        return from_numpy(channels_first(_pixels_of(pic), stacked=False))
    if not isinstance(pic, np.ndarray):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    return from_numpy(channels_first(pic, stacked=False))


def pil_to_tensor(pic: object) -> Tensor:
    """A PIL image or array (H, W[, C]) as a Tensor (C, H, W) with the same values.

    PyTorch differs: it takes PIL images only; the images of its datasets are of that kind.  There
    the result of a PIL image of 16 bits is uint16, here int32, which has all its values.
    """
    pixels = np.asarray(pic) if is_pil(pic) else pic
    if is_pil(pic) and np.asarray(pixels).dtype == np.uint16:
        pixels = np.asarray(pixels).astype(np.int32)
    if not isinstance(pixels, np.ndarray) or pixels.ndim not in (2, 3):
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)
    return from_numpy(np.array(planes, order="C"))


def _pixels_of(picture: Any) -> Array:
    """A PIL image's pixels; black and white are 0 and 255, 16 bits int16 as in torchvision."""
    pixels = np.asarray(picture)
    if pixels.dtype == np.uint16:
        return pixels.view(np.int16)
    return pixels.astype(np.uint8) * np.uint8(255) if pixels.dtype == np.bool_ else pixels


def channels_first(pixels: Array, stacked: bool) -> Array:
    """([N,] H, W[, C]) -> ([N,] C, H, W), C-contiguous; uint8 becomes floats in [0, 1]."""
    pixels = (
        np.expand_dims(pixels, -3) if pixels.ndim == 2 + stacked else np.moveaxis(pixels, -1, -3)
    )
    if pixels.dtype == np.uint8:
        dtype = get_default_dtype().numpy
        scaled: Array = np.divide(pixels, dtype.type(255), dtype=dtype, order="C")
        return scaled
    return np.array(pixels, order="C")


# PIL's modes for a number of channels, the first being the one that is meant if none is given.
_MODES = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}
_GREY_MODES = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A Tensor ([C,] H, W) or array (H, W[, C]) as a PIL image; see `ToPILImage`."""
    if not isinstance(pic, np.ndarray | Tensor):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    pixels = pic.detach().numpy() if isinstance(pic, Tensor) else pic
    if pixels.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pixels.ndim} dimensions.")
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    elif isinstance(pic, Tensor):
        pixels = np.moveaxis(pixels, 0, -1)
    channels = pixels.shape[-1]
    if not 1 <= channels <= 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    if pixels.dtype.kind == "f" and mode != "F":
        pixels = (pixels * 255).astype(np.uint8)
    mode = _picture_mode(pixels, channels, mode)
    height, width = pixels.shape[:2]
    return pil().frombytes(mode, (width, height), np.ascontiguousarray(pixels).tobytes())


def _picture_mode(pixels: Array, channels: int, mode: str | None) -> str:
    """The mode given, if it fits the pixels, or else the usual one."""
    if channels == 1:
        expected = _GREY_MODES.get(pixels.dtype.name)
        if mode is not None and mode != expected:
            raise ValueError(
                f"Incorrect mode ({mode}) supplied for input type {pixels.dtype}. "
                f"Should be {expected}"
            )
        mode = expected
    else:
        if mode is not None and mode not in _MODES[channels]:
            raise ValueError(
                f"Only modes {list(_MODES[channels])} are supported for {channels}D inputs, "
                f"got {mode}"
            )
        mode = (mode or _MODES[channels][0]) if pixels.dtype == np.uint8 else None
    if mode is None:
        raise TypeError(f"Input type {pixels.dtype} is not supported")
    return mode


def convert_image_dtype(image: Tensor, dtype: DType = float32) -> Tensor:
    """The image in another dtype, black and white staying black and white.

    White is the largest value of an integer dtype and 1 of a floating-point one.  Raises
    RuntimeError for a cast from floating point to integers that has not enough digits.
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"Input img should be Tensor Image. Got {type(image)}")
    if image.dtype == dtype:
        return image
    result: Tensor
    if dtype.is_floating_point:
        result = image.to(dtype)
        return result if image.is_floating_point() else result / float(largest_value(image))
    white = largest_value(from_numpy(np.zeros(0, dtype.numpy)))
    if image.is_floating_point():
        too_fine = {"float32": ("int32", "int64"), "float64": ("int64",)}
        if dtype.numpy.name in too_fine.get(image.dtype.numpy.name, ()):
            raise RuntimeError(
                f"The cast from {image.dtype} to {dtype} cannot be performed safely."
            )
        # Every integer takes an equal share of [0, 1], not white the value 1 alone.
        result = image.mul(white + 1.0 - 1e-3).to(dtype)
        return result
    old_white = largest_value(image)
    if old_white > white:
        step = (old_white + 1) // (white + 1)
        result = image.div(step, rounding_mode="floor").to(dtype)
    else:
        result = image.to(dtype) * ((white + 1) // (old_white + 1))
    return result


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """(tensor - mean) / std for every channel of a Tensor (..., C, H, W); see `Normalize`."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            "Expected tensor to be a tensor image of size (..., C, H, W). "
            f"Got tensor.size() = {tuple(tensor.shape)}"
        )
    means = _per_channel("mean", mean, tensor)
    stds = _per_channel("std", std, tensor)
    if not np.all(stds.array):
        raise ValueError(
            f"std evaluated to zero after conversion to {tensor.dtype}, "
            f"leading to division by zero: {std}"
        )
    shifted = tensor.sub_(means) if inplace else tensor - means
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
