"""Arrays that reductions, scans and sorting are tried on."""

import numpy as np

from minigrad.testing.operations import LAYOUTS

NAN, INF = float("nan"), float("inf")

ROWS = {
    "nan": [1.0, NAN, 2.0, 0.5],
    "nans": [NAN, 3.0, NAN, 1.0],
    "nothing but nan": [NAN, NAN, NAN, NAN],
    "inf": [INF, 1.0, 0.0, 2.0],
    "-inf": [-INF, 1.0, 0.0, 2.0],
    "both": [-INF, 1.0, INF, 2.0],
    "ties": [2.0, 3.0, 2.0, 3.0],
    "all the same": [3.0, 3.0, 3.0, 3.0],
    "zero": [1.0, 0.0, 3.0, -2.0],
    "zeros": [0.0, 3.0, 0.0, 2.0],
}


def distinct(shape, seed=0):
    """Numbers no two of which are equal or zero, in an order that nobody foresees."""
    size = int(np.prod(shape))
    return (np.random.default_rng(seed).permutation(size).reshape(shape) + 0.5) / max(size, 1) + 0.4


def in_layout(array, layout):
    chosen = LAYOUTS["contiguous" if layout == "broadcast" else layout]
    return chosen.leaf(array), lambda tensor: chosen.view(tensor, array.shape)
