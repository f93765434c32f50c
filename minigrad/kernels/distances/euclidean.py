"""Euclidean distances by way of a matrix product, which they overwrite in one pass."""

from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange

Array = np.ndarray[Any, Any]


@kernel
def _from_products(out: Array, first: Array, second: Array) -> None:
    """out (B, P, R): products become distances, given the squared lengths (B, P) and (B, R)."""
    rows = out.shape[1]
    for task in prange(out.shape[0] * rows):
        row, lengths = out[task // rows, task % rows], second[task // rows]
        length = first[task // rows, task % rows]
        zero, two = row.dtype.type(0), row.dtype.type(2)
        for i in range(row.size):
            squared = length + lengths[i] - two * row[i]
            row[i] = np.sqrt(max(squared, zero))


@kernel
def _slopes(out: Array, g: Array, distances: Array) -> None:
    """out = g / distances, 0 where two rows are equal: the distance has no derivative there."""
    for r in prange(out.shape[0]):
        row, cotangents, lengths = out[r], g[r], distances[r]
        for i in range(row.size):
            length = lengths[i]
            row[i] = cotangents[i] / length if length != 0 else row.dtype.type(0)


def distances_from_products(products: Array, first: Array, second: Array) -> Array:
    """The distances in place of the products (B, P, R); squared lengths (B, P) and (B, R)."""
    _from_products.run(2 * products.size, products, first, second)
    return products


def slopes(g: Array, distances: Array) -> Array:
    """g over the distances (B, P, R), 0 where these are."""
    out = np.empty(distances.shape, distances.dtype)
    sizes = -1, distances.shape[-1]
    if out.size:
        contiguous = np.ascontiguousarray(g).reshape(sizes)
        _slopes.run(2 * out.size, out.reshape(sizes), contiguous, distances.reshape(sizes))
    return out
