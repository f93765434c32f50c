"""States in 8 bits: a code for each element, and for each block of elements their largest size.

A code's levels are closer together near zero: an element is the largest one of its block times a
power of `level / most`.  Running means need that: their small elements matter as much as others.
Paper: Dettmers et al. 2022, 8-bit optimizers via block-wise quantization, arXiv:2110.02861; its
levels are those of a table.
"""

from typing import Any

import numpy as np

from minigrad.kernels.fused_optimizer.program import BLOCK

Array = np.ndarray[Any, Any]

# Of each code: the dtype, the highest level, and how often the root of a ratio is taken.
CODES: dict[str, tuple[Any, int, int]] = {
    "signed": (np.int8, 127, 1),
    "positive": (np.uint8, 255, 2),
}


def blocks_of(size: int) -> int:
    """How many blocks so many elements have."""
    return -(-size // BLOCK)


@np.errstate(all="ignore")
def decoded(codes: Array, largest: Array, dtype: Any) -> Array:
    """The numbers that codes stand for."""
    _, most, roots = CODES["signed" if codes.dtype == np.int8 else "positive"]
    ratios = np.abs(codes.ravel().astype(np.float64)) / most
    values = np.sign(codes.ravel()) * ratios ** (2**roots) * _spread(largest, codes.size)
    return np.asarray(values.reshape(codes.shape), dtype)


@np.errstate(all="ignore")
def encoded(values: Array, code: str) -> tuple[Array, Array]:
    """The codes nearest to numbers, and the largest size in each block.

    With "positive" only zeros get the code zero: what a step is divided by must not vanish.
    """
    dtype, most, roots = CODES[code]
    flat = np.abs(values.ravel().astype(np.float64))
    padded = np.zeros(blocks_of(flat.size) * BLOCK)
    padded[: flat.size] = flat
    largest = padded.reshape(-1, BLOCK).max(axis=1).astype(np.float32)
    ratios = (flat / _spread(largest, flat.size)) ** (0.5**roots)
    levels = np.nan_to_num(np.minimum(np.floor(ratios * most + 0.5), most), nan=0)
    if code == "positive":
        levels = np.where(flat > 0, np.maximum(levels, 1), 0)
    codes = (np.sign(values.ravel()) * levels) if code == "signed" else levels
    return np.nan_to_num(codes).astype(dtype).reshape(values.shape), largest


def _spread(largest: Array, size: int) -> Array:
    """The largest size of each element's block."""
    return np.repeat(largest.astype(np.float64), BLOCK)[:size]
