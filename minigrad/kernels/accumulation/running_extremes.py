"""Positions of the extreme element so far along an axis: the last of several, of nan the newest."""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange

Array = np.ndarray[Any, Any]


@kernel
def _of_rows(positions: Array, x: Array, largest: bool) -> None:
    """positions[r, k] = where the extreme of x[r, 0] ... x[r, k] stands."""
    for r in prange(x.shape[0]):
        row, found = x[r], positions[r]
        best = row[0]
        place = 0
        for k in range(row.size):
            value = row[k]
            replaces = value >= best if largest else value <= best
            if replaces or np.isnan(value):
                best, place = value, k
            found[k] = place


@kernel
def _of_blocks(positions: Array, best: Array, x: Array, largest: bool) -> None:
    """The same for (B, K, S).  Workspace: `best` (B, S)."""
    for b in prange(x.shape[0]):
        extremes, before = best[b], positions[b, 0]
        for s in range(extremes.size):
            extremes[s] = x[b, 0, s]
            before[s] = 0
        for k in range(1, x.shape[1]):
            row, found, last = x[b, k], positions[b, k], positions[b, k - 1]
            for s in range(found.size):
                value = row[s]
                replaces = value >= extremes[s] if largest else value <= extremes[s]
                if replaces or np.isnan(value):
                    extremes[s], found[s] = value, k
                else:
                    found[s] = last[s]


def running_extremes(x: Array, axis: int, largest: bool) -> Array:
    """The positions along an axis, which is not empty, of an array of floats."""
    positions = np.empty(x.shape, np.int64)
    lead, rest = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    given = np.ascontiguousarray(x)
    if rest == 1 and x.size:
        shape = lead, x.shape[axis]
        _of_rows.run(2 * x.size, positions.reshape(shape), given.reshape(shape), largest)
    elif x.size:
        sizes = lead, x.shape[axis], rest
        best = np.empty((lead, rest), x.dtype)
        _of_blocks.run(x.size, positions.reshape(sizes), best, given.reshape(sizes), largest)
    return positions
