"""Resizing of arrays: two small matrices, one for the rows and one for the columns."""

from collections.abc import Callable
from enum import Enum
from functools import lru_cache

import numpy as np

from minigrad.core.types import Array

# PIL computes 8-bit images with weights of this many fractional bits, rounding after each pass.
_PIL_WEIGHT_BITS = 22


IndexRule = Callable[[int, int], Array]
"""From the old and the new number of pixels on a side to the old pixel that each new one copies."""


class InterpolationMode(Enum):
    """The value of a point between pixels; names and values are torchvision's."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


PIL_CODES = {
    InterpolationMode.NEAREST: 0,
    InterpolationMode.BILINEAR: 2,
    InterpolationMode.BICUBIC: 3,
    InterpolationMode.NEAREST_EXACT: 0,
    InterpolationMode.BOX: 4,
    InterpolationMode.HAMMING: 5,
    InterpolationMode.LANCZOS: 1,
}
"""PIL's numbers of the modes."""


def mode_of(interpolation: object) -> InterpolationMode:
    """The mode that an argument means: one of torchvision's, or PIL's number; else TypeError."""
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    for mode, code in PIL_CODES.items():
        if type(interpolation) is not bool and interpolation == code:
            return mode
    raise TypeError(
        "interpolation should be an InterpolationMode or a corresponding Pillow integer constant, "
        f"got {interpolation!r}"
    )


def filtered(
    image: Array, height: int, width: int, mode: InterpolationMode, antialias: bool = True
) -> Array:
    """(H, W, ...) -> (height, width, ...) by the mode's filter, wider where the image shrinks.

    With `antialias`, uint8 images are computed in PIL's fixed-point arithmetic.  If one side
    changes, the result is PIL's to the bit; if both do, within 1, as PIL's releases differ in the
    order of the sides.
    """
    columns = filter_weights(image.shape[1], width, mode, antialias)
    rows = filter_weights(image.shape[0], height, mode, antialias)
    if image.dtype == np.uint8 and antialias:
        return _pass_down(_pass_across(image, columns, fixed_point=True), rows, fixed_point=True)
    values = _pass_down(_pass_across(image, columns), rows)
    if image.dtype.kind in "iu":
        bounds = np.iinfo(image.dtype)
        values = np.clip(np.rint(values), bounds.min, bounds.max)
    result: Array = values.astype(image.dtype)
    return result


def nearest(image: Array, height: int, width: int, rule: IndexRule) -> Array:
    """(H, W, ...) -> (height, width, ...): `rule` has the old pixel that each new one copies."""
    return image[rule(image.shape[0], height)][:, rule(image.shape[1], width)]


def centre_as_pil(size: int, new_size: int) -> Array:
    """The pixel at the new pixel's centre, with the rounding errors of PIL's running sum."""
    steps = np.full(new_size, size / new_size)
    steps[0] /= 2
    return np.minimum(np.cumsum(steps).astype(np.intp), size - 1)


def centre_as_torch(size: int, new_size: int) -> Array:
    """The pixel at the new pixel's centre, in torch's float32 arithmetic: "nearest-exact"."""
    return _scaled_as_torch(np.arange(new_size, dtype=np.float32) + np.float32(0.5), size)


def corner_as_torch(size: int, new_size: int) -> Array:
    """The pixel at the new pixel's upper left corner, in float32: torch's older "nearest"."""
    return _scaled_as_torch(np.arange(new_size, dtype=np.float32), size)


def _scaled_as_torch(positions: Array, size: int) -> Array:
    scale = np.float32(size) / np.float32(len(positions))
    return np.minimum((positions * scale).astype(np.intp), size - 1)


def _triangle(x: Array) -> Array:
    return np.asarray(np.maximum(1 - np.abs(x), 0))


def _cubic(x: Array, a: float = -0.5) -> Array:
    """Keys 1981, Cubic convolution interpolation; the antialiasing filters have a = -1/2."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _box(x: Array) -> Array:
    return ((x > -0.5) & (x <= 0.5)).astype(np.float64)


def _hamming(x: Array) -> Array:
    return np.where(np.abs(x) < 1, np.sinc(x) * (0.54 + 0.46 * np.cos(np.pi * x)), 0.0)


def _lanczos(x: Array) -> Array:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


# A filter's shape, in units of an old pixel or, for antialiasing, of a new one if that is wider.
_FILTERS: dict[InterpolationMode, Callable[[Array], Array]] = {
    InterpolationMode.BILINEAR: _triangle,
    InterpolationMode.BICUBIC: _cubic,
    InterpolationMode.BOX: _box,
    InterpolationMode.HAMMING: _hamming,
    InterpolationMode.LANCZOS: _lanczos,
}


@lru_cache(maxsize=64)
def filter_weights(size: int, new_size: int, mode: InterpolationMode, antialias: bool) -> Array:
    """(new_size, size): the weight of each old pixel in each new one; rows add up to 1.

    A new pixel's centre lies at (i + 1/2) size / new_size in units of old pixels.
    """
    scale = size / new_size
    centres = (np.arange(new_size) + 0.5) * scale
    if antialias:
        distance = (np.arange(size) + 0.5 - centres[:, None]) / max(scale, 1.0)
        weights = _FILTERS[mode](distance)
        weights /= weights.sum(axis=1, keepdims=True)
    else:
        weights = _between_pixels(centres, size, mode)
    weights.flags.writeable = False
    return weights


def _between_pixels(centres: Array, size: int, mode: InterpolationMode) -> Array:
    """The weights of the nearest pixels; pixels outside of the image have the border's value."""
    cubic = mode is InterpolationMode.BICUBIC
    first = np.floor(centres - 0.5).astype(np.intp)
    weights = np.zeros((len(centres), size))
    for offset in (-1, 0, 1, 2) if cubic else (0, 1):
        distance = first + offset + 0.5 - centres
        weight = _cubic(distance, -0.75) if cubic else _triangle(distance)
        position = np.clip(first + offset, 0, size - 1)
        np.add.at(weights, (np.arange(len(centres)), position), weight)
    return weights


def _pass_across(image: Array, weights: Array, fixed_point: bool = False) -> Array:
    height, width = image.shape[:2]
    flat = image.reshape(height, width, -1)
    return _weigh(weights, flat, fixed_point).reshape(height, len(weights), *image.shape[2:])


def _pass_down(image: Array, weights: Array, fixed_point: bool = False) -> Array:
    flat = image.reshape(image.shape[0], -1)
    return _weigh(weights, flat, fixed_point).reshape(len(weights), *image.shape[1:])


def _weigh(weights: Array, image: Array, fixed_point: bool) -> Array:
    pixels = image.astype(np.float64)
    if not fixed_point:
        return np.asarray(weights @ pixels)
    # All terms are integers below 2**31 and their sums below 2**53: float64 makes no error.
    one = float(1 << _PIL_WEIGHT_BITS)
    total = np.floor(weights * one + 0.5) @ pixels
    return np.clip(np.floor(total / one + 0.5), 0, 255).astype(np.uint8)
