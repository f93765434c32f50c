"""Scans along an axis: linear recurrences, and running sums."""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange

Array = np.ndarray[Any, Any]


@kernel
def _recurrence(out: Array, state: Array, factor: Array, addend: Array) -> None:
    """out[k] = factor[k] * out[k - 1] + addend[k] for (B, K, S); factor[0] is not read.

    By way of `state` (B, S) in float64.
    """
    for b in prange(out.shape[0]):
        last = state[b]
        head = out[b, 0]
        start = addend[b, 0]
        for s in range(head.size):
            last[s] = start[s]
            head[s] = start[s]
        for k in range(1, out.shape[1]):
            here = out[b, k]
            f = factor[b, k]
            a = addend[b, k]
            for s in range(here.size):
                last[s] = f[s] * last[s] + a[s]
                here[s] = last[s]


def recurrence(factor: Array, addend: Array, axis: int) -> Array:
    """The solution h of h[k] = factor[k] * h[k - 1] + addend[k] along an axis, h[-1] being 0."""
    dtype = np.float64 if addend.dtype == np.float64 else np.float32
    out = np.empty(addend.shape, dtype)
    if out.size:
        lead = int(np.prod(addend.shape[:axis], dtype=np.int64))
        sizes = (lead, addend.shape[axis], -1)
        f, a = (np.ascontiguousarray(x, dtype).reshape(sizes) for x in (factor, addend))
        state = np.empty((lead, a.shape[2]))
        _recurrence.run(out.size, out.reshape(sizes), state, f, a)
    return out.astype(addend.dtype, copy=False)


@kernel
def _running_sums(out: Array, totals: Array, x: Array) -> None:
    """out[k] = x[0] + ... + x[k] for (B, K, S).  Workspace: `totals` (B, S), float64 zeros."""
    for b in prange(out.shape[0]):
        if out.shape[2] == 1:  # the running sum stays in a register
            running_sum = 0.0
            for k in range(out.shape[1]):
                running_sum += x[b, k, 0]
                out[b, k, 0] = running_sum
            continue
        total = totals[b]
        for k in range(out.shape[1]):
            out_row = out[b, k]
            row = x[b, k]
            for s in range(out_row.size):
                total[s] += row[s]
                out_row[s] = total[s]


def running_sums(x: Array, axis: int) -> Array:
    """The sums x[0] + ... + x[k] of floats along an axis, accumulated in float64."""
    out = np.empty(x.shape, x.dtype)
    sizes = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    totals = np.zeros((sizes[0], sizes[2]))
    _running_sums.run(x.size, out.reshape(sizes), totals, np.ascontiguousarray(x).reshape(sizes))
    return out
