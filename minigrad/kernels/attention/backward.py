"""Scaled dot-product attention, backward: the weights of each block of queries are computed again.

With weights P, cotangents g of the result and dP = g @ value.T:

    dS = P * (dP - sum of P * dP over the keys)
    dvalue = P.T @ g;  dkey = dS.T @ query * scale;  dquery = dS @ key * scale
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.attention.forward import Shapes, empty_rows, mask_of, plan_of, work_of
from minigrad.kernels.attention.plan import (
    Plan,
    Strides,
    add_mask,
    head_offset,
    keys_seen,
    load_block,
    load_padded,
    mask_at,
    multiply,
    places_of,
    strides_of,
)
from minigrad.kernels.attention.softmax import exponentials
from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import offset, pointer_at, record_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, task_kernel
from minigrad.kernels.simd import math

Array = np.ndarray[Any, Any]

# Products of the backward pass for each of the forward pass.
PRODUCTS = 3


class BackwardArrays(NamedTuple):
    """The arrays of the backward pass, of any strides; gradients lie like `empty_rows`."""

    query: Array
    key: Array
    value: Array
    mask: Array
    gradient: Array
    query_gradient: Array
    key_gradient: Array
    value_gradient: Array
    scale: Array  # (1,)


@device_function
def _softmax_gradient(weights, scores, totals, means, sizes):
    """weights = dS of dP, in place; `scores` are exponentials, `totals` 1 / their sums."""
    keys, block = sizes
    for i in range(block):
        means[i] = 0
    for k in range(keys):
        row, other = offset(weights, k * block), offset(scores, k * block)
        for i in range(block):
            means[i] += row[i] * other[i]
    for i in range(block):
        means[i] *= totals[i]
    for k in range(keys):
        row, other = offset(weights, k * block), offset(scores, k * block)
        for i in range(block):
            row[i] = other[i] * totals[i] * (row[i] - means[i])


@device_function
def _write_rows(out, strides, source, sizes, factor):
    """Rows of (pointer, row step) to memory with gaps; `sizes` is (rows, columns)."""
    for i in range(sizes[0]):
        row, values = offset(out, i * strides), offset(source[0], i * source[1])
        for j in range(sizes[1]):
            row[j] = values[j] * factor


@device_function
def _clear(target, count):
    for i in range(count):
        target[i] = 0


@task_kernel(BackwardArrays, Plan)
def _backward(phase, task, workspace, records):
    """One head."""
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    b, h = task // plan.heads, task % plan.heads
    slot, N, E, V = plan.slot, plan.block, plan.E, plan.V
    H, L, S, Ep, Vp = plan.heads, plan.L, plan.S, plan.E_padded, plan.V_padded
    places = places_of(workspace, slot)
    scale = pointer_at(workspace, arrays.scale)[0]
    _clear(places[2], max(N, Ep, Vp))
    key = offset(pointer_at(workspace, arrays.key), head_offset(plan.key, b, h))
    value = offset(pointer_at(workspace, arrays.value), head_offset(plan.value, b, h))
    query = offset(pointer_at(workspace, arrays.query), head_offset(plan.query, b, h))
    gradient = offset(pointer_at(workspace, arrays.gradient), head_offset(plan.gradient, b, h))
    mask = mask_at(workspace, arrays, plan, b, h)
    keys_right = load_padded(
        offset(workspace, slot.keys), key, (plan.key.row, plan.key.column), (S, E, Ep)
    )
    dq = offset(pointer_at(workspace, arrays.query_gradient), (b * L * H + h) * E)
    dk, dv = offset(workspace, slot.keys_gradient), offset(workspace, slot.values_gradient)
    _clear(dk, S * Ep)
    _clear(dv, S * Vp)
    scores, weights = offset(workspace, slot.scores), offset(workspace, slot.weights)
    totals, result = offset(workspace, slot.totals), offset(workspace, slot.result)
    queries, q_across = offset(workspace, slot.queries), offset(workspace, slot.queries_across)
    grads, g_across = offset(workspace, slot.gradients), offset(workspace, slot.gradients_across)
    one = math.like(scale, 1)
    for i0 in range(0, L, N):
        count, keys = min(N, L - i0), keys_seen(plan, i0)
        load_block(
            queries, q_across, offset(query, i0 * plan.query.row),
            (plan.query.row, plan.query.column), (count, N, E, Ep), scale,
        )  # fmt: skip
        load_block(
            grads, g_across, offset(gradient, i0 * plan.gradient.row),
            (plan.gradient.row, plan.gradient.column), (count, N, V, Vp), one,
        )  # fmt: skip
        left = (key, plan.key.row, plan.key.column)
        multiply((scores, N), False, left, (q_across, N), (keys, N, E), places)
        add_mask(scores, mask, plan, (i0, count, keys))
        exponentials(scores, offset(workspace, slot.largest), totals, keys, N)
        left = (value, plan.value.row, plan.value.column)
        multiply((weights, N), False, left, (g_across, N), (keys, N, V), places)
        _softmax_gradient(weights, scores, totals, offset(workspace, slot.means), (keys, N))
        for i in range(count):
            for j in range(Vp):
                grads[i * Vp + j] *= totals[i]
        multiply((dv, Vp), True, (scores, N, 1), (grads, Vp), (keys, Vp, N), places)
        multiply((dk, Ep), True, (weights, N, 1), (queries, Ep), (keys, Ep, N), places)
        multiply((result, Ep), False, (weights, 1, N), keys_right, (N, Ep, keys), places)
        _write_rows(offset(dq, i0 * H * E), H * E, (result, Ep), (count, E), scale)
    out = offset(pointer_at(workspace, arrays.key_gradient), (b * S * H + h) * E)
    _write_rows(out, H * E, (dk, Ep), (S, E), one)
    out = offset(pointer_at(workspace, arrays.value_gradient), (b * S * H + h) * V)
    _write_rows(out, H * V, (dv, Vp), (S, V), one)


@lru_cache(512)
def _prepare(shapes: Shapes, causal: bool, dtype: np.dtype[Any]) -> PreparedTasks[BackwardArrays]:
    plan, slot_size, tasks = plan_of(shapes, causal, dtype, True)
    return _backward.prepare(dtype, plan, (tasks,), PRODUCTS * work_of(shapes), slot_size)


def attention_backward(
    gradient: Array, query: Array, key: Array, value: Array, mask: Array | None, causal: bool,
    scale: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """The gradients of query, key and value; see `forward.attention`."""
    B, H, L, _ = query.shape
    S, V = value.shape[2:]
    spread, kind = mask_of(mask, (B, H, L, S), query.dtype)
    strides: tuple[Strides, ...] = tuple(
        strides_of(array) for array in (query, key, value, gradient, gradient, spread)
    )
    shapes = Shapes(query.shape, S, V, strides, kind)
    dq, dk, dv = (empty_rows(array.shape, query.dtype) for array in (query, key, value))
    factor = np.full(1, scale, query.dtype)
    arrays = BackwardArrays(query, key, value, spread, gradient, dq, dk, dv, factor)
    _prepare(shapes, causal, query.dtype).run(arrays)
    return dq, dk, dv
