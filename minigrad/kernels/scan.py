"""Scans along an axis that no ufunc accumulates."""

from typing import Any

import numpy as np

from minigrad.kernels.build import kernel, prange

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
