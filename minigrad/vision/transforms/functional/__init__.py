"""The transforms as functions of an image, under the names of torchvision.transforms.functional."""

from minigrad.core.public_names import show_public_names
from minigrad.vision.transforms.functional.colour import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    rgb_to_grayscale,
    to_grayscale,
)
from minigrad.vision.transforms.functional.convert import (
    channels_first,
    convert_image_dtype,
    normalize,
    pil_to_tensor,
    to_pil_image,
    to_tensor,
)
from minigrad.vision.transforms.functional.geometry import (
    center_crop,
    check_padding,
    crop,
    erase,
    five_crop,
    height_and_width,
    hflip,
    pad,
    ten_crop,
    vflip,
)
from minigrad.vision.transforms.functional.kinds import (
    get_dimensions,
    get_image_num_channels,
    get_image_size,
    is_image,
    is_pil,
    spatial_size,
)
from minigrad.vision.transforms.functional.resample import InterpolationMode, mode_of
from minigrad.vision.transforms.functional.sizing import check_resize, resize, resized_crop
from minigrad.vision.transforms.functional.tone import (
    adjust_sharpness,
    autocontrast,
    equalize,
    gaussian_blur,
    invert,
    posterize,
    solarize,
)
from minigrad.vision.transforms.functional.warp import (
    affine,
    elastic_transform,
    perspective,
    rotate,
)

__all__ = [
    "InterpolationMode", "adjust_brightness", "adjust_contrast", "adjust_gamma", "adjust_hue",
    "adjust_saturation", "adjust_sharpness", "affine", "autocontrast", "center_crop",
    "channels_first", "check_padding", "check_resize", "convert_image_dtype", "crop",
    "elastic_transform", "equalize", "erase", "five_crop", "gaussian_blur", "get_dimensions",
    "get_image_num_channels", "get_image_size", "height_and_width", "hflip", "invert", "is_image",
    "is_pil", "mode_of", "normalize", "pad", "perspective", "pil_to_tensor", "posterize", "resize",
    "resized_crop", "rgb_to_grayscale", "rotate", "solarize", "spatial_size", "ten_crop",
    "to_grayscale", "to_pil_image", "to_tensor", "vflip",
]  # fmt: skip

show_public_names(__name__)
