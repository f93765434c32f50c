"""The places of triangles of matrices."""

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.creation import as_tensor
from minigrad.tensor import Tensor


def _places(find: Any, row: int, col: int, offset: int, dtype: Any, device: Any) -> Tensor:
    if row < 0 or col < 0:
        raise RuntimeError(
            f"{find.__name__}: row and col must be non-negative, got {row} and {col}"
        )
    found = dtypes.int64.numpy if dtype is None else dtypes.to_numpy(dtype)
    return as_tensor(np.stack(find(row, offset, col)).astype(found), device=device)


def tril_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """(2, count): rows and columns of the lower triangle of a (row, col) matrix."""
    return _places(np.tril_indices, row, col, offset, dtype, device)


def triu_indices(
    row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """(2, count): rows and columns of the upper triangle of a (row, col) matrix."""
    return _places(np.triu_indices, row, col, offset, dtype, device)
