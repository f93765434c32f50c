"""Recurrent layers over sequences: Elman networks, long short-term memory, gated units."""

from typing import Any

from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.nn.rnn_base import RNNBase
from minigrad.tensor import Tensor


def _refuse_projection(proj_size: int | None) -> None:
    if proj_size is not None:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class RNN(RNNBase):
    """An Elman network: h' = tanh(w_ih x + b_ih + w_hh h + b_hh), or relu of that.

    input (T, N, input_size), or (N, T, input_size) with batch_first, or (T, input_size), or a
    PackedSequence; hx (layers * directions, N, hidden_size), 0 if it is not given.  Gives the
    outputs (T, N, directions * hidden_size) of the last layer, and the last hx.  Between layers
    elements are set to 0 with probability `dropout` in training mode.

    >>> import minigrad as mg
    >>> out, h = mg.nn.RNN(10, 20, 2)(mg.zeros(5, 3, 10))
    >>> out.shape, h.shape
    (minigrad.Size([5, 3, 20]), minigrad.Size([2, 3, 20]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        *,
        proj_size: int | None = None,
    ) -> None:
        _refuse_projection(proj_size)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(
            f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first,
            dropout, bidirectional, device=device, dtype=dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory, with projected outputs if proj_size > 0.

    i, f, g, o = w_ih x + b_ih + w_hh h + b_hh;  c' = sigmoid(f) c + sigmoid(i) tanh(g);
    h' = sigmoid(o) tanh(c'), times weight_hr if there is one.  Arguments and results are as those
    of RNN, but hx is a pair: h (layers * directions, N, proj_size or hidden_size) and c (layers *
    directions, N, hidden_size).  Hochreiter & Schmidhuber 1997; Sak et al. 2014.

    >>> import minigrad as mg
    >>> out, (h, c) = mg.nn.LSTM(10, 20, batch_first=True)(mg.zeros(3, 5, 10))
    >>> out.shape, h.shape, c.shape
    (minigrad.Size([3, 5, 20]), minigrad.Size([1, 3, 20]), minigrad.Size([1, 3, 20]))
    """

    def __init__(
        self,
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
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout,
            bidirectional, proj_size, device, dtype,
        )  # fmt: skip

    def get_expected_cell_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """(layers * directions, batch, hidden_size) of c."""
        return self._state_shape(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise ValueError or RuntimeError unless input and states have the shapes expected."""
        self.check_input(input, batch_sizes)
        sizes = self.get_expected_hidden_size, self.get_expected_cell_size
        for i, expected in enumerate(sizes):
            message = f"Expected hidden[{i}] size {{}}, got {{}}"
            self.check_hidden_size(hidden[i], expected(input, batch_sizes), message)

    def _zero_states(self, input: Tensor, batch_sizes: Tensor | None) -> Any:
        sizes = self.get_expected_hidden_size, self.get_expected_cell_size
        return tuple(input.new_zeros(size(input, batch_sizes)) for size in sizes)

    def _require_dims(self, hx: Any, dims: int) -> None:
        if hx[0].ndim != dims or hx[1].ndim != dims:
            raise RuntimeError(
                f"For {'batched' if dims == 3 else 'unbatched'} {dims}-D input, hx and cx should "
                f"also be {dims}-D but got ({hx[0].ndim}-D, {hx[1].ndim}-D) tensors"
            )

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        return super().forward(input, tuple(hx) if isinstance(hx, list) else hx)


class GRU(RNNBase):
    """Gated recurrent units.

    r = sigmoid(w_ir x + b_ir + w_hr h + b_hr), z likewise;  n = tanh(w_in x + b_in + r * (w_hn h +
    b_hn));  h' = (1 - z) n + z h.  Arguments and results are as those of RNN.  Cho et al. 2014.

    >>> import minigrad as mg
    >>> out, h = mg.nn.GRU(10, 20, bidirectional=True)(mg.zeros(5, 3, 10))
    >>> out.shape, h.shape
    (minigrad.Size([5, 3, 40]), minigrad.Size([2, 3, 20]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        *,
        proj_size: int | None = None,
    ) -> None:
        _refuse_projection(proj_size)
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout,
            bidirectional, device=device, dtype=dtype,
        )  # fmt: skip
