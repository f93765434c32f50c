"""The backward pass of `lstm`: all steps of a batch of sequences, from the last to the first."""

from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.compiler.pointers import offset, pointer
from minigrad.kernels.compiler.workspace import scratch
from minigrad.kernels.matmul.matmul import matmul
from minigrad.kernels.recurrent.lstm import KEPT, Kept, layout_of, wide_enough
from minigrad.kernels.recurrent.steps import (
    SHARED,
    Steps,
    chunk_of_rows,
    resized,
    resized_results,
    results,
)
from minigrad.kernels.recurrent.tile import (
    gather_panels,
    multiply_panels,
    pack,
    scatter_panels,
)
from minigrad.kernels.simd import math

Array = np.ndarray[Any, Any]


@device_function
def _retreat(di, df, dg, do, dc, dh, i, f, g, o, old):
    """The cotangents of the gates and of the old cell state, for those of the new states.

    `dc` is changed in place, and `dh` is overwritten.
    """
    one = dh.dtype.type(1)
    for j in range(dh.size):
        df[j] = math.tanh(f[j] * old[j] + i[j] * g[j])
    for j in range(dh.size):
        do[j] = dh[j] * df[j] * (o[j] * (one - o[j]))
    for j in range(dh.size):
        dc[j] += dh[j] * o[j] * (one - df[j] * df[j])
    for j in range(dh.size):
        df[j] = dc[j] * old[j] * (f[j] * (one - f[j]))
    for j in range(dh.size):
        di[j] = dc[j] * g[j] * (i[j] * (one - i[j]))
    for j in range(dh.size):
        dg[j] = dc[j] * i[j] * (one - g[j] * g[j])
    for j in range(dh.size):
        dc[j] *= f[j]


@device_function
def _step(rows, span, states, units, inputs, plan):
    """One step of some sequences; `rows` and `span` as in the forward pass."""
    step_row, dout_row, stride = rows
    b0, n = span
    dgates, dout, dh, dc, fresh, fresh_gates = states
    g_out, w_hh, w_hr = inputs
    begins, h_begins, places, zeros, no_places = plan
    batch, P = dh.shape
    H, wide = dgates.shape[1] // 4, zeros.size
    row, own_row = step_row + b0, dout_row + b0
    for b in range(n):
        total, given, carried = dout[own_row + b], g_out[row + b], dh[b0 + b]
        for j in range(P):
            total[j] = given[j] + carried[j]
    left = (offset(pointer(dout), own_row * P), P)
    panels = (offset(pointer(fresh), b0 * wide), batch * wide)
    first = (pointer(zeros), 0)
    if w_hr.size:
        target = (panels[0], wide, panels[1])
        sizes = (n, P, begins.size)
        multiply_panels(target, first, pointer(no_places), left, pointer(w_hr), sizes)
    else:
        gather_panels(panels, left, pointer(begins), begins.size, n)
    size, slot, own = n * wide, stride * wide, batch * wide
    at = b0 * wide
    for p in range(begins.size):
        base = ((step_row * begins.size + p * stride) * KEPT + b0) * wide
        begin = (p * batch + b0) * wide
        _retreat(
            fresh_gates[at : at + size], fresh_gates[at + own : at + own + size],
            fresh_gates[at + 2 * own : at + 2 * own + size],
            fresh_gates[at + 3 * own : at + 3 * own + size],
            dc[begin : begin + size], fresh[begin : begin + size],
            units[base : base + size], units[base + slot : base + slot + size],
            units[base + 2 * slot : base + 2 * slot + size],
            units[base + 3 * slot : base + 3 * slot + size],
            units[base + 4 * slot : base + 4 * slot + size],
        )  # fmt: skip
        gates = (offset(pointer(dgates), row * 4 * H), 4 * H)
        four = (offset(pointer(fresh_gates), at), own)
        scatter_panels(gates, four, offset(pointer(places), p * 4), 4, n)
    left = (offset(pointer(dgates), row * 4 * H), 4 * H)
    target = (panels[0], wide, panels[1])
    sizes = (n, 4 * H if w_hh.size else 0, h_begins.size)
    multiply_panels(target, first, pointer(no_places), left, pointer(w_hh), sizes)
    state = (offset(pointer(dh), b0 * P), P)
    scatter_panels(state, panels, pointer(h_begins), h_begins.size, n)


@kernel
def _backward(
    dgates: Array, dout: Array, dh: Array, dcells: Array, dc: Array, fresh: Array,
    fresh_gates: Array, g_out: Array, units: Array, w_hh: Array, w_hr: Array, begins: Array,
    h_begins: Array, places: Array, zeros: Array, no_places: Array, sizes: Array, offsets: Array,
    chunk: int, keeps: int, reverse: bool,
) -> None:  # fmt: skip
    """Write `dgates` (rows, 4 H), and the cotangents of h0 and c0 over those of the last h and c.

    With an empty `w_hh`, that of h0 is left to the caller.

    `dout` (rows, P) gets all that flows into each h; with keeps = 0 it is workspace (batch, P).
    Workspace: `dc`, `fresh` and `fresh_gates`, panels of (batch, lanes).
    """
    batch = dh.shape[0]
    wide = zeros.size
    H = dcells.shape[1]
    for part in prange(-(-batch // chunk)):
        b0 = part * chunk
        most = min(chunk, batch - b0)
        panels = (offset(pointer(dc), b0 * wide), batch * wide)
        natural = (offset(pointer(dcells), b0 * H), H)
        gather_panels(panels, natural, pointer(begins), begins.size, most)
        for s in range(sizes.size):
            t = s if reverse else sizes.size - 1 - s
            n = min(sizes[t] - b0, most)
            if n > 0:
                _step(
                    (offsets[t], offsets[t] * keeps, sizes[t]), (b0, n),
                    (dgates, dout, dh, dc, fresh, fresh_gates), units, (g_out, w_hh, w_hr),
                    (begins, h_begins, places, zeros, no_places),
                )  # fmt: skip
        scatter_panels(natural, panels, pointer(begins), begins.size, most)


def lstm_backward(
    g: Array, kept: Kept, w_hh: Array, w_hr: Array | None, steps: Steps
) -> tuple[Array, Array, Array, Array, Array | None]:
    """The cotangents of gates, w_hh, h0, c0 and w_hr for that of the flat results; see `lstm`."""
    dtype, P, H = g.dtype, w_hh.shape[1], w_hh.shape[0] // 4
    sizes = P, H
    P, H = wide_enough(sizes, dtype)
    if sizes != (P, H):
        found = lstm_backward(
            resized_results(g, steps, (sizes[0], *sizes), (P, P, H)), kept,
            resized(resized(w_hh, 4, H, 0), 1, P, 1),
            None if w_hr is None else resized(resized(w_hr, 1, P, 0), 1, H, 1), steps,
        )  # fmt: skip
        return _narrowed(*found, sizes)
    layout = layout_of(H, P, dtype)
    batch, wide, panels, projects = (
        steps.batch,
        layout.units.lanes,
        layout.units.vectors,
        w_hr is not None,
    )
    g_out, (g_h, g_c) = results(g, steps, P, P, H)[1:]
    dgates, dh, dcells = np.empty((steps.total, 4 * H), dtype), g_h.copy(), g_c.copy()
    dout = np.empty((steps.total if projects else batch, P), dtype)
    fresh_panels, panel = max(layout.units.padded, layout.states.padded), batch * wide
    space = scratch((panels + fresh_panels + 4) * panel, dtype)
    dc, fresh_gates = space[: panels * panel], space[panels * panel : (panels + 4) * panel]
    alone = len(steps.sizes) == 1  # see `lstm`
    packed = w_hh[:0] if alone else pack(w_hh, layout.states.begins, wide)
    packed_hr = packed[:0] if w_hr is None else pack(w_hr, layout.units.begins, wide)
    work = steps.total * 4 * H * P // SHARED
    _backward.run(
        work, dgates, dout, dh, dcells, dc, space[(panels + 4) * panel :], fresh_gates, g_out,
        kept.units, packed.reshape(-1), packed_hr.reshape(-1), layout.units.begins,
        layout.states.begins, layout.places.reshape(-1), np.zeros(wide, dtype),
        np.zeros(fresh_panels, np.int64), steps.sizes, steps.offsets,
        chunk_of_rows(batch, work), int(projects), steps.reverse,
    )  # fmt: skip
    if alone:
        dh = matmul(dgates, w_hh)
    dw_hr = matmul(dout.T, kept.hidden) if projects else None
    return dgates, matmul(dgates.T, kept.before), dh, dcells, dw_hr


def _narrowed(
    dgates: Array, dw_hh: Array, dh: Array, dc: Array, dw_hr: Array | None, sizes: tuple[int, int]
) -> tuple[Array, Array, Array, Array, Array | None]:
    """Cotangents without what was added to fill a vector."""
    P, H = sizes
    return (
        resized(dgates, 4, H, 1),
        resized(resized(dw_hh, 4, H, 0), 1, P, 1),
        resized(dh, 1, P, 1),
        resized(dc, 1, H, 1),
        None if dw_hr is None else resized(resized(dw_hr, 1, P, 0), 1, H, 1),
    )
