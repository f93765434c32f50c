"""Scans along an axis: those that no ufunc accumulates, and sums."""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange

Array = np.ndarray[Any, Any]


@kernel
def _recurrence(out: Array, factor: Array, addend: Array) -> None:
    """out[k] = factor[k] * out[k - 1] + addend[k] for (B, K, S); factor[0] is not read."""
    for b in prange(out.shape[0]):
        head = out[b, 0]
        start = addend[b, 0]
        for s in range(head.size):
            head[s] = start[s]
        for k in range(1, out.shape[1]):
            before = out[b, k - 1]
            here = out[b, k]
            f = factor[b, k]
            a = addend[b, k]
            for s in range(here.size):
                here[s] = f[s] * before[s] + a[s]


def recurrence(factor: Array, addend: Array, axis: int) -> Array:
    """The solution h of h[k] = factor[k] * h[k - 1] + addend[k] along an axis, h[-1] being 0."""
    dtype = np.float64 if addend.dtype == np.float64 else np.float32
    out = np.empty(addend.shape, dtype)
    if out.size:
        lead = int(np.prod(addend.shape[:axis], dtype=np.int64))
        sizes = (lead, addend.shape[axis], -1)
        f, a = (np.ascontiguousarray(x, dtype).reshape(sizes) for x in (factor, addend))
        _recurrence.run(out.size, out.reshape(sizes), f, a)
    return out.astype(addend.dtype, copy=False)


@kernel
def _running_sums(out: Array, totals: Array, x: Array) -> None:
    """out[k] = x[0] + ... + x[k] for (B, K, S), by way of zeros `totals` (B, S) in float64."""
    for b in prange(out.shape[0]):
        if out.shape[2] == 1:  # the sum so far stays in a register
            sum_so_far = 0.0
            for k in range(out.shape[1]):
                sum_so_far += x[b, k, 0]
                out[b, k, 0] = sum_so_far
            continue
        total = totals[b]
        for k in range(out.shape[1]):
            here = out[b, k]
            more = x[b, k]
            for s in range(here.size):
                total[s] += more[s]
                here[s] = total[s]


def running_sums(x: Array, axis: int) -> Array:
    """The sums x[0] + ... + x[k] of floats along an axis, kept in float64 on the way."""
    out = np.empty(x.shape, x.dtype)
    sizes = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    totals = np.zeros((sizes[0], sizes[2]))
    _running_sums.run(x.size, out.reshape(sizes), totals, np.ascontiguousarray(x).reshape(sizes))
    return out
