"""Scaled dot-product attention, forward.

Dao et al. 2022, FlashAttention, of which this keeps the blocks of queries: see `plan`.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.attention.plan import (
    BOOLS,
    FLOATS,
    NO_MASK,
    SHARED,
    TASKS,
    Plan,
    Strides,
    add_mask,
    block_of_queries,
    head_offset,
    keys_seen,
    load_block,
    load_padded,
    mask_at,
    multiply,
    padded,
    places_of,
    strides_of,
    workspace,
)
from minigrad.kernels.attention.softmax import exponentials
from minigrad.kernels.compiler.pointers import offset, pointer_at, record_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, task_kernel

Array = np.ndarray[Any, Any]


class ForwardArrays(NamedTuple):
    """The arrays of the forward pass, of any strides."""

    query: Array
    key: Array
    value: Array
    mask: Array
    out: Array
    scale: Array  # (1,)


@task_kernel(ForwardArrays, Plan)
def _forward(phase, task, workspace, records):
    """Some blocks of queries of one head."""
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    head, part = task // plan.head_tasks, task % plan.head_tasks
    b, h = head // plan.heads, head % plan.heads
    slot = plan.slot
    places = places_of(workspace, slot)
    scale = pointer_at(workspace, arrays.scale)[0]
    for j in range(max(plan.block, plan.E_padded, plan.V_padded)):
        places[2][j] = 0
    key = offset(pointer_at(workspace, arrays.key), head_offset(plan.key, b, h))
    value = offset(pointer_at(workspace, arrays.value), head_offset(plan.value, b, h))
    query = offset(pointer_at(workspace, arrays.query), head_offset(plan.query, b, h))
    out = offset(pointer_at(workspace, arrays.out), head_offset(plan.out, b, h))
    mask = mask_at(workspace, arrays, plan, b, h)
    values = load_padded(
        offset(workspace, slot.values), value, (plan.value.row, plan.value.column),
        (plan.S, plan.V, plan.V_padded),
    )  # fmt: skip
    scores, result = offset(workspace, slot.scores), offset(workspace, slot.result)
    totals, across = offset(workspace, slot.totals), offset(workspace, slot.queries_across)
    N = plan.block
    begin = part * plan.task_blocks * N
    for i0 in range(begin, min(begin + plan.task_blocks * N, plan.L), N):
        count, keys = min(N, plan.L - i0), keys_seen(plan, i0)
        load_block(
            offset(workspace, slot.queries), across, offset(query, i0 * plan.query.row),
            (plan.query.row, plan.query.column), (count, N, plan.E, plan.E_padded), scale,
        )  # fmt: skip
        left = (key, plan.key.row, plan.key.column)
        multiply((scores, N), False, left, (across, N), (keys, N, plan.E), places)
        add_mask(scores, mask, plan, (i0, count, keys))
        exponentials(scores, offset(workspace, slot.largest), totals, keys, N)
        multiply(
            (result, plan.V_padded), False, (scores, 1, N), values, (N, plan.V_padded, keys), places
        )
        for i in range(count):
            row = offset(out, (i0 + i) * plan.out.row)
            for j in range(plan.V):
                row[j] = result[i * plan.V_padded + j] * totals[i]


class Shapes(NamedTuple):
    """Shapes and strides of the arrays of a call."""

    query: tuple[int, ...]  # (B, H, L, E)
    keys: int
    features: int  # of a value
    strides: tuple[Strides, ...]  # of query, key, value, cotangent, out and mask
    mask_kind: int


@lru_cache(512)
def plan_of(
    shapes: Shapes, causal: bool, dtype: np.dtype[Any], backward: bool
) -> tuple[Plan, int, int]:
    """The plan, the size of a slot, and the number of tasks.

    Gradients of keys are sums over all queries, so the backward pass does not cut heads.
    """
    B, H, L, E = shapes.query
    S, V = shapes.keys, shapes.features
    E_padded, V_padded = padded(E, dtype), padded(V, dtype)
    block = block_of_queries(L, S, causal, dtype)
    slot, slot_size = workspace((block, S, E_padded, V_padded), dtype, backward)
    blocks = -(-L // block)
    parts = 1 if backward else min(blocks, -(-TASKS // (B * H)))
    task_blocks = -(-blocks // parts)
    query, key, value, gradient, out, mask = shapes.strides
    plan = Plan(
        heads=H, L=L, S=S, E=E, V=V, E_padded=E_padded, V_padded=V_padded, block=block,
        task_blocks=task_blocks, head_tasks=-(-blocks // task_blocks), causal=causal,
        mask_kind=shapes.mask_kind, query=query, key=key, value=value, gradient=gradient,
        out=out, mask=mask, slot=slot,
    )  # fmt: skip
    return plan, slot_size, B * H * plan.head_tasks


def mask_of(mask: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, int]:
    """The mask, repeated to (B, H, L, S), and its kind."""
    if mask is None:
        return np.empty((1, 1, 1, 1), dtype), NO_MASK
    kind = BOOLS if mask.dtype.kind == "b" else FLOATS
    return np.broadcast_to(mask, shape), kind


def empty_rows(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An array (B, H, L, E) whose memory is (B, L, H, E), as models join heads."""
    B, H, L, E = shape
    return np.empty((B, L, H, E), dtype).transpose(0, 2, 1, 3)


def work_of(shapes: Shapes) -> int:
    B, H, L, E = shapes.query
    return B * H * L * shapes.keys * (E + shapes.features) // SHARED


@lru_cache(512)
def _prepare(shapes: Shapes, causal: bool, dtype: np.dtype[Any]) -> PreparedTasks[ForwardArrays]:
    plan, slot_size, tasks = plan_of(shapes, causal, dtype, False)
    return _forward.prepare(dtype, plan, (tasks,), work_of(shapes), slot_size)


def attention(
    query: Array, key: Array, value: Array, mask: Array | None, causal: bool, scale: float
) -> Array:
    """softmax(query @ key.T * scale + mask) @ value: (B, H, L, E), (B, H, S, E), (B, H, S, V).

    All sizes are at least 1.  `mask` broadcasts to (B, H, L, S): bools, True where a query may
    look, or floats of the same dtype.  A query that may look nowhere gives zeros.
    """
    B, H, L, _ = query.shape
    S, V = value.shape[2:]
    spread, kind = mask_of(mask, (B, H, L, S), query.dtype)
    out = empty_rows((B, H, L, V), query.dtype)
    strides = strides_of(out)
    shapes = Shapes(
        query.shape, S, V,
        (strides_of(query), strides_of(key), strides_of(value), strides, strides,
         strides_of(spread)),
        kind,
    )  # fmt: skip
    factor = np.full(1, scale, query.dtype)
    tasks = _prepare(shapes, causal, query.dtype)
    tasks.run(ForwardArrays(query, key, value, spread, out, factor))
    return out
