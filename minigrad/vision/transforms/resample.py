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


def bilinear(image: Array, height: int, width: int, antialias: bool) -> Array:
    """(H, W, ...) -> (height, width, ...) by a triangle filter, wider where the image shrinks.

    With `antialias`, uint8 images are computed in PIL's fixed-point arithmetic.  If one side
    changes, the result is PIL's to the bit; if both do, within 1, as PIL's releases differ in the
    order of the sides.
    """
    columns = triangle_weights(image.shape[1], width, antialias)
    rows = triangle_weights(image.shape[0], height, antialias)
    if image.dtype == np.uint8 and antialias:
        return _pass_down(_pass_across(image, columns, fixed_point=True), rows, fixed_point=True)
    values = _pass_down(_pass_across(image, columns), rows)
    if image.dtype.kind in "iu":
        values = np.rint(values)
    return values.astype(image.dtype)


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


@lru_cache(maxsize=64)
def triangle_weights(size: int, new_size: int, antialias: bool) -> Array:
    """(new_size, size): the weight of each old pixel in each new one; rows add up to 1.

    A new pixel's centre lies at (i + 1/2) size / new_size in units of old pixels.  The
    triangle's half width is one old pixel, or, for antialiasing, one new pixel if that is wider.
    """
    scale = size / new_size
    reach = max(scale, 1.0) if antialias else 1.0
    centres = (np.arange(new_size) + 0.5) * scale
    if not antialias:  # beyond the outermost centres the border pixel alone counts
        centres = np.clip(centres, 0.5, size - 0.5)
    distance = np.abs(np.arange(size) + 0.5 - centres[:, None]) / reach
    weights = np.maximum(1.0 - distance, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    weights.flags.writeable = False
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
