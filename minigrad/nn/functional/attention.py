"""Scaled dot-product attention.

Vaswani et al. 2017, Attention is all you need.
"""

import math

import numpy as np

from minigrad import ops
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.nn.functional.dropout import dropout
from minigrad.tensor import Tensor

_NAME = "scaled_dot_product_attention"


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(query @ key.T * scale + mask) @ value, for each head.

    query (..., L, E), key (..., S, E) and value (..., S, Ev) -> (..., L, Ev); leading dimensions
    broadcast.  `attn_mask` broadcasts to (..., L, S): of bools, True where a query may look; of
    floats, it is added to the scores.  `is_causal` lets query i look at the keys 0 to i.  A query
    that may look nowhere gives zeros.  `dropout_p` drops weights, always: give 0 in evaluation.
    `scale` is 1 / sqrt(E) by default.  With `enable_gqa` each head of key and value serves equally
    many heads of query, which are dimension -3 (Ainslie et al. 2023).
    Raises RuntimeError for shapes or dtypes that do not fit, and for a mask beside `is_causal`.

    PyTorch differs: some of its implementations read beyond the arrays if key and value have
    different lengths; here that is an error.

    >>> import minigrad as mg
    >>> x = mg.ones(2, 8, 5, 16)  # batch, heads, positions, features
    >>> mg.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True).shape
    (2, 8, 5, 16)
    """
    require_tensor(_NAME, query=query, key=key, value=value)
    _require_operands(query, key, value)
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if attn_mask is not None and is_causal:
        raise RuntimeError(f"{_NAME}: Explicit attn_mask should not be set when is_causal=True")
    if enable_gqa:
        key, value = _repeated_heads(query, key, value)
    mask = None if attn_mask is None else _checked_mask(attn_mask, query, key)
    factor = (
        (1 / math.sqrt(query.shape[-1]) if query.shape[-1] else 1.0) if scale is None else scale
    )
    return _composed(query * factor, key, value, mask, dropout_p, is_causal)


def _require_operands(query: Tensor, key: Tensor, value: Tensor) -> None:
    """Raise RuntimeError unless dimensions, sizes and dtypes fit each other."""
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise RuntimeError(
            f"Expected query, key, and value to all be at least 2 dimensional, but got query.dim: "
            f"{query.ndim} key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{query.dtype} key.dtype: {key.dtype} and value.dtype: {value.dtype} instead."
        )
    require_floating(_NAME, query)
    if query.shape[-1] != key.shape[-1]:
        raise RuntimeError(
            f"{_NAME}: Expected query and key of the same last size, got {list(query.shape)} and "
            f"{list(key.shape)}"
        )
    if key.shape[-2] != value.shape[-2]:
        raise RuntimeError(
            f"{_NAME}: Expected key and value of the same length (their last but one size), got "
            f"{list(key.shape)} and {list(value.shape)}"
        )


def _repeated_heads(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Key and value with as many heads as query has."""
    if min(query.ndim, key.ndim, value.ndim) < 3:
        raise IndexError(
            "Dimension out of range: enable_gqa expects heads in dimension -3, got a query of "
            f"{query.ndim}, a key of {key.ndim} and a value of {value.ndim} dimensions"
        )
    heads, of_keys, of_values = query.shape[-3], key.shape[-3], value.shape[-3]
    if not of_keys or not of_values or heads % of_keys or heads % of_values:
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in query, got "
            f"{of_keys}, {of_values} and {heads}"
        )
    return (
        ops.repeat_interleave(key, heads // of_keys, dim=-3),
        ops.repeat_interleave(value, heads // of_values, dim=-3),
    )


def _checked_mask(mask: Tensor, query: Tensor, key: Tensor) -> Tensor:
    """The mask, in the dtype of the query unless it is of bools.

    Raises RuntimeError for another dtype, and for a shape that does not broadcast to the scores.
    """
    require_tensor(_NAME, attn_mask=mask)
    is_bool = mask.array.dtype.kind == "b"
    if not is_bool and mask.array.dtype not in (np.float32, query.array.dtype):
        raise RuntimeError(
            f"Expected attn_mask dtype to be bool or float or to match query dtype, but got "
            f"attn_mask.dtype: {mask.dtype} and  query.dtype: {query.dtype} instead."
        )
    leading = np.broadcast_shapes(query.shape[:-2], key.shape[:-2])
    scores = (*leading, query.shape[-2], key.shape[-2])
    try:
        fits = np.broadcast_shapes(scores, mask.shape) == scores
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"{_NAME}: the size of attn_mask must match the scores: {list(mask.shape)} does not "
            f"broadcast to {list(scores)}"
        )
    return mask if is_bool else mask.to(query.dtype)


def _composed(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout_p: float, causal: bool
) -> Tensor:
    """Attention with the scores in memory; `query` is scaled already."""
    scores = query @ key.mT
    if causal:
        mask = scores.new_ones(scores.shape[-2:], dtype=bool).tril()
    if mask is None:
        return _weighted(ops.softmax(scores, dim=-1), value, dropout_p)
    if mask.array.dtype.kind == "b":
        closed = ~mask.array
        scores = scores.masked_fill(mask.logical_not(), -math.inf)
    else:
        closed = mask.array == -math.inf
        scores = scores + mask
    # Softmax of a row that is -inf everywhere is nan; its weights are 0.
    nowhere = closed.all(axis=-1, keepdims=True)
    if not nowhere.any():
        return _weighted(ops.softmax(scores, dim=-1), value, dropout_p)
    rows = scores.new_tensor(nowhere, dtype=bool)
    weights = ops.softmax(scores.masked_fill(rows, 0.0), dim=-1).masked_fill(rows, 0.0)
    return _weighted(weights, value, dropout_p)


def _weighted(weights: Tensor, value: Tensor, dropout_p: float) -> Tensor:
    return (dropout(weights, dropout_p) if dropout_p else weights) @ value
