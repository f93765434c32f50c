"""log(sum(exp(x))) of rows, in two passes over each."""

from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.reduction.largest import largest_of
from minigrad.kernels.simd import math as scalar

Array = np.ndarray[Any, Any]

# Exponentials that are added in the array's own type; sums of more are kept in float64.
PIECE = 512
# The exponential of an element costs as much as about this many additions.
EXP_WORK = 4


@kernel(fastmath=frozenset({"contract", "reassoc"}))
def _logsumexp(out: Array, x: Array) -> None:
    """out[r] = log(sum(exp(x[r]))), without overflow."""
    for r in prange(x.shape[0]):
        row = x[r]
        largest = largest_of(row)
        if not np.isfinite(largest):
            out[r] = largest
            for k in range(row.size):
                if np.isnan(row[k]):
                    out[r] = row[k]
            continue
        total = 0.0
        for begin in range(0, row.size, PIECE):
            piece = row[begin : begin + PIECE]
            some = row.dtype.type(0)
            for k in range(piece.size):
                some += scalar.decay(piece[k] - largest)
            total += some
        out[r] = largest + np.log(total)


def logsumexp(rows: Array) -> Array:
    """The logarithm for each row of a contiguous matrix (R, K) of floats: (R,)."""
    out = np.empty(len(rows), rows.dtype)
    _logsumexp.run(rows.size * EXP_WORK, out, rows)
    return out
