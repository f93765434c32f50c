"""Rows of a weight looked up by index, and the gradient of the weight."""

from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.gather import add_at, is_within, take_at
from minigrad.ops.elementwise.elementary import where

INDEX = np.array([[0, 2, 0], [1, 0, 2]])

# The derivative that is defined otherwise, with a padding or by frequency, is no sample.
_PLAIN: dict[str, Any] = {"padding_idx": None, "by_frequency": False}


def require_rows(index: Array, rows: int) -> None:
    """Raise IndexError if an index is not that of a row."""
    if not is_within(index, 0, rows):
        raise IndexError(
            f"index out of range in self: embedding has rows 0 to {rows - 1}, got {index.min()} "
            f"to {index.max()}"
        )


def _frequencies(index: Array) -> Array:
    """How often each index occurs, (..., 1)."""
    flat = index.reshape(-1)
    return np.bincount(flat)[flat].reshape(*index.shape, 1) if flat.size else index[..., None]


def _embedding_rule(
    g: V, out: V, w: V, *, index: Array, padding_idx: int | None, by_frequency: bool
) -> V:
    if by_frequency:
        g = g / wrap_like(g, _frequencies(index).astype(g.array.dtype))
    return embedding_backward(g, index=index, padding_idx=padding_idx, rows=w.shape[0])


def _embedding_array_rule(
    g: Array, out: Array, w: V, *, index: Array, padding_idx: int | None, by_frequency: bool
) -> Array:
    if by_frequency:
        g = g / _frequencies(index).astype(g.dtype)
    return _added_rows(g, index, padding_idx, w.shape[0])


def _added_rows(g: Array, index: Array, padding_idx: int | None, rows: int) -> Array:
    out = np.zeros((rows, g.shape[-1]), g.dtype)
    add_at(out, (index,), g)
    if padding_idx is not None:
        out[padding_idx] = 0
    return out


@op(
    vjp=(_embedding_rule,),
    array_vjp=(_embedding_array_rule,),
    degree=1,
    samples=[
        sample(arr.of(3, 4), index=INDEX, **_PLAIN),
        sample(arr.of(3, 4), index=np.array(1), **_PLAIN),
    ],
)
def embedding(weight: Array, *, index: Array, padding_idx: int | None, by_frequency: bool) -> Array:
    """weight[index]: (V, D) and an index of int64 (...) -> (..., D).

    The row padding_idx gets no gradient; by_frequency, that of each row is divided by how often its
    index occurs.  Raises IndexError for an index that is not that of a row.
    """
    require_rows(index, weight.shape[0])
    return take_at(weight, (index,))


def _padding_rule(g: V, out: V, c: V, *, index: Array, padding_idx: int | None, rows: int) -> V:
    taken = embedding(g, index=index, padding_idx=None, by_frequency=False)
    if padding_idx is None:
        return taken
    return where(wrap_like(g, (index == padding_idx)[..., None]), 0.0, taken)


@op(
    node="EmbeddingDenseBackwardBackward0",
    vjp=(_padding_rule,),
    degree=1,
    samples=[
        sample(arr.of(2, 3, 4), index=INDEX, padding_idx=None, rows=3),
        sample(arr.of(2, 3, 4), index=INDEX, padding_idx=2, rows=4),
    ],
)
def embedding_backward(
    cotangent: Array, *, index: Array, padding_idx: int | None, rows: int
) -> Array:
    """Zeros (rows, D) with the cotangent (..., D) added at the index: the adjoint of embedding."""
    return _added_rows(cotangent, index, padding_idx, rows)
