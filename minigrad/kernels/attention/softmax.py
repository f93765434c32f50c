"""Softmax of scores (keys, queries) over the keys: all queries of a block side by side."""

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import offset
from minigrad.kernels.simd import math


@device_function
def exponentials(scores, largest, totals, keys, block):
    """scores = e**(score - largest), in place; `totals` are then 1 / their sums, or 0.

    Where all scores of a query are -inf, its exponentials are 0.
    """
    for i in range(block):
        largest[i] = -np.inf
        totals[i] = 0
    for k in range(keys):
        row = offset(scores, k * block)
        for i in range(block):
            largest[i] = row[i] if row[i] > largest[i] else largest[i]
    for i in range(block):
        largest[i] = largest[i] if largest[i] > -np.inf else 0
    for k in range(keys):
        row = offset(scores, k * block)
        for i in range(block):
            row[i] = math.decay(row[i] - largest[i])
        for i in range(block):
            totals[i] += row[i]
    for i in range(block):
        totals[i] = 1 / totals[i] if totals[i] != 0 else 0
