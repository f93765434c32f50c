"""Recurrent cells: one step of a recurrent layer."""

from typing import Any

from minigrad.core.device import require_cpu
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.nn.functional import rnn as F
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.rnn_base import draw_parameters
from minigrad.tensor import Tensor, creation


class RNNCellBase(Module):
    """The base class of RNNCell, LSTMCell and GRUCell; weights have num_chunks rows a unit."""

    # Either may be None; declared as in torch, so that `init.zeros_(cell.bias_hh)` has its type.
    bias_ih: Parameter
    bias_hh: Parameter

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        require_cpu(device)
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(creation.empty(rows, input_size, dtype=dtype))
        self.weight_hh = Parameter(creation.empty(rows, hidden_size, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            parameter = Parameter(creation.empty(rows, dtype=dtype)) if bias else None
            self.register_parameter(name, parameter)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters again, uniform in +-1 / sqrt(hidden_size)."""
        draw_parameters(self, self.hidden_size)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            parts.append(f"nonlinearity={self.nonlinearity}")
        return ", ".join(parts)

    def _require_dims(self, input: Tensor, states: dict[str, Tensor]) -> None:
        """Raise ValueError unless all have 1 or 2 dimensions; `states` by their names."""
        for what, value in {"input": input, **states}.items():
            if value.ndim not in (1, 2):
                raise ValueError(
                    f"{type(self).__name__}: Expected {what} to be 1D or 2D, got {value.ndim}D "
                    f"instead"
                )

    def _zeros(self, input: Tensor) -> Tensor:
        return input.new_zeros((input.shape[0], self.hidden_size))

    @property
    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh


class _OneStateCell(RNNCellBase):
    """A cell whose state is one tensor."""

    def _step(self, input: Tensor, hx: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The new state of input (N, input_size) and hx (N, hidden_size), or of both without N."""
        self._require_dims(input, {} if hx is None else {"hidden": hx})
        batched = input.ndim == 2
        x = input if batched else input.unsqueeze(0)
        if hx is None:
            hx = self._zeros(x)
        elif not batched:
            hx = hx.unsqueeze(0)
        out = self._step(x, hx)
        return out if batched else out.squeeze(0)


class RNNCell(_OneStateCell):
    """One step of an RNN: h' = tanh(w_ih x + b_ih + w_hh h + b_hh), or relu of that.

    (N, input_size) and (N, hidden_size), 0 if it is not given -> (N, hidden_size).

    >>> import minigrad as mg
    >>> mg.nn.RNNCell(10, 20)(mg.zeros(3, 10)).shape
    minigrad.Size([3, 20])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def _step(self, input: Tensor, hx: Tensor) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        cell = F.rnn_tanh_cell if self.nonlinearity == "tanh" else F.rnn_relu_cell
        return cell(input, hx, *self._weights)


class LSTMCell(RNNCellBase):
    """One step of an LSTM: (N, input_size) and a pair (h, c), (N, hidden_size) each -> a new pair.

    >>> import minigrad as mg
    >>> h, c = mg.nn.LSTMCell(10, 20)(mg.zeros(3, 10))
    >>> h.shape, c.shape
    (minigrad.Size([3, 20]), minigrad.Size([3, 20]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The new pair; without N, all tensors have one dimension."""
        states = () if hx is None else hx
        self._require_dims(input, {f"hx[{i}]": state for i, state in enumerate(states)})
        batched = input.ndim == 2
        x = input if batched else input.unsqueeze(0)
        if hx is None:
            hx = self._zeros(x), self._zeros(x)
        elif not batched:
            hx = hx[0].unsqueeze(0), hx[1].unsqueeze(0)
        h, c = F.lstm_cell(x, hx, *self._weights)
        return (h, c) if batched else (h.squeeze(0), c.squeeze(0))


class GRUCell(_OneStateCell):
    """One step of a GRU: (N, input_size) and (N, hidden_size) -> (N, hidden_size).

    >>> import minigrad as mg
    >>> mg.nn.GRUCell(10, 20)(mg.zeros(3, 10)).shape
    minigrad.Size([3, 20])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def _step(self, input: Tensor, hx: Tensor) -> Tensor:
        return F.gru_cell(input, hx, *self._weights)
