"""Random numbers that samples are made of, in the dtype of a parameter."""

from collections.abc import Iterable

import numpy as np

from minigrad.engine.graph import wrap
from minigrad.ops.generator import stream
from minigrad.random import rand, randn
from minigrad.tensor import Tensor
from minigrad.tensor.typeinfo import finfo


def standard_normal(shape: Iterable[int], like: Tensor) -> Tensor:
    """Normal numbers of mean 0 and deviation 1."""
    return randn(tuple(shape), dtype=like.dtype)


def uniform(shape: Iterable[int], like: Tensor) -> Tensor:
    """Uniform numbers in the open interval (0, 1)."""
    limits = finfo(like.dtype)
    return rand(tuple(shape), dtype=like.dtype).clamp(min=limits.tiny, max=1 - limits.eps / 2)


def from_numpy_draw(numbers: np.ndarray, like: Tensor) -> Tensor:
    """NumPy's draws as a tensor of the dtype of `like`."""
    drawn: Tensor = wrap(Tensor, np.asarray(numbers).astype(like.array.dtype))
    return drawn


def poisson(rate: Tensor) -> Tensor:
    """Numbers of events at these rates."""
    return from_numpy_draw(stream(None).poisson(rate.array.astype(np.float64)), rate)
