"""Scaled dot-product attention.

Vaswani et al. 2017, Attention is all you need.
"""

import math

import numpy as np

from minigrad import ops
from minigrad.core.types import Shape
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.nn.functional.dropout import dropout
from minigrad.ops.nn.attention import attention, attention_weights
from minigrad.tensor import Tensor

_NAME = "scaled_dot_product_attention"

# Operations one after the other are faster for one query: the kernel computes whole blocks.
FEWEST_QUERIES = 2


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
    minigrad.Size([2, 8, 5, 16])
    """
    require_tensor(_NAME, query=query, key=key, value=value)
    if attn_mask is not None and not isinstance(attn_mask, Tensor) and hasattr(attn_mask, "attend"):
        return attn_mask.attend(  # a rule of `nn.attention.bias`
            query, key, value, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
    _require_operands(query, key, value)
    if not 0 <= dropout_p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {dropout_p}")
    if attn_mask is not None and is_causal:
        raise RuntimeError(f"{_NAME}: Explicit attn_mask should not be set when is_causal=True")
    if enable_gqa:
        key, value = _repeated_heads(query, key, value)
    leading = _leading_sizes(query, key, value)
    mask = None if attn_mask is None else _checked_mask(attn_mask, query, key)
    if scale is None:
        scale = 1 / math.sqrt(max(query.shape[-1], 1))
    if not dropout_p and _takes_kernel(query, key, value):
        return _by_kernel(query, key, value, mask, is_causal, scale, leading)
    weights = attention_weights(query, key, mask, is_causal, scale)
    return (dropout(weights, dropout_p) if dropout_p else weights) @ value


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


def _leading_sizes(query: Tensor, key: Tensor, value: Tensor) -> Shape:
    """Batch and heads, broadcast.  Raises RuntimeError if they do not fit."""
    shapes = query.shape[:-2], key.shape[:-2], value.shape[:-2]
    if shapes[0] == shapes[1] == shapes[2]:
        return shapes[0]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise RuntimeError(
            f"{_NAME}: the size of leading dimensions must match or be 1, got "
            f"{', '.join(str(list(x.shape)) for x in (query, key, value))}"
        ) from None


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


def _takes_kernel(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether one kernel is faster than several operations, as measured, and takes the sizes."""
    smallest = min(*query.shape, *key.shape, *value.shape)
    return smallest > 0 and query.shape[-2] >= FEWEST_QUERIES


def _by_kernel(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float,
    leading: Shape,
) -> Tensor:  # fmt: skip
    """Attention with all leading dimensions made equal, and made two."""
    query, key, value = (
        x if x.shape[:-2] == leading else x.expand(*leading, *x.shape[-2:])
        for x in (query, key, value)
    )
    if len(leading) == 2:
        return attention(query, key, value, mask, causal=causal, scale=scale)
    two = (1, *leading) if len(leading) < 2 else (math.prod(leading[:-1]), leading[-1])
    two = (1,) * (2 - len(two)) + two
    query, key, value = (x.reshape(*two, *x.shape[-2:]) for x in (query, key, value))
    if mask is not None and mask.ndim > 2:
        mask = mask.expand(*leading, *mask.shape[-2:]).reshape(*two, *mask.shape[-2:])
    out = attention(query, key, value, mask, causal=causal, scale=scale)
    return out.reshape(*leading, *out.shape[-2:])
