"""Recurrent layers.

Here an operation takes what the input gives of all gates; in ONNX it takes the input and the
weights of both products.  So the product that has made the gates becomes a part of the node.
"""

from typing import Any

import numpy as np

from minigrad.onnx.call import Call
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.sizes import value_in
from minigrad.onnx.translations.table import translates
from minigrad.ops.linalg.matmul import linear
from minigrad.ops.nn import recurrent

# The parts of the weights, each for a gate, in the order that ONNX has them.
LSTM_ORDER = (0, 3, 1, 2)  # i f g o -> i o f g
GRU_ORDER = (1, 0, 2)  # r z n -> z r n
RNN_ORDER = (0,)


@translates(recurrent.lstm_layer)
def _lstm(c: Call) -> str:
    if len(c.args) > 4 and c.args[4] is not None:
        raise OnnxExporterError("ONNX has no LSTM with projections (proj_size)")
    states = [_state(c, 2), _state(c, 3)]
    return _layer(c, "LSTM", LSTM_ORDER, None, states)


@translates(recurrent.gru_layer)
def _gru(c: Call) -> str:
    return _layer(c, "GRU", GRU_ORDER, c.input(2), [_state(c, 3)], linear_before_reset=1)


@translates(recurrent.rnn_layer)
def _rnn(c: Call) -> str:
    squash = "Relu" if c.settings["rectifies"] else "Tanh"
    return _layer(c, "RNN", RNN_ORDER, None, [_state(c, 2)], activations=[squash])


def _state(c: Call, position: int) -> str:
    """A state (batch, width) as (1, batch, width), in ONNX a direction first."""
    width = c.args[position].shape[-1]
    return c.reshape(c.input(position), [1, -1, width])


def _layer(
    c: Call, kind: str, order: tuple[int, ...], hidden_bias: str | None, states: list[str],
    **settings: Any,
) -> str:  # fmt: skip
    """A node, and the parts of the flat result: outputs of all steps, then the last states."""
    steps = c.settings["steps"]
    batch = value_in(steps.batch, 0)
    if (steps.sizes != batch).any():
        raise OnnxExporterError("packed sequences of several lengths have no translation")
    hidden = c.args[1].shape[1]
    x, weight, bias = _input(c)
    biases = _biases(c, bias, hidden_bias, order)
    one = np.array([0], np.int64)
    weights = [c.node("Unsqueeze", _ordered(c, w, order), one) for w in (weight, c.input(1))]
    outputs = c.graph.nodes_of(
        1 + len(states), kind, x, *weights, biases, None, *states, hidden_size=hidden,
        direction="reverse" if steps.reverse else None, **settings,
    )  # fmt: skip
    all_steps = c.node("Squeeze", outputs[0], np.array([1], np.int64))
    begin = c.results[0].size - len(states) * batch * hidden
    c.parts = {0: all_steps}
    for state in outputs[1:]:
        c.parts[begin] = state
        begin += batch * hidden
    return c.node("Concat", *(c.reshape(part, [-1]) for part in c.parts.values()), axis=0)


def _input(c: Call) -> tuple[str, str, str | None]:
    """The input (T, batch, features), and the weight and bias of its product."""
    maker = c.maker(0)
    if maker is not None and maker.operation is linear.op and maker.ndim() == 3:
        return maker.input(0), maker.input(1), maker.optional(2)
    rows = c.args[0].shape[-1]
    gates = c.input(0)
    if c.ndim() != 3:  # rows of all steps, one after the other
        gates = c.reshape(gates, [-1, c.settings["steps"].batch, rows])
    return gates, c.graph.constant(np.eye(rows, dtype=c.args[0].dtype)), None


def _ordered(c: Call, name: str, order: tuple[int, ...]) -> str:
    """Rows of a weight or bias with its gates in the order of ONNX."""
    if len(order) == 1:
        return name
    parts = c.graph.nodes_of(len(order), "Split", name, axis=0, num_outputs=len(order))
    return c.node("Concat", *(parts[k] for k in order), axis=0)


def _biases(
    c: Call, bias: str | None, hidden_bias: str | None, order: tuple[int, ...]
) -> str | None:
    """Both biases as one row."""
    if bias is None and hidden_bias is None:
        return None
    zeros = c.graph.constant(np.zeros(c.args[1].shape[0], c.args[1].dtype))
    both = [zeros if b is None else _ordered(c, b, order) for b in (bias, hidden_bias)]
    return c.node("Unsqueeze", c.node("Concat", *both, axis=0), np.array([0], np.int64))
