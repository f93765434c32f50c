"""Several results of an operation packed into one array, so that one rule gives their derivative.

A declared operation has one differentiable result.  A factorization has several: its operation
returns them packed, (..., total), and users get slices of that.
"""

import math
from collections.abc import Sequence

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.engine.graph import V


def pack(*parts: Array, core: Sequence[int]) -> Array:
    """Arrays (*batch, *core) as one, (*batch, total); `core[i]` counts the core dimensions."""
    batch = parts[0].shape[: parts[0].ndim - core[0]]
    flat = [
        part.reshape(*batch, math.prod(part.shape[part.ndim - dims :]))
        for part, dims in zip(parts, core, strict=True)
    ]
    return np.concatenate(flat, axis=-1)


def unpack(packed: V, *cores: Shape) -> list[V]:
    """The parts of a packed tensor (*batch, total): views of shape (*batch, *core)."""
    parts, start = [], 0
    for core in cores:
        size = math.prod(core)
        part = packed[..., start : start + size]
        parts.append(part.reshape((*packed.shape[:-1], *core)))
        start += size
    return parts
