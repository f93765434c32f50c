"""Numbers laid out by place: powers in a row, and coordinates of elements."""

from typing import Any

import numpy as np

from minigrad.engine.graph import wrap
from minigrad.engine.op import composed


@composed
def vander(x: Any, *, N: int | None = None) -> Any:
    """Powers 0 ... N - 1 of the elements of x (..., n): (..., n, N), by default N = n."""
    if N is not None and N <= 1:
        raise RuntimeError(f"N must be greater than 1, got {N}")
    count = x.shape[-1] if N is None else N
    return x.unsqueeze(-1) ** x.new_tensor(np.arange(count))


@composed
def powers(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """`torch.vander`: powers of a vector's elements, (n,) -> (n, N), the highest first if not
    `increasing`.  Raises RuntimeError for other dimensions, or a negative N.
    """
    if x.ndim != 1:
        raise RuntimeError(f"x must be a one-dimensional tensor, got shape {list(x.shape)}")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise RuntimeError(f"N must be non-negative, got {N}")
    exponents = np.arange(count) if increasing else np.arange(count)[::-1].copy()
    return x.unsqueeze(-1) ** x.new_tensor(exponents)


@composed
def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """Numbers of elements, counted row by row, as coordinates: one tensor for each dimension.

    Raises TypeError for indices that are not integers, ValueError for one that is no element.
    """
    if indices.array.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    found = np.unravel_index(indices.array, sizes)
    return tuple(wrap(indices.kind, np.asarray(each)) for each in found)
