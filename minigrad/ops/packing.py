"""Several results of one operation as one array, so that one rule can give their derivative.

A declared operation has one differentiable result.  A factorization has several: its operation
gives them packed, (..., total), and slices of that are what users get.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Shape = tuple[int, ...]


def pack(*parts: np.ndarray[Any, Any], core: Sequence[int]) -> np.ndarray[Any, Any]:
    """Arrays (*batch, *core), of `core[i]` dimensions besides the batch's, side by side."""
    batch = parts[0].shape[: parts[0].ndim - core[0]]
    flat = [
        part.reshape(*batch, math.prod(part.shape[part.ndim - own :]))
        for part, own in zip(parts, core, strict=True)
    ]
    return np.concatenate(flat, axis=-1)


def unpack(packed: Any, *cores: Shape) -> list[Any]:
    """The parts again: views of shape (*batch, *core) of a tensor (*batch, total)."""
    parts, start = [], 0
    for core in cores:
        size = math.prod(core)
        part = packed[..., start : start + size]
        parts.append(part.reshape((*packed.shape[:-1], *core)))
        start += size
    return parts
