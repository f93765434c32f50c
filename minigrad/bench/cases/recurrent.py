"""Recurrent layers over sequences: forward alone, and with the gradients of all that is given."""

from typing import Any, NamedTuple

from minigrad.bench.case import Array, Case, Draw, both
from minigrad.bench.cases.timing_modes import forward, round_trip


class Layer(NamedTuple):
    """A layer's function, the rows of its weights for each unit, and its states."""

    function: str
    gates: int
    states: int


LAYERS = {"LSTM": Layer("lstm", 4, 2), "GRU": Layer("gru", 3, 1), "RNN": Layer("rnn_tanh", 1, 1)}

# The layer, features, units, steps and sequences.
SIZES = (
    ("LSTM", 32, 64, 50, 8),
    ("LSTM", 128, 256, 64, 32),
    ("GRU", 32, 64, 50, 8),
    ("GRU", 128, 256, 64, 32),
    ("RNN", 32, 64, 50, 8),
)


def recurrent(kind: str, features: int, units: int, steps: int, batch: int) -> list[Case]:
    """A layer over sequences of one length, and with its gradients."""
    layer = LAYERS[kind]
    rows = layer.gates * units

    def inputs(draw: Draw) -> list[Array]:
        scale = units**-0.5
        weights = [draw(rows, features), draw(rows, units), draw(rows), draw(rows)]
        return [draw(steps, batch, features), *(weight * scale for weight in weights)]

    def call(library: Any, x: Any, *weights: Any) -> Any:
        state = library.zeros(1, batch, units, dtype=x.dtype)
        hx = (state, state) if layer.states == 2 else state
        function = getattr(library, layer.function)
        return function(x, hx, list(weights), True, 1, 0.0, False, False, False)[0]

    shared: dict[str, Any] = {
        "sizes": {"I": features, "H": units, "T": steps, "B": batch},
        "elements": steps * batch * (features + units) + rows * (features + units),
    }
    flops = 2.0 * steps * batch * rows * (features + units)
    return [
        Case(
            name=f"{kind} forward",
            inputs=inputs,
            implementations=both(forward(call)),
            flops=flops,
            **shared,
        ),
        Case(
            name=f"{kind} round trip",
            inputs=lambda draw: [*inputs(draw), draw(steps, batch, units)],
            implementations=both(round_trip(call, 0, 1, 2, 3, 4)),
            flops=3 * flops,
            **shared,
        ),
    ]


CASES = [case for sizes in SIZES for case in recurrent(*sizes)]
