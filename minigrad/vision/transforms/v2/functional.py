"""The functions of images under the names of torchvision.transforms.v2.functional."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.dtypes import dtype as DType
from minigrad.core.dtypes import float32, int64, uint8
from minigrad.core.public_names import show_public_names
from minigrad.ops.generator import stream
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms.functional import (
    InterpolationMode,
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    adjust_sharpness,
    affine,
    autocontrast,
    center_crop,
    convert_image_dtype,
    crop,
    elastic_transform,
    equalize,
    erase,
    five_crop,
    gaussian_blur,
    get_dimensions,
    get_image_num_channels,
    get_image_size,
    hflip,
    invert,
    normalize,
    pad,
    perspective,
    pil_to_tensor,
    posterize,
    resize,
    resized_crop,
    rgb_to_grayscale,
    rotate,
    solarize,
    spatial_size,
    ten_crop,
    to_grayscale,
    to_pil_image,
    to_tensor,
    vflip,
)
from minigrad.vision.transforms.functional.kinds import ImageT, by_kind, is_pil, pil

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
    "adjust_saturation", "adjust_sharpness", "affine", "autocontrast", "center_crop",
    "convert_image_dtype", "crop", "elastic", "elastic_transform", "equalize", "erase",
    "five_crop", "gaussian_blur", "gaussian_noise", "get_dimensions", "get_image_num_channels",
    "get_image_size", "get_num_channels", "get_size", "grayscale_to_rgb", "hflip",
    "horizontal_flip", "invert", "jpeg", "normalize", "pad", "permute_channels", "perspective",
    "pil_to_tensor", "posterize", "resize", "resized_crop", "rgb_to_grayscale", "rotate",
    "solarize", "ten_crop", "to_dtype", "to_grayscale", "to_image", "to_pil_image", "to_tensor",
    "vertical_flip", "vflip",
]  # fmt: skip

horizontal_flip = hflip
vertical_flip = vflip
elastic = elastic_transform
get_num_channels = get_image_num_channels


def get_size(inpt: object) -> list[int]:
    """[H, W] of an image of any kind."""
    return list(spatial_size(inpt))


def to_image(inpt: Any) -> Tensor:
    """A PIL image or array (H, W[, C]) as a Tensor (C, H, W) with the same values.

    PyTorch differs: the result is of its class tv_tensors.Image; here a Tensor.
    """
    if not isinstance(inpt, Tensor):
        return pil_to_tensor(inpt)
    spatial_size(inpt)
    return inpt.unsqueeze(0) if inpt.ndim == 2 else inpt


def to_dtype(inpt: Tensor, dtype: DType = float32, scale: bool = False) -> Tensor:
    """The Tensor in another dtype; with `scale` black and white stay black and white."""
    if not isinstance(inpt, Tensor):
        raise TypeError(f"to_dtype expects a Tensor, got {type(inpt)}: put ToImage before it")
    converted: Tensor = convert_image_dtype(inpt, dtype) if scale else inpt.to(dtype)
    return converted


def grayscale_to_rgb(inpt: ImageT) -> ImageT:
    """A grey image as three equal channels; a colour image stays as it is."""

    def of_pil(picture: Any) -> Any:
        return picture if picture.mode == "RGB" else picture.convert("RGB")

    colour: Any
    if is_pil(inpt):
        colour = of_pil(inpt)
    else:
        colour = inpt if get_image_num_channels(inpt) >= 3 else rgb_to_grayscale(inpt, 3)
    result: ImageT = colour
    return result


def permute_channels(inpt: ImageT, permutation: Sequence[int]) -> ImageT:
    """The image with its channels in another order."""
    order = [int(channel) for channel in permutation]
    if sorted(order) != list(range(get_image_num_channels(inpt))):
        raise ValueError(
            f"Length of permutation ({len(order)}) does not match number of channels "
            f"({get_image_num_channels(inpt)}), or it is no permutation: {order}"
        )

    def of_tensor(image: Tensor) -> Tensor:
        taken: Tensor = image.index_select(-3, from_numpy(np.array(order, int64.numpy)))
        return taken

    def of_pil(picture: Any) -> Any:
        bands = picture.split()
        return pil().merge(picture.mode, [bands[channel] for channel in order])

    return by_kind(inpt, of_pil, of_tensor)


def gaussian_noise(
    inpt: ImageT, mean: float = 0.0, sigma: float = 0.1, clip: bool = True
) -> ImageT:
    """The image with normal noise added, in units of white; `clip` keeps it within the values.

    For uint8 and floating-point Tensors and arrays; ValueError for others and for PIL images.
    """
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")

    def of_pil(picture: Any) -> Any:
        raise ValueError("Gaussian Noise is not implemented for PIL images.")

    def of_tensor(image: Tensor) -> Tensor:
        noise = stream(None).standard_normal(tuple(image.shape), dtype=np.float32)
        if image.is_floating_point():
            noisy = image + from_numpy(noise.astype(image.dtype.numpy)) * sigma + mean
            return noisy.clamp(0, 1) if clip else noisy
        if image.dtype != uint8:
            raise ValueError(
                f"Input tensor is expected to be in uint8 or float dtype, got dtype={image.dtype}"
            )
        values = image.numpy() + (mean * 255 + noise * (sigma * 255)).astype(np.int16)
        return from_numpy((np.clip(values, 0, 255) if clip else values).astype(np.uint8))

    return by_kind(inpt, of_pil, of_tensor)


def jpeg(image: ImageT, quality: int) -> ImageT:
    """The uint8 image after JPEG compression, from 1 (strong) to 100; ImportError without PIL."""

    def of_pil(picture: Any) -> Any:
        memory = io.BytesIO()
        picture.save(memory, format="JPEG", quality=quality)
        return pil().open(memory).copy()

    def of_tensor(tensor: Tensor) -> Tensor:
        if tensor.dtype != uint8:
            raise TypeError(f"Only uint8 image tensors are supported, but found {tensor.dtype}")
        planes = tensor.reshape(-1, *tensor.shape[-3:])
        pictures = [of_pil(to_pil_image(plane)) for plane in planes]
        decoded = np.stack([pil_to_tensor(picture).numpy() for picture in pictures])
        return from_numpy(decoded.reshape(tensor.shape))

    return by_kind(image, of_pil, of_tensor)


show_public_names(__name__)
