"""Windows: weights that fall off towards both ends of a stretch of a signal."""

from collections.abc import Callable, Sequence

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, DTypeLike
from minigrad.kernels.special.bessel import modified_bessel_i0

HANN = (0.5, 0.5)
BLACKMAN = (0.42, 0.5, 0.08)
NUTTALL = (0.3635819, 0.4891775, 0.1365995, 0.0106411)

Shape = Callable[[Array, int], Array]
"""A window's values at positions 0, 1, ..., where the last of the symmetric one is given."""


def sampled(shape: Shape, length: int, symmetric: bool) -> Array:
    """A window of `length` points in float64: symmetric, or one period of a periodic one."""
    if length < 2:
        return np.ones(length)
    return shape(np.arange(length, dtype=np.float64), length - 1 if symmetric else length)


def cosines(coefficients: Sequence[float]) -> Shape:
    """a[0] - a[1] cos(x) + a[2] cos(2 x) - ..., where x goes from 0 to 2 pi."""

    def values(at: Array, last: int) -> Array:
        angles = at * (2 * np.pi / last)
        total = np.zeros(at.shape)
        for i, a in enumerate(coefficients):
            total += (-1) ** i * a * np.cos(i * angles)
        return total

    return values


def triangle(at: Array, last: int) -> Array:
    """0 at both ends, 1 in the middle."""
    return 1 - np.abs(2 * at / last - 1)


def kaiser(beta: float) -> Shape:
    """I_0(beta sqrt(1 - x^2)) / I_0(beta), where x goes from -1 to 1."""

    def values(at: Array, last: int) -> Array:
        x = np.minimum(2 * at / last - 1, 1)
        bessel: Array = modified_bessel_i0(np.append(beta * np.sqrt(1 - x * x), beta))
        scaled: Array = bessel[:-1] / bessel[-1]
        return scaled

    return values


def window_dtype(dtype: DTypeLike) -> np.dtype[np.generic]:
    """The dtype of a window.  Raises RuntimeError unless it is floating."""
    found = dtypes.default_numpy() if dtype is None else dtypes.to_numpy(dtype)
    if found.kind != "f":
        raise RuntimeError(f"window expects floating point dtypes, got: {dtypes.of_numpy(found)}")
    return found
