"""Softmax and log-softmax along an axis that is not the last: rows at a time, by vectors.

`kernels/reduction/softmax.py` has the rows of a matrix.  A copy that puts the axis last would take
longer than the exponentials.
"""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.reduction.softmax import EXP_WORK
from minigrad.kernels.simd import math as scalar

Array = np.ndarray[Any, Any]

# Columns of a task, whose largest elements and sums stay in the first-level cache; and the fewest
# columns, below which vectors would be idle.
COLUMNS, FEWEST = 256, 8


@device_function
def _exponentials(out, top, total, x, b, begin):
    """Fill some columns of out[b] with e**(x - top), and `total` with the sums down them."""
    end = begin + top.size
    for s in range(top.size):
        top[s] = -np.inf
        total[s] = 0
    for k in range(x.shape[1]):
        row = x[b, k, begin:end]
        for s in range(top.size):
            top[s] = row[s] if row[s] > top[s] else top[s]
    for k in range(x.shape[1]):
        row, result = x[b, k, begin:end], out[b, k, begin:end]
        for s in range(top.size):
            result[s] = scalar.decay(row[s] - top[s])
            total[s] += result[s]


@kernel
def _softmax(out: Array, largest: Array, totals: Array, x: Array, logarithm: bool) -> None:
    """Along K of x (B, K, S).  Workspaces: largest (B, S), and totals (B, S) in float64."""
    strips = (x.shape[2] + COLUMNS - 1) // COLUMNS
    for task in prange(x.shape[0] * strips):
        b, begin = task // strips, task % strips * COLUMNS
        end = min(begin + COLUMNS, x.shape[2])
        top, total = largest[b, begin:end], totals[b, begin:end]
        _exponentials(out, top, total, x, b, begin)
        for s in range(top.size):
            total[s] = np.log(total[s]) if logarithm else 1 / total[s]
        for k in range(x.shape[1]):
            row, result = x[b, k, begin:end], out[b, k, begin:end]
            if logarithm:
                for s in range(top.size):
                    result[s] = (row[s] - top[s]) - out.dtype.type(total[s])
            else:
                for s in range(top.size):
                    result[s] *= out.dtype.type(total[s])


@kernel
def _backward(dx: Array, sums: Array, g: Array, out: Array, logarithm: bool) -> None:
    """Along K of (B, K, S).  Workspace: sums (B, S) in float64."""
    strips = (g.shape[2] + COLUMNS - 1) // COLUMNS
    for task in prange(g.shape[0] * strips):
        b, begin = task // strips, task % strips * COLUMNS
        end = min(begin + COLUMNS, g.shape[2])
        total = sums[b, begin:end]
        for s in range(total.size):
            total[s] = 0
        for k in range(g.shape[1]):
            slope, result = g[b, k, begin:end], out[b, k, begin:end]
            if logarithm:
                for s in range(total.size):
                    total[s] += slope[s]
            else:
                for s in range(total.size):
                    total[s] += slope[s] * result[s]
        for k in range(g.shape[1]):
            slope, result = g[b, k, begin:end], out[b, k, begin:end]
            given = dx[b, k, begin:end]
            if logarithm:
                for s in range(total.size):
                    given[s] = slope[s] - scalar.decay(result[s]) * dx.dtype.type(total[s])
            else:
                for s in range(total.size):
                    given[s] = result[s] * (slope[s] - dx.dtype.type(total[s]))


def is_worth_it(axis: int, *arrays: Array) -> bool:
    """Whether the functions below take these arrays, and are faster than with the axis last."""
    shape = arrays[0].shape
    return math.prod(shape[axis + 1 :]) >= FEWEST and all(
        x.flags.c_contiguous and x.dtype.char in "fd" for x in arrays
    )


def _sizes(x: Array, axis: int) -> tuple[int, int, int]:
    return math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])


def softmax(x: Array, axis: int, logarithm: bool = False) -> Array:
    """e**x over its sum along `axis`, or the logarithm of that."""
    sizes = lead, _, rest = _sizes(x, axis)
    out, largest, totals = np.empty_like(x), np.empty((lead, rest), x.dtype), np.empty((lead, rest))
    work = x.size * EXP_WORK
    _softmax.run(work, out.reshape(sizes), largest, totals, x.reshape(sizes), logarithm)
    return out


def softmax_backward(g: Array, out: Array, axis: int, logarithm: bool = False) -> Array:
    """The gradient of x, given what `softmax` has returned."""
    sizes = lead, _, rest = _sizes(g, axis)
    dx, sums = np.empty_like(g), np.empty((lead, rest))
    work = g.size * EXP_WORK
    _backward.run(work, dx.reshape(sizes), sums, g.reshape(sizes), out.reshape(sizes), logarithm)
    return dx
