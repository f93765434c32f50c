"""Windows under the names of torch's top level; `minigrad.signal.windows` has more of them."""

from typing import Unpack

from minigrad.core.types import DTypeLike
from minigrad.tensor import Tensor
from minigrad.tensor.creation import Placement, from_array
from minigrad.tensor.window_shapes import (
    BLACKMAN,
    HANN,
    Shape,
    cosines,
    kaiser,
    sampled,
    triangle,
    window_dtype,
)


def _window(
    name: str, shape: Shape, length: int, periodic: bool, dtype: DTypeLike, options: Placement
) -> Tensor:
    if length < 0:
        raise RuntimeError(
            f"{name} requires non-negative window_length, got window_length={length}"
        )
    array = sampled(shape, length, not periodic).astype(window_dtype(dtype))
    return from_array(array, dtype=dtype, **options)


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """(1 - cos(x)) / 2: one period of it, or symmetric with periodic=False."""
    return _window("hann_window", cosines(HANN), window_length, periodic, dtype, options)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """alpha - beta cos(x): one period of it, or symmetric with periodic=False."""
    shape = cosines((alpha, beta))
    return _window("hamming_window", shape, window_length, periodic, dtype, options)


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """0.42 - 0.5 cos(x) + 0.08 cos(2 x): one period of it, or symmetric with periodic=False."""
    return _window("blackman_window", cosines(BLACKMAN), window_length, periodic, dtype, options)


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """A triangle: one period of it, or symmetric with periodic=False."""
    return _window("bartlett_window", triangle, window_length, periodic, dtype, options)


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """Kaiser's window: one period of it, or symmetric with periodic=False."""
    return _window("kaiser_window", kaiser(beta), window_length, periodic, dtype, options)
