"""Gated recurrent units: all steps of a batch of sequences, forward and backward.

    r, z = sigmoid(gates + h @ w_hh.T + b_hh);  n = tanh(gates + r * (h @ w_hh.T + b_hh))
    h' = n + z * (h - n)

Cho et al. 2014; with the product inside the reset gate, as in cuDNN.
"""

from functools import lru_cache
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
    VECTORS,
    Columns,
    columns,
    copy_rows,
    gather_panels,
    least_width,
    multiply,
    multiply_panels,
    pack,
    scatter_panels,
)
from minigrad.kernels.reduction.reduce import sum as total
from minigrad.kernels.simd import math

Array = np.ndarray[Any, Any]

# What is kept of a step for each unit: r, z and n, what r multiplies, and h before the step.
KEPT = 5


class Kept(NamedTuple):
    """What the backward pass reads of the forward pass."""

    units: Array
    """For each step (panels, KEPT, rows of the step, lanes), flat; with panels in whole groups."""
    before: Array
    """(rows, H): the state h before each row."""


class Layout(NamedTuple):
    """Where the columns of a layer lie."""

    units: Columns
    groups: Array
    """(groups, 3, VECTORS), int64: where vectors of the gates begin in w_hh's rows, or -1."""


@lru_cache(256)
def layout_of(H: int, dtype: np.dtype[Any]) -> Layout:
    """The layout of H units."""
    units = columns(H, dtype)
    padded = np.full(units.padded, -1)
    padded[: units.vectors] = units.begins
    begins, gates = padded.reshape(-1, 1, VECTORS), np.arange(3).reshape(1, 3, 1) * H
    return Layout(units, np.where(begins < 0, -1, begins + gates))


@device_function
def _advance(h, x_r, x_z, x_n, r, z, n, product, old):
    """The new states of as many units as `h` has elements."""
    for j in range(h.size):
        r[j] = math.sigmoid(r[j] + x_r[j])
    for j in range(h.size):
        z[j] = math.sigmoid(z[j] + x_z[j])
    for j in range(h.size):
        n[j] = math.tanh(x_n[j] + r[j] * product[j])
    for j in range(h.size):
        h[j] = n[j] + z[j] * (old[j] - n[j])


@device_function
def _step(rows, span, states, kept, inputs, plan):
    """One step of some sequences.

    `rows` are the first row of the step, that of what is kept of it, and the rows that a panel of
    the step has; `span` the first of the sequences and their number.
    """
    step_row, kept_row, stride = rows
    b0, n = span
    out, h, fresh = states
    units, before = kept
    gates, w_hh, b_hh = inputs
    begins, places, wide = plan
    batch, H = h.shape
    panels, depth, b_row = places.size // 3, (H if w_hh.size else 0), (0 if w_hh.size else 3 * H)
    row, own_row = step_row + b0, kept_row + b0
    copy_rows(offset(pointer(before), own_row * H), offset(pointer(h), b0 * H), n * H)
    left = (offset(pointer(before), own_row * H), H)
    size, slot, own, at = n * wide, stride * wide, batch * wide, b0 * wide
    first_base = (kept_row * panels * KEPT + b0) * wide
    for p in range(panels):
        base = first_base + p * KEPT * slot
        if p % VECTORS == 0:
            for q in range(3):
                # The last gate's product is kept beside its value.
                target = offset(pointer(units), base + (q if q < 2 else 3) * slot)
                group = p * 3 + q * VECTORS
                right = offset(pointer(w_hh), group * H * wide)
                multiply(
                    (target, wide, KEPT * slot), (offset(pointer(b_hh), b0 * b_row), b_row),
                    offset(pointer(places), group), left, right, (n, depth),
                )  # fmt: skip
        if p < begins.size:
            begin = offset(pointer(begins), p)
            for q in range(3):
                x = offset(pointer(gates), row * 3 * H + q * H)
                panel = (offset(pointer(fresh), at + q * own), size)
                gather_panels(panel, (x, 3 * H), begin, 1, n)
            old = (offset(pointer(units), base + 4 * slot), size)
            gather_panels(old, left, begin, 1, n)
            hidden = fresh[at + 3 * own : at + 3 * own + size]
            _advance(
                hidden, fresh[at : at + size], fresh[at + own : at + own + size],
                fresh[at + 2 * own : at + 2 * own + size], units[base : base + size],
                units[base + slot : base + slot + size],
                units[base + 2 * slot : base + 2 * slot + size],
                units[base + 3 * slot : base + 3 * slot + size],
                units[base + 4 * slot : base + 4 * slot + size],
            )  # fmt: skip
            target = (offset(pointer(out), row * H), H)
            scatter_panels(target, (pointer(hidden), size), begin, 1, n)
    copy_rows(offset(pointer(h), b0 * H), offset(pointer(out), row * H), n * H)


@kernel
def _forward(
    out: Array, h: Array, units: Array, before: Array, fresh: Array, gates: Array, w_hh: Array,
    b_hh: Array, begins: Array, places: Array, sizes: Array, offsets: Array, chunk: int,
    keeps: int, wide: int, reverse: bool,
) -> None:  # fmt: skip
    """Write `out` (rows, H); h (batch, H) begins as h0 and ends as the last state.

    With an empty `w_hh`, `b_hh` is the product with it for all sequences.
    See `Kept`; with keeps = 0 each step writes over what was kept of the last.  Workspace: `fresh`,
    4 panels of (batch, lanes).
    """
    batch = h.shape[0]
    for part in prange(-(-batch // chunk)):
        b0 = part * chunk
        for s in range(sizes.size):
            t = sizes.size - 1 - s if reverse else s
            n = min(sizes[t] - b0, chunk)
            if n > 0:
                _step(
                    (offsets[t], offsets[t] * keeps, sizes[t] if keeps else batch), (b0, n),
                    (out, h, fresh), (units, before), (gates, w_hh, b_hh), (begins, places, wide),
                )  # fmt: skip


def gru(
    gates: Array, w_hh: Array, b_hh: Array, h0: Array, steps: Steps, keeps: bool
) -> tuple[Array, Kept]:
    """Outputs (rows, H) and the last h (batch, H) of each sequence, flat; and `Kept`.

    gates (rows, 3 H) is what the input gives; w_hh (3 H, H); b_hh (3 H,).
    """
    dtype, batch, size = gates.dtype, steps.batch, h0.shape[1]
    H = max(size, least_width(dtype))
    if size < H:
        flat, kept = gru(
            resized(gates, 3, H, 1), resized(resized(w_hh, 3, H, 0), 1, H, 1),
            resized(b_hh, 3, H, 0), resized(h0, 1, H, 1), steps, keeps,
        )  # fmt: skip
        return resized_results(flat, steps, (H, H), (size, size)), kept
    layout = layout_of(H, dtype)
    wide, rows = layout.units.lanes, steps.total if keeps else batch
    found = empty_results(dtype, steps, H, H)
    found.states[0][...] = h0
    kept = Kept(
        np.empty(layout.units.padded * KEPT * rows * wide, dtype), np.empty((rows, H), dtype)
    )
    fresh = scratch(4 * batch * wide, dtype)
    if len(steps.sizes) == 1:  # to pack a matrix that is read once takes longer than to read it
        b_hh, packed = matmul(h0, w_hh.T, b_hh).reshape(-1), w_hh[:0]
    else:
        packed = pack(w_hh.T, layout.groups.reshape(-1), wide)
    work = steps.total * 3 * H * H // SHARED
    _forward.run(
        work, found.out, found.states[0], *kept, fresh, gates, packed.reshape(-1), b_hh,
        layout.units.begins, np.maximum(layout.groups, 0).reshape(-1), steps.sizes, steps.offsets,
        chunk_of_rows(batch, work), int(keeps), wide, steps.reverse,
    )  # fmt: skip
    return found.flat, kept


# --- backward -------------------------------------------------------------------------------------


@device_function
def _retreat(dr, dz, dn, product_grad, dh, r, z, n, product, old):
    """The cotangents of the gates, and in `dh` that of the old state by the shortest way."""
    one = dh.dtype.type(1)
    for j in range(dh.size):
        dn[j] = dh[j] * (one - z[j]) * (one - n[j] * n[j])
    for j in range(dh.size):
        dz[j] = dh[j] * (old[j] - n[j]) * (z[j] * (one - z[j]))
    for j in range(dh.size):
        dr[j] = dn[j] * product[j] * (r[j] * (one - r[j]))
    for j in range(dh.size):
        product_grad[j] = dn[j] * r[j]
    for j in range(dh.size):
        dh[j] *= z[j]


@device_function
def _step_back(rows, span, states, units, inputs, plan):
    """One step of some sequences; `rows` and `span` as in the forward pass."""
    row, stride = rows
    b0, n = span
    dgates, dproducts, dh, fresh, fresh_gates = states
    g_out, w_hh = inputs
    begins, places, wide, panels = plan
    batch, H = dh.shape
    for b in range(n):
        given, carried = g_out[row + b0 + b], dh[b0 + b]
        for j in range(H):
            carried[j] += given[j]
    state = (offset(pointer(dh), b0 * H), H)
    size, slot, own, at = n * wide, stride * wide, batch * wide, b0 * wide
    fresh_panels = (offset(pointer(fresh), at), own)
    gather_panels(fresh_panels, state, pointer(begins), begins.size, n)
    for p in range(begins.size):
        base = (row * panels * KEPT + p * KEPT * stride + b0) * wide
        begin = p * own + at
        _retreat(
            fresh_gates[at : at + size], fresh_gates[at + own : at + own + size],
            fresh_gates[at + 2 * own : at + 2 * own + size],
            fresh_gates[at + 3 * own : at + 3 * own + size], fresh[begin : begin + size],
            units[base : base + size], units[base + slot : base + slot + size],
            units[base + 2 * slot : base + 2 * slot + size],
            units[base + 3 * slot : base + 3 * slot + size],
            units[base + 4 * slot : base + 4 * slot + size],
        )  # fmt: skip
        for q in range(4):
            panel = (offset(pointer(fresh_gates), at + q * own), own)
            place = (row + b0) * 3 * H + min(q, 2) * H
            begin_at = offset(pointer(begins), p)
            if q < 3:
                scatter_panels((offset(pointer(dgates), place), 3 * H), panel, begin_at, 1, n)
            if q != 2:
                scatter_panels((offset(pointer(dproducts), place), 3 * H), panel, begin_at, 1, n)
    left = (offset(pointer(dproducts), (row + b0) * 3 * H), 3 * H)
    target = (fresh_panels[0], wide, own)
    first = (fresh_panels[0], wide)
    sizes = (n, 3 * H if w_hh.size else 0, begins.size)
    multiply_panels(target, first, pointer(places), left, pointer(w_hh), sizes)
    scatter_panels(state, fresh_panels, pointer(begins), begins.size, n)


@kernel
def _backward(
    dgates: Array, dproducts: Array, dh: Array, fresh: Array, fresh_gates: Array, g_out: Array,
    units: Array, w_hh: Array, begins: Array, places: Array, sizes: Array, offsets: Array,
    chunk: int, wide: int, panels: int, reverse: bool,
) -> None:  # fmt: skip
    """Write `dgates` and `dproducts` (rows, 3 H), and the cotangent of h0 over that of the last h.

    With an empty `w_hh` what comes through the product with it is missing in that of h0.

    Workspace: `fresh` and `fresh_gates`, panels of (batch, lanes).
    """
    for part in prange(-(-dh.shape[0] // chunk)):
        b0 = part * chunk
        for s in range(sizes.size):
            t = s if reverse else sizes.size - 1 - s
            n = min(sizes[t] - b0, chunk)
            if n > 0:
                _step_back(
                    (offsets[t], sizes[t]), (b0, n), (dgates, dproducts, dh, fresh, fresh_gates),
                    units, (g_out, w_hh), (begins, places, wide, panels),
                )  # fmt: skip


def gru_backward(
    g: Array, kept: Kept, w_hh: Array, steps: Steps
) -> tuple[Array, Array, Array, Array]:
    """The cotangents of gates, w_hh, b_hh and h0 for that of the flat results; see `gru`."""
    dtype, size = g.dtype, w_hh.shape[1]
    H = max(size, least_width(dtype))
    if size < H:
        dgates, dw_hh, db_hh, dh = gru_backward(
            resized_results(g, steps, (size, size), (H, H)), kept,
            resized(resized(w_hh, 3, H, 0), 1, H, 1), steps,
        )  # fmt: skip
        return (
            resized(dgates, 3, size, 1),
            resized(resized(dw_hh, 3, size, 0), 1, size, 1),
            resized(db_hh, 3, size, 0),
            resized(dh, 1, size, 1),
        )
    units = layout_of(H, dtype).units
    panel = steps.batch * units.lanes
    dgates, dproducts = np.empty((2, steps.total, 3 * H), dtype)
    g_out, (g_h,) = results(g, steps, H, H)[1:]
    dh, space = g_h.copy(), scratch((units.padded + 4) * panel, dtype)
    alone = len(steps.sizes) == 1  # see `gru`
    packed = w_hh[:0] if alone else pack(w_hh, units.begins, units.lanes)
    work = steps.total * 3 * H * H // SHARED
    _backward.run(
        work, dgates, dproducts, dh, space[4 * panel :], space[: 4 * panel], g_out, kept.units,
        packed.reshape(-1), units.begins, np.arange(units.padded) * panel, steps.sizes,
        steps.offsets, chunk_of_rows(steps.batch, work), units.lanes, units.padded, steps.reverse,
    )  # fmt: skip
    if alone:
        dh += matmul(dproducts, w_hh)
    return dgates, matmul(dproducts.T, kept.before), total(dproducts, (0,), False), dh
