"""The operations of recurrent layers by torch's own layers, one sequence at a time."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch

from minigrad.kernels.recurrent.steps import Steps

Layer = Callable[..., tuple[torch.Tensor, ...]]


def _flat(layer: Layer, gates: torch.Tensor, states: Sequence[torch.Tensor], steps: Steps) -> Any:
    """Outputs of all rows and last states, flat, of `layer(gates, *states)` of one sequence."""
    rows = gates.reshape(-1, gates.shape[-1])
    outputs: dict[int, torch.Tensor] = {}
    ends = []
    for b in range(steps.batch):
        own = [int(o) + b for o, n in zip(steps.offsets, steps.sizes, strict=True) if b < n]
        order = own[::-1] if steps.reverse else own
        out, *last = layer(rows[order].unsqueeze(1), *(s[None, b : b + 1] for s in states))
        outputs |= dict(zip(order, out[:, 0], strict=True))
        ends.append(last)
    parts = [outputs[row] for row in range(steps.total)]
    parts += [end.flatten() for kind in zip(*ends, strict=True) for end in kind]
    return torch.cat(parts)


def _params(w_hh: torch.Tensor, *others: torch.Tensor) -> list[torch.Tensor]:
    """Parameters that take what is given for what the input gives."""
    return [torch.eye(len(w_hh), dtype=w_hh.dtype), w_hh, *others]


def lstm_layer(gates: Any, w_hh: Any, h0: Any, c0: Any, w_hr: Any = None, *, steps: Steps) -> Any:
    params = _params(w_hh) if w_hr is None else _params(w_hh, w_hr)

    def layer(x: Any, *states: Any) -> Any:
        with warnings.catch_warnings():  # torch's own, of projections without oneDNN
            warnings.simplefilter("ignore")
            return torch.lstm(x, states, params, False, 1, 0.0, False, False, False)

    return _flat(layer, gates, [h0, c0], steps)


def gru_layer(gates: Any, w_hh: Any, b_hh: Any, h0: Any, *, steps: Steps) -> Any:
    params = _params(w_hh, torch.zeros_like(b_hh), b_hh)

    def layer(x: Any, state: Any) -> Any:
        return torch.gru(x, state, params, True, 1, 0.0, False, False, False)

    return _flat(layer, gates, [h0], steps)


def rnn_layer(gates: Any, w_hh: Any, h0: Any, *, steps: Steps, rectifies: bool) -> Any:
    function = torch.rnn_relu if rectifies else torch.rnn_tanh

    def layer(x: Any, state: Any) -> Any:
        return function(x, state, _params(w_hh), False, 1, 0.0, False, False, False)

    return _flat(layer, gates, [h0], steps)


def flat_part(x: Any, *, begin: int, shape: tuple[int, ...]) -> Any:
    return x[begin : begin + math.prod(shape)].reshape(shape)


def flat_part_backward(c: Any, *, begin: int, size: int) -> Any:
    return torch.nn.functional.pad(c.flatten(), (begin, size - begin - c.numel()))
