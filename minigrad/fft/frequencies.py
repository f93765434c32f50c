"""The frequencies of a transform, and their order."""

from typing import Unpack

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import DTypeLike
from minigrad.engine.graph import V
from minigrad.engine.op import composed
from minigrad.fft.arguments import Dims
from minigrad.ops import roll
from minigrad.ops.dims import wrap_dim
from minigrad.tensor import Tensor
from minigrad.tensor.creation import Placement, from_array


def _dtype(name: str, dtype: DTypeLike) -> np.dtype[np.generic]:
    found = dtypes.default_numpy() if dtype is None else dtypes.to_numpy(dtype)
    if found.kind not in "fc":
        raise RuntimeError(f"{name} requires a floating point or complex dtype, got {dtype}")
    return found


def fftfreq(
    n: int, d: float = 1.0, *, dtype: DTypeLike = None, **options: Unpack[Placement]
) -> Tensor:
    """The frequencies of `fft` of n points that are d apart, in cycles: 0, 1, ..., -1, over n d."""
    return from_array(np.fft.fftfreq(n, d).astype(_dtype("fftfreq", dtype)), dtype=dtype, **options)


def rfftfreq(
    n: int, d: float = 1.0, *, dtype: DTypeLike = None, **options: Unpack[Placement]
) -> Tensor:
    """The frequencies of `rfft` of n points that are d apart, in cycles: 0, 1, ..., over n d."""
    return from_array(
        np.fft.rfftfreq(n, d).astype(_dtype("rfftfreq", dtype)), dtype=dtype, **options
    )


def _axes(input: V, dim: Dims) -> tuple[int, ...]:
    given = range(input.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    return tuple(wrap_dim(each, input.ndim) for each in given)


@composed
def fftshift(input: V, dim: Dims = None) -> V:
    """The frequencies in ascending order along `dim`, that is, 0 in the middle; all by default."""
    dims = _axes(input, dim)
    if not dims:
        return input.clone()
    return roll(input, shifts=tuple(input.shape[axis] // 2 for axis in dims), dims=dims)


@composed
def ifftshift(input: V, dim: Dims = None) -> V:
    """The inverse of `fftshift`: frequency 0 in front."""
    dims = _axes(input, dim)
    if not dims:
        return input.clone()
    return roll(input, shifts=tuple((input.shape[axis] + 1) // 2 for axis in dims), dims=dims)
