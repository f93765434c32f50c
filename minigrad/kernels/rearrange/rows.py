"""Rows of elements, of whatever dtype, copied: in reverse, or up to the edge of a triangle.

NumPy reverses rows an element at a time, and makes a mask to cut a triangle.
"""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange

Array = np.ndarray[Any, Any]

# Rows in one task.
ROWS = 16
# NumPy is faster for fewer elements, and then nothing needs to be compiled.
LEAST = 4096
# Elements are copied as bits of these types.
_BITS = {4: np.uint32, 8: np.uint64}


@kernel
def _reverse(out: Array, x: Array) -> None:
    """out[r, i] = x[r, -1 - i]."""
    for task in prange((x.shape[0] + ROWS - 1) // ROWS):
        for r in range(task * ROWS, min((task + 1) * ROWS, x.shape[0])):
            row, result = x[r], out[r]
            size = np.uint64(row.size)
            for i in range(size):  # unsigned: no index is looked at for being negative
                result[i] = row[size - np.uint64(1) - i]


@kernel
def _triangle(out: Array, x: Array, rows: int, diagonal: int, is_lower: bool) -> None:
    """out = x (matrices * rows, columns) below or above a diagonal, which is copied, else 0."""
    for task in prange((x.shape[0] + ROWS - 1) // ROWS):
        for r in range(task * ROWS, min((task + 1) * ROWS, x.shape[0])):
            row, result = x[r], out[r]
            edge = r % rows + diagonal + (1 if is_lower else 0)
            edge = min(max(edge, 0), row.size)
            begin, end = (0, edge) if is_lower else (edge, row.size)
            for i in range(begin):
                result[i] = 0
            part, kept = row[begin:end], result[begin:end]
            for i in range(kept.size):
                kept[i] = part[i]
            for i in range(end, row.size):
                result[i] = 0


def is_worth_it(x: Array) -> bool:
    """Return whether the kernels here copy the array faster than NumPy."""
    return x.size >= LEAST and x.itemsize in _BITS and x.dtype.kind in "fiu"


def _as_rows(x: Array) -> Array:
    """The bits of contiguous elements, a row for each of the last dimension."""
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return rows.view(_BITS[x.itemsize])


def reverse_rows(x: Array) -> Array:
    """The elements in reverse order along the last dimension."""
    out = np.empty(x.shape, x.dtype)
    _reverse.run(x.size, _as_rows(out), _as_rows(np.ascontiguousarray(x)))
    return out


def triangle(x: Array, diagonal: int, is_lower: bool) -> Array:
    """The lower or upper triangle of matrices (..., m, n); zeros elsewhere."""
    out = np.empty(x.shape, x.dtype)
    given = _as_rows(np.ascontiguousarray(x))
    _triangle.run(x.size, _as_rows(out), given, x.shape[-2], diagonal, is_lower)
    return out
