"""Weighted sums of elements along an axis, as `reads.py` lists them."""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.resampling.reads import Reads

Array = np.ndarray[Any, Any]

# Outputs along the axis in one task.
ROWS = 64


@kernel
def _read_rows(out: Array, x: Array, starts: Array, positions: Array, weights: Array) -> None:
    """out[o, i] = the weighted sum of some x[o, k]: (O, I, S) and (O, K, S), whole rows of S."""
    blocks = (out.shape[1] + ROWS - 1) // ROWS
    for task in prange(out.shape[0] * blocks):
        o = task // blocks
        begin = task % blocks * ROWS
        for i in range(begin, min(begin + ROWS, out.shape[1])):
            result = out[o, i]
            first, end = starts[i], starts[i + 1]
            if end - first == 2:  # in one pass
                row, other = x[o, positions[first]], x[o, positions[first + 1]]
                weight, other_weight = weights[first], weights[first + 1]
                for s in range(result.size):
                    result[s] = weight * row[s] + other_weight * other[s]
                continue
            for s in range(result.size):
                result[s] = 0
            for t in range(first, end):
                row, weight = x[o, positions[t]], weights[t]
                for s in range(result.size):
                    result[s] += weight * row[s]


@kernel
def _read_columns(out: Array, x: Array, starts: Array, positions: Array, weights: Array) -> None:
    """out[o, i] = the weighted sum of some x[o, k]: (O, I) and (O, K)."""
    for o in prange(out.shape[0]):
        row, result = x[o], out[o]
        for i in range(result.size):
            total = x.dtype.type(0)
            for t in range(starts[i], starts[i + 1]):
                total += weights[t] * row[positions[t]]
            result[i] = total


@kernel
def _read_pairs(out: Array, x: Array, positions: Array, weights: Array) -> None:
    """The same where each output reads two: positions and weights (2, I)."""
    first, second = positions
    weight, other = weights
    for o in prange(out.shape[0]):
        row, result = x[o], out[o]
        for i in range(result.size):
            result[i] = weight[i] * row[first[i]] + other[i] * row[second[i]]


def read_along(x: Array, reads: Reads, axis: int) -> Array:
    """The weighted sums along an axis of an array of floats, each in the array's dtype."""
    out = np.empty((*x.shape[:axis], reads.outputs, *x.shape[axis + 1 :]), x.dtype)
    lead, rest = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    weights = reads.weights.astype(x.dtype)
    work = 4 * out.size
    given = np.ascontiguousarray(x)
    if rest == 1:
        rows, result = given.reshape(lead, x.shape[axis]), out.reshape(lead, reads.outputs)
        if reads.positions.size == 2 * reads.outputs and np.all(np.diff(reads.starts) == 2):
            pairs = [np.ascontiguousarray(a.reshape(-1, 2).T) for a in (reads.positions, weights)]
            _read_pairs.run(work, result, rows, *pairs)
        else:
            _read_columns.run(work, result, rows, reads.starts, reads.positions, weights)
    else:
        blocks = given.reshape(lead, x.shape[axis], rest)
        whole = out.reshape(lead, reads.outputs, rest)
        _read_rows.run(work, whole, blocks, reads.starts, reads.positions, weights)
    return out
