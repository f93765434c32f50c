"""Vandermonde matrices, and coordinates of flat indices."""

import numpy as np

from minigrad.core.types import Shape
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import composed
from minigrad.ops.indexing.index_select import at_least_1d


@composed
def vander(x: V, *, N: int | None = None) -> V:
    """`torch.linalg.vander`: powers 0 ... N - 1 of x (..., n): (..., n, N); by default N = n.

    A 0-d x is a vector of one element.
    """
    if N is not None and N <= 1:
        raise RuntimeError(f"N must be greater than 1, got {N}")
    x = at_least_1d(x)
    count = x.shape[-1] if N is None else N
    return x.unsqueeze(-1) ** x.new_tensor(np.arange(count))


@composed
def powers(x: V, N: int | None = None, increasing: bool = False) -> V:
    """`torch.vander`: powers of a vector, (n,) -> (n, N), the highest first unless `increasing`.

    Raises RuntimeError for other than 1 dimension, or a negative N.
    """
    if x.ndim != 1:
        raise RuntimeError(f"x must be a one-dimensional tensor, got shape {list(x.shape)}")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError(f"N must be non-negative, got {N}")
    exponents = np.arange(count) if increasing else np.arange(count)[::-1].copy()
    return x.unsqueeze(-1) ** x.new_tensor(exponents)


@composed
def unravel_index(indices: V, shape: int | Shape) -> tuple[V, ...]:
    """The coordinates of flat indices in C order: a tensor for each dimension.

    Raises TypeError for indices that are not integers, ValueError for one out of range.
    """
    if indices.array.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    coordinates = np.unravel_index(indices.array, sizes)
    return tuple(wrap_like(indices, np.asarray(each)) for each in coordinates)
