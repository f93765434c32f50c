"""Scaled dot-product attention: by one kernel that keeps no matrix of weights, or composed."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.grad_mode import ignore_fp_errors, thread
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, op, sample
from minigrad.engine.step_recorder import made_of_numbers, numbers_read
from minigrad.kernels.attention import backward as backward_kernel
from minigrad.kernels.attention import forward as forward_kernel
from minigrad.ops.indexing.masks import masked_fill
from minigrad.ops.nn.softmax import softmax
from minigrad.ops.recorded import recorded_cotangents


def attention_weights(query: V, key: V, mask: V | None, causal: bool, scale: float) -> V:
    """softmax(query @ key.T * scale + mask), composed; see `attention`."""
    scores = (query * scale) @ key.mT
    if causal:
        closed: Array = made_of_numbers(np.tri(*scores.shape[-2:]) == 0)
    elif mask is None:
        return softmax(scores, dim=-1)
    elif mask.array.dtype.kind == "b":
        closed = ignore_fp_errors(np.invert, mask.array)
    else:
        scores, closed = scores + mask, ignore_fp_errors(np.equal, mask.array, -math.inf)
    if causal or mask is None or mask.array.dtype.kind == "b":
        scores = masked_fill(scores, wrap_like(scores, closed), -math.inf)
    # Softmax of a row that is -inf everywhere is nan; its weights are 0.
    nowhere: Array = np.all(closed, axis=-1, keepdims=True)
    if not numbers_read(closed, nowhere.any()) if mask is not None else not nowhere.any():
        return softmax(scores, dim=-1)
    rows = wrap_like(scores, nowhere)
    return masked_fill(softmax(masked_fill(scores, rows, 0.0), dim=-1), rows, 0.0)


def _by_weights(query: V, key: V, value: V, mask: V | None, *, causal: bool, scale: float) -> V:
    return attention_weights(query, key, mask, causal, scale) @ value


def _rule(
    g: V, out: V, query: V, key: V, value: V, mask: Any, *, wanted: Sequence[int], causal: bool,
    scale: float,
) -> list[Any]:  # fmt: skip
    inputs = query, key, value, mask
    if thread.mode.differentiates() or 3 in wanted:  # the gradient of a mask is a matrix
        settings: dict[str, Any] = {"causal": causal, "scale": scale}
        return recorded_cotangents(_by_weights, g, inputs, wanted, **settings)
    own = None if mask is None else mask.array
    arrays = (g.array, query.array, key.array, value.array)
    found = ignore_fp_errors(backward_kernel.attention_backward, *arrays, own, causal, scale)
    return [*(wrap_like(g, array) for array in found), None]


@op(
    node="ScaledDotProductFlashAttentionForCpuBackward0",
    vjp=_rule,
    samples=[
        sample(arr.of(2, 1, 3, 4), arr.of(2, 1, 5, 4), arr.of(2, 1, 5, 2)),
        sample(arr.of(1, 2, 3, 2), arr.of(1, 2, 3, 2), arr.of(1, 2, 3, 3), causal=True, scale=0.7),
        sample(arr.of(1, 2, 3, 4), arr.of(1, 2, 5, 4), arr.of(1, 2, 5, 4), arr.of(3, 5)),
        sample(arr.of(2, 1, 2, 4), arr.of(2, 1, 3, 4), arr.of(2, 1, 3, 4), arr.of(2, 1, 1, 3)),
    ],
    accumulates=True,
)
def attention(
    query: Array, key: Array, value: Array, mask: Array | None = None, *, causal: bool = False,
    scale: float = 1.0,
) -> Array:  # fmt: skip
    """(B, H, L, E), (B, H, S, E), (B, H, S, V) -> (B, H, L, V); no size is 0.

    `mask` broadcasts to (B, H, L, S): bools, True where a query may look, or floats that are added
    to the scores.  A query that may look nowhere gives zeros.
    """
    shapes = query.shape, key.shape, value.shape
    if key.shape[:3] != value.shape[:3] or query.shape[:2] != key.shape[:2] or 0 in sum(shapes, ()):
        raise RuntimeError(f"attention: sizes do not fit, got {', '.join(map(str, shapes))}")
    return forward_kernel.attention(query, key, value, mask, causal, scale)
