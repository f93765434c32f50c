"""Multi-head attention as a function: projections, masks, attention, and a projection again.

Vaswani et al. 2017, Attention is all you need.  L queries and S keys, N sequences, E features.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

from minigrad import ops
from minigrad.core.types import DTypeLike
from minigrad.nn.functional.attention import scaled_dot_product_attention
from minigrad.nn.functional.dropout import dropout
from minigrad.nn.functional.linear import linear
from minigrad.nn.functional.padding import pad
from minigrad.tensor import Tensor


def canonical_mask(
    mask: Tensor | None,
    name: str,
    dtype: DTypeLike,
    other: Tensor | None = None,
    other_name: str = "",
) -> Tensor | None:
    """A mask as floats that are added to scores: -inf where a mask of bools is True.

    Warns where `other` is a mask of another dtype.  Raises AssertionError for integers.
    """
    if mask is None:
        return None
    kind = mask.array.dtype.kind
    if kind not in "bf":
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and mask.dtype != other.dtype:
        warnings.warn(
            f"Support for mismatched {name} and {other_name} is deprecated. Use same type for "
            f"both instead.",
            stacklevel=3,
        )
    if kind == "f":
        return mask
    return mask.new_zeros(mask.shape, dtype=dtype).masked_fill_(mask, -math.inf)


def _require_dims(
    query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None,
    attn_mask: Tensor | None, num_heads: int,
) -> bool:  # fmt: skip
    """Raise AssertionError unless numbers of dimensions fit; True if there is a batch."""
    if query.ndim not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query "
            f"tensor"
        )
    dims, batched = query.ndim, query.ndim == 3
    given = f"For {'batched (3-D)' if batched else 'unbatched (2-D)'} `query`, expected"
    if key.ndim != dims or value.ndim != dims:
        raise AssertionError(
            f"{given} `key` and `value` to be {dims}-D but found {key.ndim}-D and {value.ndim}-D "
            f"tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.ndim != dims - 1:
        raise AssertionError(
            f"{given} `key_padding_mask` to be `None` or {dims - 1}-D but found "
            f"{key_padding_mask.ndim}-D tensor instead"
        )
    if attn_mask is not None and attn_mask.ndim not in (2, 3):
        raise AssertionError(
            f"{given} `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.ndim}-D tensor "
            f"instead"
        )
    if attn_mask is not None and attn_mask.ndim == 3 and not batched:
        expected = (num_heads, query.shape[0], key.shape[0])
        if attn_mask.shape != expected:
            raise AssertionError(
                f"Expected `attn_mask` shape to be {expected} but got {attn_mask.shape}"
            )
    return batched


def _require_sizes(
    query: Tensor, key: Tensor, value: Tensor, embed_dim: int, num_heads: int, separate: bool
) -> None:
    """Raise AssertionError unless sizes of (L, N, E) and (S, N, E) fit each other."""
    if query.shape[-1] != embed_dim:
        raise AssertionError(
            f"was expecting embedding dimension of {embed_dim}, but got {query.shape[-1]}"
        )
    if embed_dim % num_heads:
        raise AssertionError(f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    if separate and key.shape[:2] != value.shape[:2]:
        raise AssertionError(
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
        )
    if not separate and key.shape != value.shape:
        raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")


def _project_each(
    inputs: Sequence[Tensor], weights: Sequence[Tensor | None], bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value, each with its weight and a third of the bias."""
    biases: Sequence[Tensor | None] = [None] * 3 if bias is None else bias.chunk(3)
    projected = []
    for name, x, w, b in zip("qkv", inputs, weights, biases, strict=True):
        if w is None:
            raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
        projected.append(linear(x, w, b))
    q, k, v = projected
    return q, k, v


def _projected(
    query: Tensor, key: Tensor, value: Tensor, separate: Sequence[Tensor | None] | None,
    weight: Tensor | None, bias: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Query, key and value projected; by the rows of one weight in as few products as possible."""
    if separate is not None:
        return _project_each((query, key, value), separate, bias)
    if weight is None:
        raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
    size = query.shape[-1]
    if key is value and query is key:
        q, k, v = linear(query, weight, bias).split(size, dim=-1)
        return q, k, v
    if key is value:
        w_q, w_kv = weight.split([size, 2 * size])
        b_q, b_kv = (None, None) if bias is None else bias.split([size, 2 * size])
        k, v = linear(key, w_kv, b_kv).split(size, dim=-1)
        return linear(query, w_q, b_q), k, v
    return _project_each((query, key, value), weight.chunk(3), bias)


class _Size(NamedTuple):
    """The sizes of (L, N, E) and (S, N, E), and the number of heads."""

    queries: int
    keys: int
    batch: int
    heads: int


def _mask_of_heads(mask: Tensor, size: _Size) -> Tensor:
    """(L, S) -> (1, 1, L, S), (N * heads, L, S) -> (N, heads, L, S)."""
    lengths = size.queries, size.keys
    expected = lengths if mask.ndim == 2 else (size.batch * size.heads, *lengths)
    if mask.shape != expected:
        raise RuntimeError(
            f"The shape of the {mask.ndim}D attn_mask is {mask.shape}, but should be {expected}."
        )
    return mask.reshape((1, 1, *lengths) if mask.ndim == 2 else (size.batch, size.heads, *lengths))


def _mask_of_padding(mask: Tensor, batch: int, length: int) -> Tensor:
    """(N, S) -> (N, 1, 1, S)."""
    for axis, size in enumerate((batch, length)):
        if mask.shape[axis] != size:
            raise AssertionError(
                f"Expected key_padded_mask.shape[{axis}] to be {size}, but got {mask.shape[axis]}"
            )
    return mask.reshape(batch, 1, 1, length)


def _with_biases(
    k: Tensor, v: Tensor, bias_k: Tensor | None, bias_v: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Keys and values (S, N, E) with one more of each, the same for all sequences."""
    if bias_k is None or bias_v is None:
        if bias_k is not None:
            raise AssertionError("bias_k is set but bias_v is None")
        if bias_v is not None:
            raise AssertionError("bias_v is set but bias_k is None")
        return k, v
    repeats = (1, k.shape[1], 1)
    return ops.cat([k, bias_k.repeat(*repeats)]), ops.cat([v, bias_v.repeat(*repeats)])


def _heads(x: Tensor, batch: int, num_heads: int) -> Tensor:
    """(S, N, E) -> (N, heads, S, E / heads)."""
    return x.reshape(x.shape[0], batch, num_heads, x.shape[-1] // num_heads).permute(1, 2, 0, 3)


def _static_heads(static: Tensor, what: str, batch: int, num_heads: int, head_dim: int) -> Tensor:
    """Given heads (N * heads, S, E / heads) -> (N, heads, S, E / heads)."""
    for axis, size in ((0, batch * num_heads), (2, head_dim)):
        if static.shape[axis] != size:
            raise AssertionError(
                f"expecting static_{what}.size({axis}) of {size}, but got {static.shape[axis]}"
            )
    return static.reshape(batch, num_heads, static.shape[1], head_dim)


def _keys_or_values(
    name: str, x: Tensor, static: Tensor | None, biased: bool, size: _Size, zeros: bool
) -> Tensor:
    """The heads of projected keys or values, or those given in their place; zeros at the end."""
    if static is None:
        heads = _heads(x, size.batch, size.heads)
    elif biased:
        raise AssertionError(f"bias cannot be added to static {name}.")
    else:
        heads = _static_heads(static, name[0], size.batch, size.heads, x.shape[2] // size.heads)
    if not zeros:
        return heads
    return ops.cat([heads, heads.new_zeros((*heads.shape[:2], 1, heads.shape[3]))], dim=2)


def _merged_mask(
    mask: Tensor | None, padding: Tensor | None, size: _Size, added: int, keys: int
) -> Tensor | None:
    """What is added to the scores (N, heads, L, keys); all may look at the last `added` keys."""
    if mask is not None:
        mask = _mask_of_heads(mask, size)
        mask = pad(mask, (0, added)) if added else mask
    if padding is None:
        return mask
    padding = _mask_of_padding(pad(padding, (0, added)) if added else padding, size.batch, keys)
    return padding if mask is None else mask + padding


def _with_weights(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout_p: float, average: bool
) -> tuple[Tensor, Tensor]:
    """The result, and the weights of each head (N, heads, L, S) or their average (N, L, S)."""
    scores = (q * math.sqrt(1.0 / q.shape[-1])) @ k.mT
    weights = ops.softmax(scores if mask is None else scores + mask, dim=-1)
    if dropout_p > 0.0:
        weights = dropout(weights, p=dropout_p)
    return weights @ v, weights.mean(dim=1) if average else weights


def changed(
    change: Callable[[Tensor], Tensor], query: Tensor, key: Tensor, value: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """All three changed; what is one tensor stays one, so that it is projected once."""
    new_query = change(query)
    new_key = new_query if key is query else change(key)
    return new_query, new_key, new_key if value is key else change(value)


def _prepared_masks(
    attn_mask: Tensor | None, padding: Tensor | None, query: Tensor, causal: bool, weights: bool
) -> tuple[Tensor | None, Tensor | None, bool]:
    """Both masks as floats, and whether the hint takes the place of the first one."""
    padding = canonical_mask(padding, "key_padding_mask", query.dtype, attn_mask, "attn_mask")
    if causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method `generate_square_subsequent_mask` to create this mask."
        )
    if causal and padding is None and not weights:
        return None, None, True
    return canonical_mask(attn_mask, "attn_mask", query.dtype), padding, False


def _joined_heads(x: Tensor) -> Tensor:
    """(N, heads, L, E / heads) -> (L, N, E)."""
    batch, heads, length, size = x.shape
    return x.permute(2, 0, 1, 3).reshape(length, batch, heads * size)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention of several heads, and its weights or None; see `nn.MultiheadAttention`.

    query (L, N, E), key (S, N, Ek), value (S, N, Ev), or without N -> (L, N, E).  `static_k` and
    `static_v` (N * heads, S, E / heads) stand for projected keys and values.
    """
    batched = _require_dims(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = changed(lambda x: x.unsqueeze(1), query, key, value)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    attn_mask, padding, causal = _prepared_masks(
        attn_mask, key_padding_mask, query, is_causal, need_weights
    )
    _require_sizes(query, key, value, embed_dim_to_check, num_heads, use_separate_proj_weight)
    separate = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    q, k, v = _projected(query, key, value, separate, in_proj_weight, in_proj_bias)
    size, biased = _Size(len(query), len(key), query.shape[1], num_heads), bias_k is not None
    k, v = _with_biases(k, v, bias_k, bias_v)
    q = _heads(q, size.batch, num_heads)
    k = _keys_or_values("key", k, static_k, biased, size, add_zero_attn)
    v = _keys_or_values("value", v, static_v, biased, size, add_zero_attn)
    mask = _merged_mask(attn_mask, padding, size, biased + bool(add_zero_attn), k.shape[2])
    dropout_p, weights = dropout_p if training else 0.0, None
    if need_weights:
        out, weights = _with_weights(q, k, v, mask, dropout_p, average_attn_weights)
        weights = weights if batched else weights.squeeze(0)
    else:
        out = scaled_dot_product_attention(q, k, v, mask, dropout_p, causal)
    out = linear(_joined_heads(out), out_proj_weight, out_proj_bias)
    return out if batched else out.squeeze(1), weights
