"""Rows and columns of the triangles of matrices."""

from collections.abc import Callable

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, DeviceLike, DTypeLike
from minigrad.tensor import Tensor
from minigrad.tensor.creation import as_tensor


def _triangle_indices(
    find: Callable[..., tuple[Array, Array]],
    row: int,
    col: int,
    offset: int,
    dtype: DTypeLike,
    device: DeviceLike,
) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(
            f"{find.__name__}: row and col must be non-negative, got {row} and {col}"
        )
    found = dtypes.int64.numpy if dtype is None else dtypes.to_numpy(dtype)
    return as_tensor(np.stack(find(row, offset, col)).astype(found), device=device)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: DTypeLike = None, device: DeviceLike = None
) -> Tensor:
    """(2, count): rows and columns of the lower triangle of a (row, col) matrix."""
    return _triangle_indices(np.tril_indices, row, col, offset, dtype, device)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: DTypeLike = None, device: DeviceLike = None
) -> Tensor:
    """(2, count): rows and columns of the upper triangle of a (row, col) matrix."""
    return _triangle_indices(np.triu_indices, row, col, offset, dtype, device)
