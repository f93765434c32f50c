"""Sums over axes, in blocks of fixed size that are added in a fixed order.

Every axis pattern comes down to two loops over contiguous memory: along rows, and down columns.
Partial sums are kept in float64, so a float32 sum is exact to its last bit or two at any length.
"""

import math
from itertools import groupby
from typing import Any

import numpy as np

from minigrad.kernels import build
from minigrad.kernels.build import kernel, prange
from minigrad.kernels.scalar import FLOATS

Array = np.ndarray[Any, Any]

# Elements of one partial sum, and rows of one where it runs down columns.
BLOCK = 4096
ROWS = 64


@kernel(fastmath=frozenset({"contract", "reassoc"}))
def _sum_rows(out: Array, x: Array) -> None:
    """x (M, K) summed along K into out (M,) float64."""
    for m in prange(x.shape[0]):
        row = x[m]
        total = 0.0
        for k in range(row.size):
            total += row[k]
        out[m] = total


@kernel
def _sum_columns(out: Array, x: Array) -> None:
    """x (B, K, S) summed along K, ROWS at a time, into zeros out (B, blocks, S) float64."""
    blocks = out.shape[1]
    for task in prange(out.shape[0] * blocks):
        b, block = task // blocks, task % blocks
        total = out[b, block]
        part = x[b, block * ROWS : (block + 1) * ROWS]
        for k in range(part.shape[0]):
            row = part[k]
            for s in range(total.size):
                total[s] += row[s]


def _along_rows(x: Array) -> Array:
    """x (M, K) -> (M,) float64; rows longer than BLOCK are summed in blocks."""
    m, k = x.shape
    if k <= BLOCK:
        out = np.empty(m)
        _sum_rows.on(x.size)(out, x)
        return out
    blocks, left = divmod(k, BLOCK)
    if m > 1 and left:
        return np.concatenate([_along_rows(row[None]) for row in x])
    body = _along_rows(x[:, : k - left].reshape(m * blocks, BLOCK))
    total: Array = body.reshape(m, blocks).sum(axis=1)
    return total + _along_rows(x[:, k - left :]) if left else total


def _down_columns(x: Array) -> Array:
    """x (B, K, S) -> (B, S) float64."""
    b, k, s = x.shape
    out = np.zeros((b, math.ceil(k / ROWS), s))
    _sum_columns.on(x.size)(out, x)
    total: Array = out.sum(axis=1)
    return total


def _grouped(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[list[int], list[bool]]:
    """The shape with neighbours that share a fate merged, and whether each is summed."""
    alternating = [
        (math.prod(shape[axis] for axis in group), summed)
        for summed, group in groupby(
            (a for a in range(len(shape)) if shape[a] != 1), key=lambda axis: axis in axes
        )
    ]
    return [size for size, _ in alternating], [summed for _, summed in alternating]


def sum(x: Array, axes: tuple[int, ...], keepdims: bool = False) -> Array:
    """The sum over `axes`, each in range(x.ndim); bool and small integers sum to int64."""
    # Below this size NumPy's call is as quick.
    if x.size < build.GRAIN or x.dtype not in FLOATS or not x.flags.c_contiguous:
        return np.asarray(np.sum(x, axis=axes, keepdims=keepdims))
    sizes, summed = _grouped(x.shape, axes)
    if summed == [True]:
        total = _along_rows(x.reshape(1, -1))
    elif summed == [False, True]:
        total = _along_rows(x.reshape(sizes))
    elif summed == [True, False, True]:
        n, c, s = sizes
        total = _along_rows(x.reshape(n * c, s)).reshape(n, c).sum(axis=0)
    elif summed in ([True, False], [False, True, False]):
        total = _down_columns(x.reshape(-1, *sizes[-2:]))
    else:
        return np.asarray(np.sum(x, axis=axes, keepdims=keepdims))
    kept = [
        1 if axis in axes else size
        for axis, size in enumerate(x.shape)
        if keepdims or axis not in axes
    ]
    return total.reshape(kept).astype(x.dtype)
