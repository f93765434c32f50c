"""Running products along an axis, accumulated in float64."""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange

Array = np.ndarray[Any, Any]

# Rows that are multiplied side by side: each product waits for the one before it in its row.
ROWS = 4


@kernel
def _of_rows(out: Array, x: Array) -> None:
    """out[r, k] = x[r, 0] * ... * x[r, k]."""
    for task in prange((x.shape[0] + ROWS - 1) // ROWS):
        begin = task * ROWS
        if begin + ROWS <= x.shape[0]:
            a, b, c, d = 1.0, 1.0, 1.0, 1.0
            first, second, third, fourth = x[begin], x[begin + 1], x[begin + 2], x[begin + 3]
            to_first, to_second = out[begin], out[begin + 1]
            to_third, to_fourth = out[begin + 2], out[begin + 3]
            for k in range(first.size):
                a *= first[k]
                b *= second[k]
                c *= third[k]
                d *= fourth[k]
                to_first[k], to_second[k], to_third[k], to_fourth[k] = a, b, c, d
            continue
        for r in range(begin, x.shape[0]):
            row, result = x[r], out[r]
            product = 1.0
            for k in range(row.size):
                product *= row[k]
                result[k] = product


@kernel
def _of_blocks(out: Array, products: Array, x: Array) -> None:
    """out[b, k] = x[b, 0] * ... * x[b, k] for (B, K, S).  Workspace: `products` (B, S), ones."""
    for b in prange(out.shape[0]):
        product = products[b]
        for k in range(out.shape[1]):
            row, result = x[b, k], out[b, k]
            for s in range(result.size):
                product[s] *= row[s]
                result[s] = product[s]


def running_products(x: Array, axis: int) -> Array:
    """The products x[0] * ... * x[k] of floats along an axis."""
    out = np.empty(x.shape, x.dtype)
    lead, rest = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    given = np.ascontiguousarray(x)
    if rest == 1:
        shape = lead, x.shape[axis]
        _of_rows.run(4 * x.size, out.reshape(shape), given.reshape(shape))
    else:
        sizes = lead, x.shape[axis], rest
        _of_blocks.run(x.size, out.reshape(sizes), np.ones((lead, rest)), given.reshape(sizes))
    return out
