"""Elman networks: all steps of a batch of sequences, forward and backward.

    h' = tanh(gates + h @ w_hh.T), or max(0, gates + h @ w_hh.T)

Elman 1990.
"""

from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.compiler.pointers import offset, pointer
from minigrad.kernels.compiler.workspace import scratch
from minigrad.kernels.matmul.matmul import matmul
from minigrad.kernels.recurrent.steps import (
    SHARED,
    Steps,
    chunk_of_rows,
    empty_results,
    resized,
    resized_results,
    results,
)
from minigrad.kernels.recurrent.tile import (
    columns,
    copy_rows,
    least_width,
    multiply_panels,
    pack,
    scatter_panels,
)
from minigrad.kernels.simd import math

Array = np.ndarray[Any, Any]


@device_function
def _squash(h, rectifies):
    if rectifies:
        for j in range(h.size):
            # NaN stays.
            h[j] = h.dtype.type(0) if h[j] <= h.dtype.type(0) else h[j]
    else:
        for j in range(h.size):
            h[j] = math.tanh(h[j])


@device_function
def _step(rows, span, states, inputs, plan):
    """One step of some sequences; `rows` are those of the step and of what is kept of it."""
    step_row, kept_row = rows
    b0, n = span
    out, h, before, fresh = states
    gates, w_hh = inputs
    begins, places, wide, rectifies = plan
    batch, H = h.shape
    row = step_row + b0
    state = offset(pointer(before), (kept_row + b0) * H)
    copy_rows(state, offset(pointer(h), b0 * H), n * H)
    target = (offset(pointer(fresh), b0 * wide), wide, batch * wide)
    first = (offset(pointer(gates), row * H), H)
    sizes = (n, H, begins.size)
    multiply_panels(target, first, pointer(places), (state, H), pointer(w_hh), sizes)
    for p in range(begins.size):
        begin = (p * batch + b0) * wide
        _squash(fresh[begin : begin + n * wide], rectifies)
    result = (offset(pointer(out), row * H), H)
    scatter_panels(result, (target[0], target[2]), pointer(begins), begins.size, n)
    copy_rows(offset(pointer(h), b0 * H), offset(pointer(out), row * H), n * H)


@kernel
def _forward(
    out: Array, h: Array, before: Array, fresh: Array, gates: Array, w_hh: Array, begins: Array,
    places: Array, sizes: Array, offsets: Array, chunk: int, keeps: int, wide: int,
    rectifies: bool, reverse: bool,
) -> None:  # fmt: skip
    """Write `out` and `before` (rows, H): the states after and before each row.

    h (batch, H) begins as h0 and ends as the last state.  With keeps = 0 each step writes over the
    last in `before`.  Workspace: `fresh`, panels of (batch, lanes).
    """
    for part in prange(-(-h.shape[0] // chunk)):
        b0 = part * chunk
        for s in range(sizes.size):
            t = sizes.size - 1 - s if reverse else s
            n = min(sizes[t] - b0, chunk)
            if n > 0:
                _step(
                    (offsets[t], offsets[t] * keeps), (b0, n), (out, h, before, fresh),
                    (gates, w_hh), (begins, places, wide, rectifies),
                )  # fmt: skip


class Kept(NamedTuple):
    """What the backward pass reads of the forward pass."""

    after: Array
    """(rows, H): the outputs, which a user may change in place."""
    before: Array
    """(rows, H): the state before each row."""


def rnn(
    gates: Array, w_hh: Array, h0: Array, steps: Steps, rectifies: bool, keeps: bool
) -> tuple[Array, Kept]:
    """Outputs (rows, H) and the last h (batch, H) of each sequence, flat; and `Kept`.

    gates (rows, H) is what the input gives; w_hh (H, H).
    """
    dtype, batch, size = gates.dtype, steps.batch, h0.shape[1]
    H = max(size, least_width(dtype))
    if size < H:
        flat, kept = rnn(
            resized(gates, 1, H, 1), resized(resized(w_hh, 1, H, 0), 1, H, 1),
            resized(h0, 1, H, 1), steps, rectifies, keeps,
        )  # fmt: skip
        return resized_results(flat, steps, (H, H), (size, size)), kept
    units = columns(H, dtype)
    found = empty_results(dtype, steps, H, H)
    found.states[0][...] = h0
    before = np.empty((steps.total if keeps else batch, H), dtype)
    places = np.zeros(units.padded, np.int64)
    places[: units.vectors] = units.begins
    work = steps.total * H * H // SHARED
    _forward.run(
        work, found.out, found.states[0], before,
        scratch(units.padded * batch * units.lanes, dtype), gates,
        pack(w_hh.T, units.begins, units.lanes).reshape(-1), units.begins, places, steps.sizes,
        steps.offsets, chunk_of_rows(batch, work), int(keeps), units.lanes, rectifies,
        steps.reverse,
    )  # fmt: skip
    return found.flat, Kept(found.out.copy() if keeps else before, before)


# --- backward -------------------------------------------------------------------------------------


@device_function
def _step_back(row, span, states, inputs, plan):
    """One step of some sequences, of which `row` is the first row of the step."""
    b0, n = span
    dgates, dh, fresh = states
    g_out, after, w_hh = inputs
    begins, zeros, no_places, rectifies = plan
    batch, H = dh.shape
    wide, one, zero = zeros.size, dh.dtype.type(1), dh.dtype.type(0)
    for b in range(n):
        result, given, carried = dgates[row + b0 + b], g_out[row + b0 + b], dh[b0 + b]
        h = after[row + b0 + b]
        if rectifies:
            for j in range(H):
                result[j] = zero if h[j] <= zero else given[j] + carried[j]
        else:
            for j in range(H):
                result[j] = (given[j] + carried[j]) * (one - h[j] * h[j])
    target = (offset(pointer(fresh), b0 * wide), wide, batch * wide)
    left = (offset(pointer(dgates), (row + b0) * H), H)
    sizes = (n, H, begins.size)
    first = (pointer(zeros), 0)
    multiply_panels(target, first, pointer(no_places), left, pointer(w_hh), sizes)
    state = (offset(pointer(dh), b0 * H), H)
    scatter_panels(state, (target[0], target[2]), pointer(begins), begins.size, n)


@kernel
def _backward(
    dgates: Array, dh: Array, fresh: Array, g_out: Array, after: Array, w_hh: Array,
    begins: Array, zeros: Array, no_places: Array, sizes: Array, offsets: Array, chunk: int,
    rectifies: bool, reverse: bool,
) -> None:  # fmt: skip
    """Write `dgates` (rows, H), and the cotangent of h0 over that of the last h.

    Workspace: `fresh`, panels of (batch, lanes).
    """
    for part in prange(-(-dh.shape[0] // chunk)):
        b0 = part * chunk
        for s in range(sizes.size):
            t = s if reverse else sizes.size - 1 - s
            n = min(sizes[t] - b0, chunk)
            if n > 0:
                _step_back(
                    offsets[t], (b0, n), (dgates, dh, fresh), (g_out, after, w_hh),
                    (begins, zeros, no_places, rectifies),
                )  # fmt: skip


def rnn_backward(
    g: Array, kept: Kept, w_hh: Array, steps: Steps, rectifies: bool
) -> tuple[Array, Array, Array]:
    """The cotangents of gates, w_hh and h0 for that of the flat results; see `rnn`."""
    dtype, size = g.dtype, w_hh.shape[1]
    H = max(size, least_width(dtype))
    if size < H:
        dgates, dw_hh, dh = rnn_backward(
            resized_results(g, steps, (size, size), (H, H)), kept,
            resized(resized(w_hh, 1, H, 0), 1, H, 1), steps, rectifies,
        )  # fmt: skip
        return (
            resized(dgates, 1, size, 1),
            resized(resized(dw_hh, 1, size, 0), 1, size, 1),
            resized(dh, 1, size, 1),
        )
    units = columns(H, dtype)
    g_out, (g_h,) = results(g, steps, H, H)[1:]
    dgates, dh = np.empty((steps.total, H), dtype), g_h.copy()
    work = steps.total * H * H // SHARED
    _backward.run(
        work, dgates, dh, scratch(units.padded * steps.batch * units.lanes, dtype), g_out,
        kept.after, pack(w_hh, units.begins, units.lanes).reshape(-1), units.begins,
        np.zeros(units.lanes, dtype), np.zeros(units.padded, np.int64), steps.sizes,
        steps.offsets, chunk_of_rows(steps.batch, work), rectifies, steps.reverse,
    )  # fmt: skip
    return dgates, matmul(dgates.T, kept.before), dh
