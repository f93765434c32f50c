"""Tone curves: inverted, posterized, solarized, stretched and equalized images; sharpness, blur."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.dtypes import float32, uint8
from minigrad.core.types import Array
from minigrad.nn.functional.conv import conv2d
from minigrad.nn.functional.padding import pad
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms.functional.colour import blend
from minigrad.vision.transforms.functional.convert import pil_to_tensor, to_pil_image
from minigrad.vision.transforms.functional.kinds import (
    ImageT,
    by_kind,
    largest_value,
    pil,
    require_channels,
)


def invert(img: ImageT) -> ImageT:
    """White minus the image."""

    def of_tensor(image: Tensor) -> Tensor:
        _require_planes(image)
        return largest_value(image) - image

    return by_kind(img, lambda picture: pil("ImageOps").invert(picture), of_tensor)


def posterize(img: ImageT, bits: int) -> ImageT:
    """The image with the upper `bits` of each value, 0 to 8, and zeros below; uint8 only."""
    if not 0 <= bits <= 8:
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")

    def of_tensor(image: Tensor) -> Tensor:
        _require_planes(image)
        _require_uint8(image)
        return from_numpy(image.numpy() & np.uint8(256 - 2 ** (8 - bits) & 255))

    return by_kind(img, lambda picture: pil("ImageOps").posterize(picture, bits), of_tensor)


def solarize(img: ImageT, threshold: float) -> ImageT:
    """The image with all values from the threshold on inverted."""

    def of_tensor(image: Tensor) -> Tensor:
        _require_planes(image)
        if threshold > largest_value(image):
            raise TypeError(
                f"Threshold should be less than bound of img, {largest_value(image)}, "
                f"got {threshold}"
            )
        return ops.where(image >= threshold, invert(image), image)

    return by_kind(img, lambda picture: pil("ImageOps").solarize(picture, threshold), of_tensor)


def autocontrast(img: ImageT) -> ImageT:
    """Each channel stretched so that its darkest pixel is black and its lightest white."""

    def of_tensor(image: Tensor) -> Tensor:
        _require_planes(image)
        white = largest_value(image)
        values = image if image.is_floating_point() else image.to(float32)
        low, high = values.amin((-2, -1), keepdim=True), values.amax((-2, -1), keepdim=True)
        flat = high == low
        scale = white / ops.where(flat, 1.0, high - low)
        stretched = (values - ops.where(flat, 0.0, low)) * ops.where(flat, 1.0, scale)
        result: Tensor = stretched.clamp(0, white).to(image.dtype)
        return result

    return by_kind(img, lambda picture: pil("ImageOps").autocontrast(picture), of_tensor)


def equalize(img: ImageT) -> ImageT:
    """Each channel mapped so that its values are spread evenly over 0 to 255; uint8 only."""

    def of_tensor(image: Tensor) -> Tensor:
        _require_planes(image)
        _require_uint8(image)
        planes = image.numpy().reshape(-1, *image.shape[-2:])
        return from_numpy(np.stack(list(map(_equalized, planes))).reshape(image.shape))

    return by_kind(img, lambda picture: pil("ImageOps").equalize(picture), of_tensor)


def _equalized(plane: Array) -> Array:
    counts = np.bincount(plane.ravel(), minlength=256)
    step = (plane.size - counts[np.flatnonzero(counts)[-1]]) // 255
    if step == 0:
        return plane
    below = np.cumsum(counts) - counts
    table = np.clip((below + step // 2) // step, 0, 255).astype(np.uint8)
    mapped: Array = table[plane]
    return mapped


def adjust_sharpness(img: ImageT, sharpness_factor: float) -> ImageT:
    """The distance from a blurred image times the factor: 0 is blurred, 1 the same image."""
    if sharpness_factor < 0:
        raise ValueError(f"sharpness_factor ({sharpness_factor}) is not non-negative.")

    def of_tensor(image: Tensor) -> Tensor:
        require_channels(image, 1, 3)
        if min(image.shape[-2:]) <= 2:
            return image
        kernel = np.ones((3, 3))
        kernel[1, 1] = 5
        inner = _filtered(image, kernel / 13)
        blurred = image.clone()  # whose outermost pixels stay
        blurred[..., 1:-1, 1:-1] = inner
        return blend(image, blurred, sharpness_factor)

    def of_pil(picture: Any) -> Any:
        return pil("ImageEnhance").Sharpness(picture).enhance(sharpness_factor)

    return by_kind(img, of_pil, of_tensor)


def gaussian_blur(
    img: ImageT, kernel_size: int | Sequence[int], sigma: float | Sequence[float] | None = None
) -> ImageT:
    """The image blurred by a Gaussian window of (width, height) pixels, both odd.

    sigma: the standard deviations in pixels, by default 0.15 kernel_size + 0.35.  The image is
    mirrored beyond its edges.
    """
    sizes, sigmas = _check_blur(kernel_size, sigma)

    def of_tensor(image: Tensor) -> Tensor:
        dtype = image.dtype.numpy if image.is_floating_point() else np.dtype(np.float32)
        across, down = (_gaussian(n, s, dtype) for n, s in zip(sizes, sigmas, strict=True))
        beyond = sizes[0] // 2, sizes[0] // 2, sizes[1] // 2, sizes[1] // 2
        return _filtered(image, np.outer(down, across), beyond)

    def of_pil(picture: Any) -> Any:
        return to_pil_image(of_tensor(pil_to_tensor(picture)), picture.mode)

    return by_kind(img, of_pil, of_tensor)


def _gaussian(size: int, sigma: float, dtype: np.dtype[Any]) -> Array:
    positions = np.arange(size, dtype=dtype) - dtype.type((size - 1) / 2)
    weights = np.exp(dtype.type(-0.5) * (positions / dtype.type(sigma)) ** 2)
    return np.asarray(weights / weights.sum())


def _filtered(image: Tensor, kernel: Array, mirrored: Sequence[int] | None = None) -> Tensor:
    """Every channel of (..., H, W) correlated with the kernel; integers are rounded."""
    values = image if image.is_floating_point() else image.to(float32)
    planes = values.reshape(-1, 1, *image.shape[-2:])
    if mirrored is not None:
        planes = pad(planes, mirrored, "reflect")
    weight = from_numpy(kernel.astype(values.dtype.numpy)[None, None])
    smooth = conv2d(planes, weight)
    result = smooth.reshape(*image.shape[:-2], *smooth.shape[-2:])
    return result if image.is_floating_point() else result.round().to(image.dtype)


def _check_blur(
    kernel_size: int | Sequence[int], sigma: float | Sequence[float] | None
) -> tuple[list[int], list[float]]:
    if not isinstance(kernel_size, int | list | tuple):
        raise TypeError(
            f"kernel_size should be int or a sequence of integers. Got {type(kernel_size)}"
        )
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(sizes) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(sizes)}")
    if any(size % 2 == 0 or size < 0 for size in sizes):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    if sigma is None:
        return sizes, [size * 0.15 + 0.35 for size in sizes]
    if not isinstance(sigma, Real | list | tuple):
        raise TypeError(f"sigma should be either float or sequence of floats. Got {type(sigma)}")
    sigmas = [float(sigma)] if isinstance(sigma, Real) else [float(value) for value in sigma]
    if len(sigmas) not in (1, 2):
        raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(sigmas)}")
    if min(sigmas) <= 0:
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    return sizes, [sigmas[0], sigmas[-1]]


def _require_planes(image: Tensor) -> None:
    """Raise TypeError unless the image is (..., 1 or 3, H, W)."""
    if image.ndim < 3:
        raise TypeError(
            f"Input image tensor should have at least 3 dimensions, but found {image.ndim}"
        )
    require_channels(image, 1, 3)


def _require_uint8(image: Tensor) -> None:
    if image.dtype != uint8:
        raise TypeError(f"Only uint8 image tensors are supported, but found {image.dtype}")
