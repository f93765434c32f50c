"""Long short-term memory: all steps of a batch of sequences, forward and backward.

    i, f, g, o = gates + h @ w_hh.T, of which i, f and o are squashed by the logistic function
    c' = f * c + i * g, with tanh of g;  h' = o * tanh(c'), projected by w_hr if there is one

Hochreiter & Schmidhuber 1997; with a forget gate, Gers et al. 2000; projected, Sak et al. 2014.
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
from minigrad.kernels.simd import math

Array = np.ndarray[Any, Any]

# What is kept of a step for each unit: the four gates, and the cell state before the step.
KEPT = 5


class Kept(NamedTuple):
    """What the backward pass reads of the forward pass."""

    units: Array
    """For each step (panels, KEPT, rows of the step, lanes), flat."""
    before: Array
    """(rows, P): the state h before each row."""
    hidden: Array
    """(rows, H): what is projected; empty without a projection."""


@device_function
def _squash(x):
    for j in range(x.size):
        x[j] = math.sigmoid(x[j])


@device_function
def _advance(h, c, old, i, f, g, o):
    """The new states of as many units as `c` has elements; c is changed in place."""
    _squash(i)
    _squash(f)
    _squash(o)
    for j in range(g.size):
        g[j] = math.tanh(g[j])
    for j in range(c.size):
        old[j] = c[j]
    for j in range(c.size):
        c[j] = f[j] * old[j] + i[j] * g[j]
    for j in range(c.size):
        h[j] = o[j] * math.tanh(c[j])


@device_function
def _project(out, hidden, w_hr, fresh, begins, zeros, sizes):
    """out = hidden @ w_hr.T; `fresh` is (pointer, panel step), the others (pointer, row step)."""
    panels = (fresh[0], zeros[0].size, fresh[1])
    first = (pointer(zeros[0]), 0)
    multiply_panels(panels, first, pointer(zeros[1]), hidden, w_hr, sizes)
    scatter_panels(out, fresh, begins, sizes[2], sizes[0])


@device_function
def _step(rows, span, states, kept, inputs, plan):
    """One step of some sequences.

    `rows` are the first row of the step, of these sequences, and of what is kept of them; the
    rows that a panel of the step has; `span` the first of the sequences and their number.
    """
    step_row, kept_row, stride = rows
    b0, n = span
    out, h, c, fresh = states
    units, before, hidden = kept
    gates, w_hh, w_hr = inputs
    begins, h_begins, places, zeros, no_places = plan
    P, H, wide = h.shape[1], gates.shape[1] // 4, zeros.size
    batch = h.shape[0]
    row, own_row = step_row + b0, kept_row + b0
    copy_rows(offset(pointer(before), own_row * P), offset(pointer(h), b0 * P), n * P)
    left = (offset(pointer(before), own_row * P), P)
    projects = hidden.size > 0
    result = (offset(pointer(hidden), own_row * H), H)
    if not projects:
        result = (offset(pointer(out), row * P), P)
    size, slot = n * wide, stride * wide
    for p in range(begins.size):
        base = ((kept_row * begins.size + p * stride) * KEPT + b0) * wide
        target = (offset(pointer(units), base), wide, slot)
        first = (offset(pointer(gates), row * gates.shape[1]), gates.shape[1])
        right = offset(pointer(w_hh), p * P * VECTORS * wide)
        at = offset(pointer(places), p * VECTORS)
        multiply(target, first, at, left, right, (n, P if w_hh.size else 0))
        begin = (p * batch + b0) * wide
        fresh_h = fresh[b0 * wide : b0 * wide + size]
        _advance(
            fresh_h, c[begin : begin + size],
            units[base + 4 * slot : base + 4 * slot + size], units[base : base + size],
            units[base + slot : base + slot + size],
            units[base + 2 * slot : base + 2 * slot + size],
            units[base + 3 * slot : base + 3 * slot + size],
        )  # fmt: skip
        scatter_panels(result, (pointer(fresh_h), size), offset(pointer(begins), p), 1, n)
    if projects:
        panels = (offset(pointer(fresh), b0 * wide), batch * wide)
        sizes = (n, H, h_begins.size)
        projected = (offset(pointer(out), row * P), P)
        _project(
            projected, result, pointer(w_hr), panels, pointer(h_begins), (zeros, no_places), sizes
        )
    copy_rows(offset(pointer(h), b0 * P), offset(pointer(out), row * P), n * P)


@kernel
def _forward(
    out: Array, h: Array, cells: Array, units: Array, before: Array, hidden: Array, c: Array,
    fresh: Array, gates: Array, w_hh: Array, w_hr: Array, begins: Array, h_begins: Array,
    places: Array, zeros: Array, no_places: Array, sizes: Array, offsets: Array, chunk: int,
    keeps: int, reverse: bool,
) -> None:  # fmt: skip
    """Write `out` (rows, P); h (batch, P) and cells (batch, H) begin as h0 and c0, end as h and c.

    With an empty `w_hh` the product with it is in `gates` already.
    See `Kept`; with keeps = 0 each step writes over what was kept of the last.  Workspace: `c` and
    `fresh`, panels of (batch, lanes).
    """
    batch = h.shape[0]
    wide = zeros.size
    H = cells.shape[1]
    for part in prange(-(-batch // chunk)):
        b0 = part * chunk
        most = min(chunk, batch - b0)
        panels = (offset(pointer(c), b0 * wide), batch * wide)
        natural = (offset(pointer(cells), b0 * H), H)
        gather_panels(panels, natural, pointer(begins), begins.size, most)
        for s in range(sizes.size):
            t = sizes.size - 1 - s if reverse else s
            n = min(sizes[t] - b0, most)
            if n > 0:
                _step(
                    (offsets[t], offsets[t] * keeps, sizes[t] if keeps else batch),
                    (b0, n), (out, h, c, fresh), (units, before, hidden), (gates, w_hh, w_hr),
                    (begins, h_begins, places, zeros, no_places),
                )  # fmt: skip
        scatter_panels(natural, panels, pointer(begins), begins.size, most)


class Layout(NamedTuple):
    """Where the columns of a layer lie."""

    units: Columns
    states: Columns
    places: Array
    """(panels, 4), int64: where the vectors of a panel begin in a row of gates."""


def wide_enough(sizes: tuple[int, int], dtype: np.dtype[Any]) -> tuple[int, int]:
    """P and H of a layer, each at least a vector."""
    least = least_width(dtype)
    return max(sizes[0], least), max(sizes[1], least)


@lru_cache(256)
def layout_of(H: int, P: int, dtype: np.dtype[Any]) -> Layout:
    units = columns(H, dtype)
    places = units.begins[:, None] + np.arange(4) * H
    return Layout(units, columns(P, dtype), places)


def lstm(
    gates: Array, w_hh: Array, h0: Array, c0: Array, w_hr: Array | None, steps: Steps, keeps: bool
) -> tuple[Array, Kept]:
    """Outputs (rows, P), the last h (batch, P) and c (batch, H), flat; and `Kept`.

    gates (rows, 4 H) is what the input gives; w_hh (4 H, P); w_hr (P, H) or None, then P = H.
    """
    sizes = h0.shape[1], c0.shape[1]
    P, H = wide_enough(sizes, gates.dtype)
    if sizes != (P, H):
        flat, kept = lstm(
            resized(gates, 4, H, 1), resized(resized(w_hh, 4, H, 0), 1, P, 1),
            resized(h0, 1, P, 1), resized(c0, 1, H, 1),
            None if w_hr is None else resized(resized(w_hr, 1, P, 0), 1, H, 1), steps, keeps,
        )  # fmt: skip
        return resized_results(flat, steps, (P, P, H), (sizes[0], *sizes)), kept
    dtype, batch = gates.dtype, steps.batch
    layout = layout_of(H, P, dtype)
    wide, panels = layout.units.lanes, layout.units.vectors
    rows = steps.total if keeps else batch
    found = empty_results(dtype, steps, P, P, H)
    (h, cells), projects = found.states, w_hr is not None
    h[...], cells[...] = h0, c0
    kept = Kept(
        np.empty(panels * KEPT * rows * wide, dtype),
        np.empty((rows, P), dtype),
        np.empty((rows if projects else 0, H), dtype),
    )
    space = scratch((panels + (layout.states.padded if projects else 1)) * batch * wide, dtype)
    c, fresh = space[: panels * batch * wide], space[panels * batch * wide :]
    if len(steps.sizes) == 1:  # to pack a matrix that is read once takes longer than to read it
        gates, packed = gates + matmul(h0, w_hh.T), w_hh[:0]
    else:
        packed = pack(w_hh.T, layout.places.reshape(-1), wide)
    packed_hr = packed[:0] if w_hr is None else pack(w_hr.T, layout.states.begins, wide)
    work = steps.total * 4 * H * P // SHARED
    _forward.run(
        work, found.out, h, cells, *kept, c, fresh, gates, packed.reshape(-1),
        packed_hr.reshape(-1), layout.units.begins, layout.states.begins,
        layout.places.reshape(-1), np.zeros(wide, dtype),
        np.zeros(layout.states.padded, np.int64), steps.sizes, steps.offsets,
        chunk_of_rows(batch, work), int(keeps), steps.reverse,
    )  # fmt: skip
    return found.flat, kept
