"""Resizing of arrays: two small matrices, one for the rows and one for the columns."""

from collections.abc import Callable
from enum import Enum
from functools import lru_cache

import numpy as np

# PIL computes 8-bit images with weights of this many fractional bits, rounding after each pass.
_PIL_WEIGHT_BITS = 22


# From the old and the new number of pixels on a side: which old one each new one copies.
IndexRule = Callable[[int, int], np.ndarray]


class InterpolationMode(Enum):
    """How a pixel between pixels is found; the names and values of torchvision's."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"


def bilinear(image: np.ndarray, height: int, width: int, antialias: bool) -> np.ndarray:
    """(H, W, ...) -> (height, width, ...) by a triangle filter, as wide as the shrinking asks.

    With `antialias`, uint8 images are computed in PIL's fixed-point arithmetic: where one side
    changes, to the bit as PIL; where both do, within 1, as its releases differ in which goes first.
    """
    columns = triangle_weights(image.shape[1], width, antialias)
    rows = triangle_weights(image.shape[0], height, antialias)
    if image.dtype == np.uint8 and antialias:
        return _pass_down(_pass_across(image, columns, fixed_point=True), rows, fixed_point=True)
    values = _pass_down(_pass_across(image, columns), rows)
    if image.dtype.kind in "iu":
        values = np.rint(values)
    return values.astype(image.dtype)


def nearest(image: np.ndarray, height: int, width: int, rule: IndexRule) -> np.ndarray:
    """(H, W, ...) -> (height, width, ...) with each new pixel a copy of the one `rule` names."""
    return image[rule(image.shape[0], height)][:, rule(image.shape[1], width)]


def centre_as_pil(size: int, new_size: int) -> np.ndarray:
    """The pixel at the new pixel's centre, with the rounding errors of PIL's running sum."""
    steps = np.full(new_size, size / new_size)
    steps[0] /= 2
    return np.minimum(np.cumsum(steps).astype(np.intp), size - 1)


def centre_as_torch(size: int, new_size: int) -> np.ndarray:
    """The pixel at the new pixel's centre, in torch's float32 arithmetic: "nearest-exact"."""
    return _scaled_as_torch(np.arange(new_size, dtype=np.float32) + np.float32(0.5), size)


def corner_as_torch(size: int, new_size: int) -> np.ndarray:
    """The pixel at the new pixel's upper left corner, in float32: torch's older "nearest"."""
    return _scaled_as_torch(np.arange(new_size, dtype=np.float32), size)


def _scaled_as_torch(places: np.ndarray, size: int) -> np.ndarray:
    scale = np.float32(size) / np.float32(len(places))
    return np.minimum((places * scale).astype(np.intp), size - 1)


@lru_cache(maxsize=64)
def triangle_weights(size: int, new_size: int, antialias: bool) -> np.ndarray:
    """(new_size, size): how much of each old pixel goes into each new one; rows add up to 1.

    A new pixel's centre lies at (i + 1/2) size / new_size among the old ones'.  The triangle's half
    width is one old pixel, or, for antialiasing, one new pixel where that is wider.
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


def _pass_across(image: np.ndarray, weights: np.ndarray, fixed_point: bool = False) -> np.ndarray:
    height, width = image.shape[:2]
    flat = image.reshape(height, width, -1)
    return _weigh(weights, flat, fixed_point).reshape(height, len(weights), *image.shape[2:])


def _pass_down(image: np.ndarray, weights: np.ndarray, fixed_point: bool = False) -> np.ndarray:
    flat = image.reshape(image.shape[0], -1)
    return _weigh(weights, flat, fixed_point).reshape(len(weights), *image.shape[1:])


def _weigh(weights: np.ndarray, image: np.ndarray, fixed_point: bool) -> np.ndarray:
    pixels = image.astype(np.float64)
    if not fixed_point:
        return np.asarray(weights @ pixels)
    # All terms are integers below 2**31 and their sums below 2**53: float64 makes no error.
    one = float(1 << _PIL_WEIGHT_BITS)
    total = np.floor(weights * one + 0.5) @ pixels
    return np.clip(np.floor(total / one + 0.5), 0, 255).astype(np.uint8)
