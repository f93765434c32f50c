"""Products of all elements along an axis, multiplied in double precision."""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.simd.math import FLOATS

Array = np.ndarray[Any, Any]

# Elements of a partial product of a row, and of columns.  Several partial products are multiplied
# side by side: each factor waits for the product before it.
BLOCK, ROWS = 4096, 64
# NumPy is faster for fewer elements.
LEAST = 2048


@kernel(fastmath=frozenset({"contract", "reassoc"}))
def _of_rows(out: Array, partial: Array, x: Array) -> None:
    """x (M, K) multiplied along K into out (M,).  Workspace: partial (M, blocks)."""
    blocks = partial.shape[1]
    for task in prange(x.shape[0] * blocks):
        m, block = task // blocks, task % blocks
        row = x[m, block * BLOCK : (block + 1) * BLOCK]
        product = 1.0
        for k in range(row.size):
            product *= row[k]
        partial[m, block] = product
    for m in range(x.shape[0]):
        product = 1.0
        for block in range(blocks):
            product *= partial[m, block]
        out[m] = product


@kernel
def _of_columns(out: Array, partial: Array, x: Array) -> None:
    """x (B, K, S) multiplied along K into out (B, S).  Workspace: partial (B, blocks, S), ones."""
    B, blocks, S = partial.shape
    for task in prange(B * blocks):
        b, block = task // blocks, task % blocks
        product = partial[b, block]
        for k in range(block * ROWS, min((block + 1) * ROWS, x.shape[1])):
            row = x[b, k]
            for s in range(S):
                product[s] *= row[s]
    for b in range(B):
        total = partial[b, 0]
        for block in range(1, blocks):
            product = partial[b, block]
            for s in range(S):
                total[s] *= product[s]
        for s in range(S):
            out[b, s] = total[s]


def is_worth_it(x: Array) -> bool:
    """Whether `product` takes the array, and is faster than NumPy."""
    return x.size >= LEAST and x.dtype in FLOATS and bool(x.flags.c_contiguous)


def product(x: Array, axis: int | None) -> Array:
    """The product along an axis, which is dropped, or of all elements."""
    if axis is None:
        return product(x.reshape(-1), 0)
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    lead, length, rest = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    out = np.empty(shape, x.dtype)
    if rest == 1:
        partial = np.empty((lead, max(1, -(-length // BLOCK))))
        _of_rows.run(x.size, out.reshape(-1), partial, x.reshape(lead, length))
    else:
        partial = np.ones((lead, max(1, -(-length // ROWS)), rest))
        _of_columns.run(x.size, out.reshape(lead, rest), partial, x.reshape(lead, length, rest))
    return out
