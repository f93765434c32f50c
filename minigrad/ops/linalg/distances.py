"""Euclidean distances between the rows of two matrices, by way of their product."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.distances import euclidean as kernels
from minigrad.kernels.matmul.matmul import matmul as multiply
from minigrad.ops.linalg.matmul import matmul
from minigrad.ops.recorded import recorded_cotangents


def _composed(x1: V, x2: V) -> V:
    """The same of operations that have derivatives of every order."""
    squares = (x1 * x1).sum(dim=-1).unsqueeze(-1) + (x2 * x2).sum(dim=-1).unsqueeze(-2)
    squared = (squares - matmul(x1, x2.mT) * 2).unsqueeze(-1).clamp(min=0)
    positive = squared.array > 0
    # The square root has no derivative at 0, so it is taken of 1 there and multiplied by 0.
    nonzero = squared + squared.new_tensor(~positive)
    return (nonzero.sqrt() * squared.new_tensor(positive)).squeeze(-1)


def _rule(g: V, out: V, x1: V, x2: V, *, wanted: Sequence[int]) -> list[Any]:
    """With w = g / distance: each row weighted by the sum of its w, less the rows of the other.

    One array of the distances' size is made, and no other.
    """
    if thread.mode.differentiates():
        return recorded_cotangents(_composed, g, (x1, x2), wanted)
    a, b = x1.array, x2.array
    weights = kernels.slopes(g.array, out.array)
    cotangents: list[Any] = [None, None]
    if 0 in wanted:
        grad = a * weights.sum(axis=-1, keepdims=True) - multiply(weights, b)
        cotangents[0] = wrap_like(g, grad)
    if 1 in wanted:
        turned = weights.swapaxes(-1, -2)
        grad = b * weights.sum(axis=-2)[..., None] - multiply(turned, a)
        cotangents[1] = wrap_like(g, grad)
    return cotangents


@op(
    node="CdistBackward0",
    vjp=_rule,
    samples=[
        sample(arr.of(3, 2), arr.of(4, 2, low=1.5, high=3.0)),
        sample(arr.of(2, 3, 4), arr.of(2, 1, 4, low=1.5, high=3.0)),
    ],
    promotes=True,
)
def euclidean_distances(x1: Array, x2: Array) -> Array:
    """(..., P, M), (..., R, M) of the same leading sizes -> (..., P, R), of floats."""
    lengths = [np.einsum("...i,...i->...", x, x) for x in (x1, x2)]
    products = np.ascontiguousarray(multiply(x1, x2.swapaxes(-1, -2)))
    if products.size:
        rows, columns = products.shape[-2:]
        kernels.distances_from_products(
            products.reshape(-1, rows, columns),
            lengths[0].reshape(-1, rows),
            lengths[1].reshape(-1, columns),
        )
    return products


def distance_by_product(x1: V, x2: V) -> V:
    """The distances of rows, whose leading dimensions broadcast."""
    floats = x1.array.dtype == x2.array.dtype and x1.array.dtype.kind == "f"
    if floats and x1.shape[:-2] == x2.shape[:-2]:
        found: V = euclidean_distances(x1, x2)
        return found
    return _composed(x1, x2)
