"""torch.signal.windows: symmetric windows, or with sym=False one period of a periodic one."""

import math
from collections.abc import Iterable
from typing import TypedDict, Unpack

import numpy as np

from minigrad.core import dtypes
from minigrad.core.memory_format import layout as Layout
from minigrad.core.memory_format import strided
from minigrad.core.public_names import show_public_names
from minigrad.core.types import Array, DeviceLike, DTypeLike
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_array
from minigrad.tensor.window_shapes import (
    BLACKMAN,
    HANN,
    NUTTALL,
    Shape,
    cosines,
    sampled,
    triangle,
)
from minigrad.tensor.window_shapes import kaiser as kaiser_of

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine",
    "general_hamming", "hamming", "hann", "kaiser", "nuttall",
]  # fmt: skip


class Placement(TypedDict, total=False):
    """Settings of a window besides its elements."""

    device: DeviceLike
    requires_grad: bool
    layout: Layout


def _window(
    name: str, shape: Shape, M: int, sym: bool, dtype: DTypeLike, options: Placement
) -> Tensor:
    """Raises ValueError for a negative length and for other dtypes than float32 and float64."""
    found = dtypes.default_numpy() if dtype is None else dtypes.to_numpy(dtype)
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if options.get("layout", strided) is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {options}")
    if found not in (np.float32, np.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtypes.of_numpy(found)}")
    return from_array(sampled(shape, M, sym).astype(found), **options)


def _require_positive(what: str, given: float) -> None:
    if given <= 0:
        raise ValueError(f"{what} must be positive, got: {given} instead.")


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """exp(-|n - center| / tau), Poisson's window.

    Raises ValueError unless tau is positive, and for a center of a symmetric window.
    """
    _require_positive("Tau", tau)
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")

    def shape(at: Array, last: int) -> Array:
        middle = last / 2 if center is None else center
        return np.exp(-np.abs(at - middle) / tau)

    return _window("exponential", shape, M, sym, dtype, options)


def cosine(
    M: int, *, sym: bool = True, dtype: DTypeLike = None, **options: Unpack[Placement]
) -> Tensor:
    """Half a period of a sine, at the middle of each of M parts."""

    def shape(at: Array, last: int) -> Array:
        return np.sin((at + 0.5) * (np.pi / (last + 1)))

    return _window("cosine", shape, M, sym, dtype, options)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """exp(-((n - center) / std)^2 / 2).  Raises ValueError unless std is positive."""
    _require_positive("Standard deviation", std)

    def shape(at: Array, last: int) -> Array:
        return np.exp(-(((at - last / 2) / (std * math.sqrt(2))) ** 2))

    return _window("gaussian", shape, M, sym, dtype, options)


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """Kaiser's window, the wider the smaller beta.  Raises ValueError for a beta below 0."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return _window("kaiser", kaiser_of(beta), M, sym, dtype, options)


def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """a[0] - a[1] cos(x) + a[2] cos(2 x) - ...

    Raises TypeError if `a` is no sequence, ValueError if it is empty.
    """
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    coefficients = tuple(a)
    if not coefficients:
        raise ValueError("Coefficients cannot be empty")
    return _window("general_cosine", cosines(coefficients), M, sym, dtype, options)


def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """alpha - (1 - alpha) cos(x)."""
    shape = cosines((alpha, 1.0 - alpha))
    return _window("general_hamming", shape, M, sym, dtype, options)


def hamming(
    M: int, *, sym: bool = True, dtype: DTypeLike = None, **options: Unpack[Placement]
) -> Tensor:
    """0.54 - 0.46 cos(x)."""
    return _window("hamming", cosines((0.54, 0.46)), M, sym, dtype, options)


def hann(
    M: int, *, sym: bool = True, dtype: DTypeLike = None, **options: Unpack[Placement]
) -> Tensor:
    """(1 - cos(x)) / 2."""
    return _window("hann", cosines(HANN), M, sym, dtype, options)


def blackman(
    M: int, *, sym: bool = True, dtype: DTypeLike = None, **options: Unpack[Placement]
) -> Tensor:
    """0.42 - 0.5 cos(x) + 0.08 cos(2 x)."""
    return _window("blackman", cosines(BLACKMAN), M, sym, dtype, options)


def bartlett(
    M: int, *, sym: bool = True, dtype: DTypeLike = None, **options: Unpack[Placement]
) -> Tensor:
    """A triangle, 0 at both ends."""
    return _window("bartlett", triangle, M, sym, dtype, options)


def nuttall(
    M: int, *, sym: bool = True, dtype: DTypeLike = None, **options: Unpack[Placement]
) -> Tensor:
    """The cosine window of four terms with the lowest side lobes, by Nuttall (1981)."""
    return _window("nuttall", cosines(NUTTALL), M, sym, dtype, options)


show_public_names(__name__)
