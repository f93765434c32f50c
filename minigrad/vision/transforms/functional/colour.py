"""Brightness, contrast, saturation, hue, gamma, and grey images.

PIL images are computed by PIL, arrays and Tensors by torchvision's formulas for Tensors.
"""

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.dtypes import float32
from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms.functional.convert import convert_image_dtype
from minigrad.vision.transforms.functional.kinds import (
    ImageT,
    by_kind,
    is_pil,
    largest_value,
    pil,
    require_channels,
    spatial_size,
)

_PIL_GREY = np.array([19595, 38470, 7471])  # 0.299, 0.587, 0.114 of red, green, blue, times 2**16


def blend(image: Tensor, other: Tensor, ratio: float) -> Tensor:
    """ratio * image + (1 - ratio) * other, within the values of the dtype."""
    mixed = ratio * image + (1.0 - ratio) * other
    result: Tensor = mixed.clamp(0, largest_value(image)).to(image.dtype)
    return result


def adjust_brightness(img: ImageT, brightness_factor: float) -> ImageT:
    """The image with its values times the factor: 0 is black, 1 the same image."""
    _require_factor("brightness_factor", brightness_factor)

    def of_tensor(image: Tensor) -> Tensor:
        require_channels(image, 1, 3)
        scaled: Tensor = (image * brightness_factor).clamp(0, largest_value(image))
        return scaled.to(image.dtype)

    return by_kind(img, _enhanced("Brightness", brightness_factor), of_tensor)


def adjust_contrast(img: ImageT, contrast_factor: float) -> ImageT:
    """The image's distance from its mean grey times the factor: 0 is grey, 1 the same image."""
    _require_factor("contrast_factor", contrast_factor)

    def of_tensor(image: Tensor) -> Tensor:
        grey = _grey(image) if require_channels(image, 1, 3) == 3 else image
        grey = grey if grey.is_floating_point() else grey.to(float32)
        dims = tuple(range(-min(image.ndim, 3), 0))
        return blend(image, grey.mean(dims, keepdim=True), contrast_factor)

    return by_kind(img, _enhanced("Contrast", contrast_factor), of_tensor)


def adjust_saturation(img: ImageT, saturation_factor: float) -> ImageT:
    """The distance of the colours from grey times the factor: 0 is grey, 1 the same image."""
    _require_factor("saturation_factor", saturation_factor)

    def of_tensor(image: Tensor) -> Tensor:
        if require_channels(image, 1, 3) == 1:
            return image
        return blend(image, _grey(image), saturation_factor)

    return by_kind(img, _enhanced("Color", saturation_factor), of_tensor)


def _require_factor(name: str, factor: float) -> None:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def _enhanced(name: str, factor: float) -> Any:
    return lambda picture: getattr(pil("ImageEnhance"), name)(picture).enhance(factor)


def adjust_hue(img: ImageT, hue_factor: float) -> ImageT:
    """The image with its hues turned by `hue_factor` rounds, from -0.5 to 0.5."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")

    def of_tensor(image: Tensor) -> Tensor:
        if require_channels(image, 1, 3) == 1:
            return image
        hue, saturation, value = _hsv_of_rgb(
            image if image.is_floating_point() else convert_image_dtype(image, float32)
        )
        turned = _rgb_of_hsv((hue + hue_factor) % 1.0, saturation, value)
        return convert_image_dtype(turned, image.dtype)

    return by_kind(img, lambda picture: _turned_picture(picture, hue_factor), of_tensor)


def _turned_picture(picture: Any, hue_factor: float) -> Any:
    if picture.mode in ("L", "1", "I", "F"):
        return picture
    hue, saturation, value = picture.convert("HSV").split()
    turned = np.array(hue, np.uint8) + np.int32(hue_factor * 255).astype(np.uint8)  # wraps around
    bands = (pil().fromarray(turned), saturation, value)
    return pil().merge("HSV", bands).convert(picture.mode)


def _hsv_of_rgb(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue, saturation and value, each in [0, 1], of (..., 3, H, W).  Smith 1978."""
    red, green, blue = image.unbind(-3)
    value, darkest = image.amax(-3), image.amin(-3)
    grey = value == darkest
    spread = value - darkest
    saturation = spread / ops.where(grey, 1.0, value)
    # Distances from the brightest channel; they do not matter where all are equal.
    divisor = ops.where(grey, 1.0, spread)
    r, g, b = ((value - channel) / divisor for channel in (red, green, blue))
    sector = ops.where(value == red, b - g, ops.where(value == green, 2.0 + r - b, 4.0 + g - r))
    return ops.fmod(sector / 6.0 + 1.0, 1.0), saturation, value


def _rgb_of_hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    sector = ops.floor(hue * 6.0)
    fraction = hue * 6.0 - sector
    p = (value * (1.0 - saturation)).clamp(0.0, 1.0)
    q = (value * (1.0 - saturation * fraction)).clamp(0.0, 1.0)
    t = (value * (1.0 - saturation * (1.0 - fraction))).clamp(0.0, 1.0)
    number = sector.detach().numpy().astype(np.int64) % 6
    # The colours of the six sectors of the circle, which begins with red.
    channels = (value, q, p, p, t, value), (t, value, value, q, p, p), (p, p, t, value, value, q)
    return ops.stack([_chosen(number, choices) for choices in channels], -3)


def _chosen(number: Array, choices: tuple[Tensor, ...]) -> Tensor:
    """For each pixel the choice of its number."""
    *rest, result = choices
    for index, choice in enumerate(rest):
        result = ops.where(from_numpy(number == index), choice, result)
    return result


def adjust_gamma(img: ImageT, gamma: float, gain: float = 1) -> ImageT:
    """gain * image ** gamma, for values in [0, 1]: gamma > 1 makes shadows darker."""
    if gamma < 0:
        raise ValueError(f"Gamma should be a non-negative real number, got {gamma}")

    def of_pil(picture: Any) -> Any:
        table = [int((255 + 1 - 1e-3) * gain * pow(value / 255.0, gamma)) for value in range(256)]
        return picture.convert("RGB").point(table * 3).convert(picture.mode)

    def of_tensor(image: Tensor) -> Tensor:
        require_channels(image, 1, 3)
        values = image if image.is_floating_point() else convert_image_dtype(image, float32)
        return convert_image_dtype((gain * values**gamma).clamp(0, 1), image.dtype)

    return by_kind(img, of_pil, of_tensor)


def rgb_to_grayscale(img: ImageT, num_output_channels: int = 1) -> ImageT:
    """The brightness of a colour image, as 1 channel or as 3 equal ones; see `Grayscale`.

    PyTorch differs: there a Tensor of 1 channel stays one where 3 are asked for.
    """
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels should be either 1 or 3, got {num_output_channels}")
    spatial_size(img)
    pixels: Any = img
    grey: Any
    if is_pil(img):
        grey = img.convert("L")
        grey = grey if num_output_channels == 1 else pil().merge("RGB", [grey] * 3)
    elif isinstance(img, Tensor):
        if img.ndim < 3:
            raise TypeError(
                f"Input image tensor should have at least 3 dimensions, but found {img.ndim}"
            )
        grey = _grey(img) if require_channels(img, 1, 3) == 3 else img.clone()
        if num_output_channels == 3:
            grey = grey.expand(*img.shape[:-3], 3, *img.shape[-2:])
    else:
        grey = _grey_pixels(pixels) if pixels.ndim == 3 else pixels
        grey = grey if num_output_channels == 1 else np.stack([grey] * 3, axis=-1)
    result: ImageT = grey
    return result


to_grayscale = rgb_to_grayscale


def _grey(image: Tensor) -> Tensor:
    """(..., 3, H, W) -> (..., 1, H, W): for integers rounded down, as in torchvision."""
    red, green, blue = image.unbind(-3)
    grey: Tensor = (0.2989 * red + 0.587 * green + 0.114 * blue).to(image.dtype).unsqueeze(-3)
    return grey


def _grey_pixels(pixels: Array) -> Array:
    """(H, W, 1 or 3) -> (H, W): for uint8 in PIL's arithmetic, rounded once."""
    if pixels.shape[-1] == 1:
        return pixels[..., 0]
    if pixels.shape[-1] != 3:
        raise ValueError(f"Grayscale expects 1 or 3 channels, got {pixels.shape[-1]}")
    if pixels.dtype == np.uint8:
        total: Array = (pixels.astype(np.int64) @ _PIL_GREY + 0x8000) >> 16
        return total.astype(np.uint8)
    weighed: Array = pixels @ (_PIL_GREY / 2**16)
    return weighed.astype(pixels.dtype)
