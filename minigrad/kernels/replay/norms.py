"""Kernels around NumPy's products of vectors: norms of gradients, and factors that limit them."""

from math import isnan, nan, sqrt
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel

Array = np.ndarray[Any, Any]

# NumPy adds so many numbers by eight sums; of more it adds the halves.
MOST_PARTS = 128


@kernel
def settle_norm(out: Array, position: int, parts: Array, rest: Array) -> None:
    """out[position] = the root of the sum of all parts and of `rest`.

    Up to `MOST_PARTS` parts are added in the order in which NumPy adds them, in float64.
    """
    count = parts.size
    total = 0.0
    if count < 8:
        for k in range(count):
            total += parts[k]
    else:
        sums = (
            np.float64(parts[0]), np.float64(parts[1]), np.float64(parts[2]), np.float64(parts[3]),
            np.float64(parts[4]), np.float64(parts[5]), np.float64(parts[6]), np.float64(parts[7]),
        )  # fmt: skip
        a, b, c, d, e, f, g, h = sums
        at = 8
        while at + 8 <= count:
            a += parts[at]
            b += parts[at + 1]
            c += parts[at + 2]
            d += parts[at + 3]
            e += parts[at + 4]
            f += parts[at + 5]
            g += parts[at + 6]
            h += parts[at + 7]
            at += 8
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
        for k in range(at, count):
            total += parts[k]
    out[position] = sqrt(total + rest[0])


@kernel
def limit_norm(factor: Array, norm: Array, most: Array) -> None:
    """factor = min(most / (norm + 1e-6), 1), computed in float64."""
    found = most[0] / (np.float64(norm[0]) + 1e-6)
    found = min(found, 1.0)
    factor[0] = nan if isnan(norm[0]) else found
