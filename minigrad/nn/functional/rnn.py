"""Recurrent layers as functions, under the names that torch has them at its top level.

`lstm`, `gru`, `rnn_tanh` and `rnn_relu` take a batch of sequences, or packed ones; the functions
whose names end in `_cell` take one step.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minigrad import ops
from minigrad.core.types import Shape
from minigrad.engine.op import label_node
from minigrad.engine.step_recorder import numbers_read
from minigrad.kernels.recurrent.steps import Steps, even_steps, packed_steps
from minigrad.nn.functional.dropout import dropout as drop
from minigrad.nn.functional.linear import linear
from minigrad.ops.nn import recurrent
from minigrad.tensor import Tensor


class _Weights(NamedTuple):
    """The parameters of one layer in one direction."""

    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor | None
    b_hh: Tensor | None
    w_hr: Tensor | None


# All steps of one layer: (input (..., features), weights, states of batch * width elements, steps)
# -> outputs and last states, flat.
_Layer = Callable[[Tensor, _Weights, Sequence[Tensor], Steps], Tensor]


def _sum_of_biases(weights: _Weights) -> Tensor | None:
    if weights.b_ih is None or weights.b_hh is None:
        return weights.b_ih if weights.b_hh is None else weights.b_hh
    return weights.b_ih + weights.b_hh


def _lstm_layer(input: Tensor, weights: _Weights, states: Sequence[Tensor], steps: Steps) -> Tensor:
    gates = linear(input, weights.w_ih, _sum_of_biases(weights))
    return recurrent.lstm_layer(gates, weights.w_hh, *states, weights.w_hr, steps=steps)[0]


def _gru_layer(input: Tensor, weights: _Weights, states: Sequence[Tensor], steps: Steps) -> Tensor:
    w_hh, b_hh = weights.w_hh, weights.b_hh
    gates = linear(input, weights.w_ih, weights.b_ih)
    b_hh = w_hh.new_zeros(w_hh.shape[0]) if b_hh is None else b_hh
    return recurrent.gru_layer(gates, w_hh, b_hh, *states, steps=steps)[0]


def _rnn_layer(
    input: Tensor, weights: _Weights, states: Sequence[Tensor], steps: Steps, rectifies: bool
) -> Tensor:
    gates = linear(input, weights.w_ih, _sum_of_biases(weights))
    w_hh = weights.w_hh
    return recurrent.rnn_layer(gates, w_hh, *states, steps=steps, rectifies=rectifies)[0]


_LAYERS: dict[str, _Layer] = {
    "lstm": _lstm_layer,
    "gru": _gru_layer,
    "rnn_tanh": partial(_rnn_layer, rectifies=False),
    "rnn_relu": partial(_rnn_layer, rectifies=True),
}


def _parts(flat: Tensor, begin: int, shapes: Sequence[Shape]) -> list[Tensor]:
    """The parts of a flat result from `begin` on, which have these shapes."""
    parts = []
    for shape in shapes:
        parts.append(recurrent.flat_part(flat, begin=begin, shape=shape))
        begin += math.prod(shape)
    return parts


# --- sequences ------------------------------------------------------------------------------------


class Options(NamedTuple):
    """The arguments that all layers share, as torch's functions take them."""

    params: Sequence[Tensor]
    has_biases: bool
    num_layers: int
    dropout: float
    train: bool
    bidirectional: bool

    def weights(self, projects: bool) -> list[_Weights]:
        """The parameters of each layer and direction, in their order."""
        each = 2 + 2 * self.has_biases + projects
        count = self.num_layers * (1 + self.bidirectional)
        if len(self.params) != each * count:
            raise RuntimeError(
                f"expected {each * count} parameters for {count} layers and directions, got "
                f"{len(self.params)}"
            )
        found = []
        for i in range(0, each * count, each):
            w_ih, w_hh, *others = self.params[i : i + each]
            b_ih, b_hh = others[:2] if self.has_biases else (None, None)
            found.append(_Weights(w_ih, w_hh, b_ih, b_hh, others[-1] if projects else None))
        return found


def _run(
    layer: _Layer, rows: Tensor, states: Sequence[Tensor], sizes: Any, options: Options
) -> tuple[Tensor, list[Tensor]]:
    """All layers over rows (..., features); `sizes` is (T, batch), or batch sizes in an array.

    `states` are (layers * directions, batch, width) each; so are the last states that it gives.
    """
    widths = [state.array.shape[2] for state in states]
    weights = options.weights(projects=widths[0] != widths[-1])
    ways = [False, True] if options.bidirectional else [False]
    steps = [
        even_steps(*sizes, way) if isinstance(sizes, tuple) else packed_steps(sizes, way)
        for way in ways
    ]
    shapes = [(1, steps[0].batch, width) for width in widths]
    out_shape = *rows.array.shape[:-1], widths[0]
    last: list[list[Tensor]] = []
    for i in range(0, len(weights), len(ways)):
        outputs = []
        for k, way in enumerate(steps, i):
            own = list(states) if len(weights) == 1 else [state[k : k + 1] for state in states]
            out, *ends = _parts(layer(rows, weights[k], own, way), 0, [out_shape, *shapes])
            outputs.append(out)
            last.append(ends)
        rows = outputs[0] if len(outputs) == 1 else ops.cat(outputs, -1)
        if options.dropout and i + len(ways) < len(weights):
            rows = drop(rows, options.dropout, options.train)
    if len(last) == 1:
        return rows, last[0]
    return rows, [ops.cat(ends) for ends in zip(*last, strict=True)]


def sequences(
    name: str, input: Tensor, hx: Sequence[Tensor], options: Options,
    batch_first: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    """(T, batch, features), or with batch_first (batch, T, features), -> outputs, last states."""
    if input.ndim != 3:
        raise RuntimeError(f"{name}: input must have 3 dimensions, got {input.ndim}")
    x = input.transpose(0, 1) if batch_first else input
    length, batch = x.shape[:2]
    if not length:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    _require_states(name, hx, batch, options)
    out, last = _run(_LAYERS[name], x, hx, (length, batch), options)
    out = label_node(out, "StackBackward0")
    return (out.transpose(0, 1) if batch_first else out, *last)


def packed_sequences(
    name: str, data: Tensor, batch_sizes: Tensor, hx: Sequence[Tensor],
    options: Options,
) -> tuple[Tensor, ...]:  # fmt: skip
    """Packed sequences (rows, features) -> packed outputs, last states."""
    sizes = np.asarray(numbers_read(batch_sizes.array, batch_sizes.array), np.int64)
    if data.ndim != 2:
        raise RuntimeError(f"{name}: input must have 2 dimensions, got {data.ndim}")
    if sizes.ndim != 1 or not sizes.size or sizes[-1] < 1 or (np.diff(sizes) > 0).any():
        raise RuntimeError(
            f"{name}: batch_sizes must be positive and sorted in decreasing order, got "
            f"{sizes.tolist()}"
        )
    if sizes.sum() != data.shape[0]:
        raise RuntimeError(
            f"{name}: batch_sizes add up to {sizes.sum()}, but data has {data.shape[0]} rows"
        )
    _require_states(name, hx, int(sizes[0]), options)
    rows, last = _run(_LAYERS[name], data, hx, sizes, options)
    return rows, *last


def _require_states(name: str, hx: Sequence[Tensor], batch: int, options: Options) -> None:
    count = options.num_layers * (1 + options.bidirectional)
    for state in hx:
        if state.ndim != 3 or state.shape[:2] != (count, batch):
            raise RuntimeError(
                f"{name}: Expected hidden size ({count}, {batch}, hidden size), got "
                f"{list(state.shape)}"
            )


def _function(name: str, states: int) -> Callable[..., tuple[Tensor, ...]]:
    """torch's function `name` of a batch of sequences, or of packed ones."""

    def call(*given: Any, **settings: Any) -> tuple[Tensor, ...]:
        names = ["input", "hx", *Options._fields, "batch_first"]
        if "batch_sizes" in settings or (len(given) > 2 and _is_state(given[2])):
            names = ["data", "batch_sizes", "hx", *Options._fields]
        found = dict(zip(names, given, strict=False)) | settings
        if len(given) > len(names) or found.keys() != set(names):
            raise TypeError(f"{name}() takes the arguments {', '.join(names)}")
        hx = (found["hx"],) if isinstance(found["hx"], Tensor) else tuple(found["hx"])
        if len(hx) != states:
            raise RuntimeError(f"{name} expects {states} hidden states, got {len(hx)}")
        options = Options(**{field: found[field] for field in Options._fields})
        if "data" in found:
            return packed_sequences(name, found["data"], found["batch_sizes"], hx, options)
        return sequences(name, found["input"], hx, options, found["batch_first"])

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"""`{name}` of sequences in one tensor or of packed ones, as torch takes them.

    (input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first), or
    (data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional); gives
    the outputs and the last states.  The modules of `nn` are easier to call.
    """
    return call


def _is_state(given: Any) -> bool:
    """True for hidden states where parameters, a list, could be given as well."""
    return isinstance(given, Tensor) or (isinstance(given, tuple) and len(given) == 2)


lstm = _function("lstm", 2)
gru = _function("gru", 1)
rnn_tanh = _function("rnn_tanh", 1)
rnn_relu = _function("rnn_relu", 1)

# --- cells ----------------------------------------------------------------------------------------


def _one_step(
    name: str, input: Tensor, states: Sequence[Tensor], weights: _Weights
) -> tuple[Tensor, ...]:
    """New states (batch, hidden) of one step with an input (batch, features)."""
    (count, given), features = _sizes(input), weights.w_ih.array.shape[1]
    hidden = weights.w_hh.array.shape[1]
    if given != features:
        raise RuntimeError(f"input has inconsistent input_size: got {given} expected {features}")
    for i, state in enumerate(states):
        batch, width = _sizes(state)
        if batch != count:
            raise RuntimeError(
                f"Input batch size {count} doesn't match hidden{i} batch size {batch}"
            )
        if width != hidden:
            raise RuntimeError(
                f"hidden{i} has inconsistent hidden_size: got {width}, expected {hidden}"
            )
    flat = _LAYERS[name](input, weights, states, even_steps(1, count, False))
    # Before the last states are the outputs, which are the first of them.
    return tuple(_parts(flat, count * hidden, [(count, hidden)] * len(states)))


def _sizes(value: Tensor) -> tuple[int, int]:
    """The sizes of a batch of vectors; raises RuntimeError unless it is one."""
    shape = value.array.shape
    if len(shape) != 2:
        raise RuntimeError(f"a cell takes inputs and states of 2 dimensions, got {len(shape)}")
    return shape[0], shape[1]


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM: input (N, features) and hx = (h, c), (N, hidden) each -> new h and c.

    w_ih (4 hidden, features), w_hh (4 hidden, hidden), biases (4 hidden,).  Raises RuntimeError
    for other shapes, TypeError unless hx is a pair.
    """
    if isinstance(hx, Tensor) or len(hx) != 2:
        raise TypeError(
            f"lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not "
            f"{type(hx).__name__}"
        )
    h, c = _one_step("lstm", input, hx, _Weights(w_ih, w_hh, b_ih, b_hh, None))
    return h, c


def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of a GRU: input (N, features), hx (N, hidden) -> (N, hidden).

    w_ih (3 hidden, features), w_hh (3 hidden, hidden), biases (3 hidden,).  Raises RuntimeError
    for other shapes.
    """
    return _one_step("gru", input, [hx], _Weights(w_ih, w_hh, b_ih, b_hh, None))[0]


def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """tanh(input @ w_ih.T + b_ih + hx @ w_hh.T + b_hh): (N, features), (N, hidden) -> (N, hidden).

    Raises RuntimeError for other shapes.
    """
    return _one_step("rnn_tanh", input, [hx], _Weights(w_ih, w_hh, b_ih, b_hh, None))[0]


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """relu(input @ w_ih.T + b_ih + hx @ w_hh.T + b_hh): (N, features), (N, hidden) -> (N, hidden).

    Raises RuntimeError for other shapes.
    """
    return _one_step("rnn_relu", input, [hx], _Weights(w_ih, w_hh, b_ih, b_hh, None))[0]
