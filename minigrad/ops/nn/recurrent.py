"""Recurrent layers: all steps of a batch of sequences as one operation.

Each operation takes `gates`, what the input gives of all steps, and gives a flat result: the
outputs (rows, width) and the last states (batch, width) of all sequences one after the other.  The
rows of all steps follow each other; see `kernels.recurrent.steps.Steps`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.engine.grad_mode import ignore_fp_errors, thread
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.recurrent import gru as gru_kernels
from minigrad.kernels.recurrent import lstm as lstm_kernels
from minigrad.kernels.recurrent import lstm_backward as lstm_backward_kernels
from minigrad.kernels.recurrent import rnn as rnn_kernels
from minigrad.kernels.recurrent.steps import Steps, even_steps, packed_steps
from minigrad.ops.linalg.matmul import linear
from minigrad.ops.nn.activation import relu, sigmoid, tanh
from minigrad.ops.recorded import recorded_cotangents
from minigrad.ops.shape.copies import concatenate

EVEN, BACKWARD = even_steps(3, 2, False), even_steps(2, 3, True)
PACKED = packed_steps(np.array([3, 2, 2, 1]), False)
PACKED_BACKWARD = packed_steps(np.array([2, 2, 1]), True)


def _rows(gates: Array) -> Array:
    return np.ascontiguousarray(gates.reshape(-1, gates.shape[-1]))


def _array(value: Any) -> Any:
    """The contiguous array of a value that may be None."""
    return None if value is None else ignore_fp_errors(np.ascontiguousarray, value.array)


def _wrapped(g: V, shapes: Sequence[Any], *cotangents: Any) -> list[Any]:
    """Arrays as cotangents of these shapes."""
    return [
        None if array is None else wrap_like(g, array.reshape(shape))
        for array, shape in zip(cotangents, shapes, strict=True)
    ]


def _require(
    name: str, steps: Steps, gates: Array, weights: Sequence[tuple[Array, Shape]],
    states: Sequence[tuple[Array, int]],
) -> None:  # fmt: skip
    """Raise RuntimeError unless arrays fit each other: kernels trust their sizes.

    Weights come with their shapes, the first has as many rows as a row of `gates`; states come
    with their widths.
    """
    rows, dtype = len(weights[0][0]), gates.dtype
    if gates.shape[-1] != rows or gates.size != steps.total * rows:
        raise RuntimeError(
            f"{name}: gates must have {steps.total} rows of {rows}, got {list(gates.shape)}"
        )
    for weight, shape in weights:
        if weight.shape != shape:
            raise RuntimeError(f"{name}: a weight must be {list(shape)}, got {list(weight.shape)}")
    for state, width in states:
        if state.shape[-1] != width or state.size != steps.batch * width:
            raise RuntimeError(
                f"{name}: a state must be {[steps.batch, width]}, got {list(state.shape)}"
            )
    for array, _ in (*weights, *states):
        if array.dtype != dtype or dtype.kind != "f":
            raise RuntimeError(
                f"{name}: expected arguments of one floating dtype, got {dtype} and {array.dtype}"
            )


# --- parts of a flat result -----------------------------------------------------------------------


@op(
    vjp=(lambda g, out, x, *, begin, shape: flat_part_backward(g, begin=begin, size=x.shape[0]),),
    degree=1,
    samples=[sample(arr.of(9), begin=2, shape=(2, 1, 3)), sample(arr.of(4), begin=0, shape=(4,))],
)
def flat_part(input: Array, *, begin: int, shape: Shape) -> Array:
    """Elements of `input` (N,) from `begin` on, in a shape.

    The result may share memory with the input; it is for inputs that nobody else reads.
    """
    return input[begin : begin + math.prod(shape)].reshape(shape)


@op(
    vjp=(lambda g, out, c, *, begin, size: flat_part(g, begin=begin, shape=c.shape),),
    degree=1,
    samples=[sample(arr.of(2, 3), begin=1, size=9)],
)
def flat_part_backward(cotangent: Array, *, begin: int, size: int) -> Array:
    """The adjoint of `flat_part`: zeros (size,) with the elements of `cotangent` in their place."""
    out = np.zeros(size, cotangent.dtype)
    out[begin : begin + cotangent.size].reshape(cotangent.shape)[...] = cotangent
    return out


# --- the same, step by step ----------------------------------------------------------------------


def _by_steps(cell: Callable[..., Any], gates: V, given: Sequence[V], steps: Steps) -> V:
    """The flat result of `cell(gates, *states)`, which gives new states, in each step.

    Recorded step by step, for derivatives of the gradient.
    """
    gates = gates.reshape((-1, gates.shape[-1]))
    length, batch = len(steps.sizes), steps.batch
    states = [state.reshape((batch, state.shape[-1])) for state in given]
    outputs = [gates] * length
    for t in range(length - 1, -1, -1) if steps.reverse else range(length):
        n, row = int(steps.sizes[t]), int(steps.offsets[t])
        running = states if n == batch else [state[:n] for state in states]
        fresh = cell(gates[row : row + n], *running)
        outputs[t] = fresh[0]
        if n < batch:
            pairs = zip(fresh, states, strict=True)
            fresh = [concatenate(new, state[n:], dim=0) for new, state in pairs]
        states = fresh
    return concatenate(*(part.reshape((-1,)) for part in [*outputs, *states]), dim=0)


def _parts(x: V, count: int) -> list[V]:
    """Equal parts of the last dimension."""
    size = x.shape[-1] // count
    return [x[..., i * size : (i + 1) * size] for i in range(count)]


# --- lstm ----------------------------------------------------------------------------------------


def _lstm_by_steps(gates: V, w_hh: V, h0: V, c0: V, w_hr: V | None, steps: Steps) -> V:
    def cell(x: V, h: V, c: V) -> list[V]:
        i, f, g, o = _parts(x + linear(h, w_hh), 4)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        return [h if w_hr is None else linear(h, w_hr), c]

    return _by_steps(cell, gates, [h0, c0], steps)


def _lstm_rule(
    g: V, out: Any, gates: V, w_hh: V, h0: V, c0: V, w_hr: Any, *, wanted: Sequence[int],
    steps: Steps,
) -> list[Any]:  # fmt: skip
    inputs = gates, w_hh, h0, c0, w_hr
    if thread.mode.differentiates():
        return recorded_cotangents(_lstm_by_steps, g, inputs, wanted, steps=steps)
    units, before, hidden = out
    kept = lstm_kernels.Kept(units.array, before.array, hidden.array)
    found = ignore_fp_errors(
        lstm_backward_kernels.lstm_backward, _array(g), kept, _array(w_hh), _array(w_hr), steps
    )
    shapes = [None if value is None else value.array.shape for value in inputs]
    return _wrapped(g, shapes, *found)


@op(
    node="MkldnnRnnLayerBackward0",
    vjp=_lstm_rule,
    samples=[
        sample(arr.of(6, 12), arr.of(12, 3), arr.of(2, 3), arr.of(2, 3), steps=EVEN),
        sample(arr.of(2, 3, 8), arr.of(8, 2), arr.of(3, 2), arr.of(3, 2), steps=BACKWARD),
        sample(arr.of(8, 20), arr.of(20, 5), arr.of(3, 5), arr.of(3, 5), steps=PACKED),
        sample(
            arr.of(5, 20), arr.of(20, 3), arr.of(2, 3), arr.of(2, 5), arr.of(3, 5),
            steps=PACKED_BACKWARD,
        ),
    ],
    accumulates=True,
)  # fmt: skip
def lstm_layer(
    gates: Array, w_hh: Array, h0: Array, c0: Array, w_hr: Array | None = None, *, steps: Steps
) -> Any:
    """(rows, 4 H), (4 H, P), (batch, P), (batch, H) and (P, H) -> outputs, h and c, flat.

    Without w_hr nothing is projected, and P = H.
    """
    H = len(w_hh) // 4
    P = H if w_hr is None else len(w_hr)
    weights = [(w_hh, (4 * H, P))] if w_hr is None else [(w_hh, (4 * H, P)), (w_hr, (P, H))]
    _require("lstm", steps, gates, weights, [(h0, P), (c0, H)])
    flat, kept = lstm_kernels.lstm(
        _rows(gates), np.ascontiguousarray(w_hh), h0.reshape(-1, P), c0.reshape(-1, H),
        None if w_hr is None else np.ascontiguousarray(w_hr), steps, thread.mode.grad,
    )  # fmt: skip
    return flat, *kept


# --- gru -----------------------------------------------------------------------------------------


def _gru_by_steps(gates: V, w_hh: V, b_hh: V, h0: V, steps: Steps) -> V:
    def cell(x: V, h: V) -> list[V]:
        x_r, x_z, x_n = _parts(x, 3)
        h_r, h_z, h_n = _parts(linear(h, w_hh, b_hh), 3)
        n = tanh(x_n + sigmoid(x_r + h_r) * h_n)
        return [n + sigmoid(x_z + h_z) * (h - n)]

    return _by_steps(cell, gates, [h0], steps)


def _gru_rule(
    g: V, out: Any, gates: V, w_hh: V, b_hh: V, h0: V, *, wanted: Sequence[int], steps: Steps
) -> list[Any]:
    inputs = gates, w_hh, b_hh, h0
    if thread.mode.differentiates():
        return recorded_cotangents(_gru_by_steps, g, inputs, wanted, steps=steps)
    units, before = out
    kept = gru_kernels.Kept(units.array, before.array)
    found = ignore_fp_errors(gru_kernels.gru_backward, _array(g), kept, _array(w_hh), steps)
    return _wrapped(g, [value.array.shape for value in inputs], *found)


@op(
    vjp=_gru_rule,
    samples=[
        sample(arr.of(6, 9), arr.of(9, 3), arr.of(9), arr.of(2, 3), steps=EVEN),
        sample(arr.of(2, 3, 6), arr.of(6, 2), arr.of(6), arr.of(3, 2), steps=BACKWARD),
        sample(arr.of(8, 15), arr.of(15, 5), arr.of(15), arr.of(3, 5), steps=PACKED),
        sample(arr.of(5, 12), arr.of(12, 4), arr.of(12), arr.of(2, 4), steps=PACKED_BACKWARD),
    ],
    accumulates=True,
)
def gru_layer(gates: Array, w_hh: Array, b_hh: Array, h0: Array, *, steps: Steps) -> Any:
    """(rows, 3 H), (3 H, H), (3 H,) and (batch, H) -> outputs and h, flat."""
    H = len(w_hh) // 3
    _require("gru", steps, gates, [(w_hh, (3 * H, H)), (b_hh, (3 * H,))], [(h0, H)])
    flat, kept = gru_kernels.gru(
        _rows(gates), np.ascontiguousarray(w_hh), np.ascontiguousarray(b_hh), h0.reshape(-1, H),
        steps, thread.mode.grad,
    )  # fmt: skip
    return flat, *kept


# --- rnn -----------------------------------------------------------------------------------------


def _rnn_by_steps(gates: V, w_hh: V, h0: V, steps: Steps, rectifies: bool) -> V:
    squash = relu if rectifies else tanh
    return _by_steps(lambda x, h: [squash(x + linear(h, w_hh))], gates, [h0], steps)


def _rnn_rule(
    g: V, out: Any, gates: V, w_hh: V, h0: V, *, wanted: Sequence[int], steps: Steps,
    rectifies: bool,
) -> list[Any]:  # fmt: skip
    inputs = gates, w_hh, h0
    if thread.mode.differentiates():
        return recorded_cotangents(
            _rnn_by_steps, g, inputs, wanted, steps=steps, rectifies=rectifies
        )
    after, before = out
    kept = rnn_kernels.Kept(after.array, before.array)
    found = ignore_fp_errors(
        rnn_kernels.rnn_backward, _array(g), kept, _array(w_hh), steps, rectifies
    )
    return _wrapped(g, [value.array.shape for value in inputs], *found)


@op(
    vjp=_rnn_rule,
    samples=[
        sample(arr.of(6, 3), arr.of(3, 3), arr.of(2, 3), steps=EVEN, rectifies=False),
        sample(arr.of(2, 3, 2), arr.of(2, 2), arr.of(3, 2), steps=BACKWARD, rectifies=True),
        sample(arr.of(8, 5), arr.of(5, 5), arr.of(3, 5), steps=PACKED, rectifies=True),
        sample(arr.of(5, 4), arr.of(4, 4), arr.of(2, 4), steps=PACKED_BACKWARD, rectifies=False),
    ],
    accumulates=True,
)
def rnn_layer(gates: Array, w_hh: Array, h0: Array, *, steps: Steps, rectifies: bool) -> Any:
    """(rows, H), (H, H) and (batch, H) -> outputs and h, flat; relu if `rectifies`, else tanh."""
    H = len(w_hh)
    _require("rnn", steps, gates, [(w_hh, (H, H))], [(h0, H)])
    flat, kept = rnn_kernels.rnn(
        _rows(gates), np.ascontiguousarray(w_hh), h0.reshape(-1, H), steps, rectifies,
        thread.mode.grad,
    )  # fmt: skip
    return flat, *kept
