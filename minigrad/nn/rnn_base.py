"""The base class of recurrent layers: parameters, checks of arguments, packed sequences."""

import math
import warnings
from collections.abc import Callable
from numbers import Number
from typing import Any

from minigrad.core.device import require_cpu
from minigrad.core.types import DeviceLike, DTypeLike, Shape
from minigrad.engine.step_recorder import numbers_read
from minigrad.nn import init
from minigrad.nn.functional import rnn as F
from minigrad.nn.functional.arguments import require_tensor
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.utils.rnn import PackedSequence
from minigrad.tensor import Tensor, creation

# Rows of the weights for each unit, by the name of the function that a layer calls.
_GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def draw_parameters(module: Module, hidden_size: int) -> None:
    """Draw all parameters uniformly from +-1 / sqrt(hidden_size)."""
    bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


def _require_sizes(**sizes: Any) -> None:
    """Raise TypeError or ValueError for arguments of a layer that make no sense."""
    for name in ("bias", "batch_first"):
        if not isinstance(sizes[name], bool):
            raise TypeError(f"{name} should be of type bool, got: {type(sizes[name]).__name__}")
    for name in ("input_size", "hidden_size"):
        if not isinstance(sizes[name], int):
            raise TypeError(f"{name} should be of type int, got: {type(sizes[name]).__name__}")
        if sizes[name] <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if sizes["num_layers"] <= 0:
        raise ValueError("num_layers must be greater than zero")
    if sizes["proj_size"] < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if sizes["proj_size"] >= sizes["hidden_size"]:
        raise ValueError("proj_size has to be smaller than hidden_size")


def _require_dropout(dropout: Any, num_layers: int) -> None:
    """Raise ValueError unless it is a probability; warn where it has no effect."""
    is_number = isinstance(dropout, Number) and not isinstance(dropout, bool)
    if not is_number or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an "
            "element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={num_layers}",
            stacklevel=4,
        )


def _over_states(hx: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A state, or each of a tuple of states, changed; None stays."""
    if isinstance(hx, tuple):
        return tuple(change(state) for state in hx)
    return None if hx is None else change(hx)


class _Parameters(Module):
    """The parameters of all layers in both directions, under torch's names."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        require_cpu(device)
        _require_dropout(dropout, num_layers)
        _require_sizes(
            bias=bias, batch_first=batch_first, input_size=input_size, hidden_size=hidden_size,
            num_layers=num_layers, proj_size=proj_size,
        )  # fmt: skip
        if mode.lower() not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {mode}")
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                shapes = self._shapes(layer)
                names = {f"{name}_l{layer}{suffix}": shape for name, shape in shapes.items()}
                for name, shape in names.items():
                    setattr(self, name, Parameter(creation.empty(shape, dtype=dtype)))
                self._all_weights.append(list(names))
        self._flat_weights_names = [name for names in self._all_weights for name in names]
        self.reset_parameters()

    @property
    def _output_size(self) -> int:
        """The width of the state h."""
        return self.proj_size or self.hidden_size

    @property
    def _ways(self) -> int:
        return 2 if self.bidirectional else 1

    def _shapes(self, layer: int) -> dict[str, Shape]:
        """The parameters of a layer in one direction, in torch's order."""
        rows = _GATES[self.mode.lower()] * self.hidden_size
        features = self.input_size if layer == 0 else self._output_size * self._ways
        shapes: dict[str, Shape] = {
            "weight_ih": (rows, features),
            "weight_hh": (rows, self._output_size),
        }
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        return shapes

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters, a list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [getattr(self, name) for name in self._flat_weights_names]

    def flatten_parameters(self) -> None:
        """Do nothing: on a CPU, parameters need not lie side by side."""

    def reset_parameters(self) -> None:
        """Draw all parameters again, uniform in +-1 / sqrt(hidden_size)."""
        draw_parameters(self, self.hidden_size)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False}
        defaults |= {"dropout": 0, "bidirectional": False}
        for name, default in defaults.items():
            if (value := getattr(self, name)) != default:
                parts.append(f"{name}={value}")
        return ", ".join(parts)


class RNNBase(_Parameters):
    """The base class of RNN, LSTM and GRU; mode is "LSTM", "GRU", "RNN_TANH" or "RNN_RELU"."""

    # --- checks ----------------------------------------------------------------------------------

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise ValueError for another dtype, RuntimeError for another shape than expected."""
        dtype = getattr(self, self._flat_weights_names[0]).dtype
        if input.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). Convert "
                f"input: input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        dims = 3 if batch_sizes is None else 2
        if input.ndim != dims:
            raise RuntimeError(f"input must have {dims} dimensions, got {input.ndim}")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                f"{input.shape[-1]}"
            )

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """(layers * directions, batch, width) of h."""
        return self._state_shape(input, batch_sizes, self._output_size)

    def _state_shape(
        self, input: Tensor, batch_sizes: Tensor | None, width: int
    ) -> tuple[int, int, int]:
        batch = input.shape[0 if self.batch_first else 1]
        if batch_sizes is not None:
            batch = int(numbers_read(batch_sizes.array, batch_sizes.array[0]))
        return self.num_layers * self._ways, batch, width

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raise RuntimeError for another shape than expected."""
        if hx.shape != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise ValueError or RuntimeError unless input and states have the shapes expected."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """A state, or a tuple of states, with its sequences in another order."""
        if permutation is None:
            return hx
        return _over_states(hx, lambda state: state.index_select(1, permutation))

    # --- forward ---------------------------------------------------------------------------------

    def _zero_states(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        return input.new_zeros(self.get_expected_hidden_size(input, batch_sizes))

    def _require_dims(self, hx: Any, dims: int) -> None:
        """Raise RuntimeError unless states have as many dimensions as the input."""
        if hx.ndim != dims:
            raise RuntimeError(
                f"For {'batched' if dims == 3 else 'unbatched'} {dims}-D input, hx should also be "
                f"{dims}-D but got {hx.ndim}-D tensor"
            )

    def _call(self, input: Tensor, batch_sizes: Tensor | None, hx: Any) -> tuple[Any, Any]:
        """Outputs and the last states, for what has been checked."""
        states = hx if isinstance(hx, tuple) else (hx,)
        options = F.Options(
            self._flat_weights, self.bias, self.num_layers, self.dropout, self.training,
            self.bidirectional,
        )  # fmt: skip
        name = self.mode.lower()
        if batch_sizes is None:
            out, *last = F.sequences(name, input, states, options, self.batch_first)
        else:
            out, *last = F.packed_sequences(name, input, batch_sizes, states, options)
        return out, tuple(last) if isinstance(hx, tuple) else last[0]

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Outputs of the last layer for all steps, and the last states of all layers.

        input (T, N, input_size), with batch_first (N, T, input_size), for one sequence
        (T, input_size), or a PackedSequence.
        """
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        kind = type(self).__name__ if self.mode[:3] != "RNN" else "RNN"
        if getattr(input, "ndim", None) not in (2, 3):
            require_tensor(kind.lower(), input=input)
            end = " tensor" if kind == "RNN" else ""
            raise ValueError(
                f"{kind}: Expected input to be 2D or 3D, got {input.ndim}D{end} instead"
            )
        batched = input.ndim == 3
        if hx is not None:
            self._require_dims(hx, input.ndim)
        if not batched:
            input = input.unsqueeze(0 if self.batch_first else 1)
            hx = _over_states(hx, lambda state: state.unsqueeze(1))
        if hx is None:
            hx = self._zero_states(input, None)
        self.check_forward_args(input, hx, None)
        out, last = self._call(input, None, hx)
        if not batched:
            out = out.squeeze(0 if self.batch_first else 1)
            last = _over_states(last, lambda state: state.squeeze(1))
        return out, last

    def _forward_packed(self, input: PackedSequence, hx: Any) -> tuple[PackedSequence, Any]:
        data, batch_sizes, order, back = input
        given = self._zero_states(data, batch_sizes) if hx is None else hx
        hx = self.permute_hidden(given, None if hx is None else order)
        self.check_forward_args(data, hx, batch_sizes)
        out, last = self._call(data, batch_sizes, hx)
        return PackedSequence(out, batch_sizes, order, back), self.permute_hidden(last, back)
