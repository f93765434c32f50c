"""Windows of a text, as samples to train on."""

from collections.abc import Sequence

import numpy as np

from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.utils.data import Columns, Dataset


class Windows(Dataset[tuple[Tensor, Tensor]]):
    """Windows of `context` tokens, and the token after each position: both (context,), int64.

    Window i begins at token i * stride; `stride` is 1 if it is not given.  Raises ValueError for
    tokens of which not even one window can be cut.

    >>> import minigrad as mg
    >>> from minigrad.text import Windows
    >>> Windows(mg.arange(10), context=3)[4]
    (tensor([4, 5, 6]), tensor([5, 6, 7]))
    """

    def __init__(self, tokens: Tensor, context: int, stride: int = 1) -> None:
        if context < 1 or stride < 1:
            raise ValueError(
                f"Windows expects a context and a stride of at least 1, got {context} and {stride}"
            )
        if tokens.ndim != 1 or len(tokens) <= context:
            raise ValueError(
                f"Windows of {context} tokens expect at least {context + 1} of them in one "
                f"dimension, got the shape {tuple(tokens.shape)}"
            )
        self.tokens = tokens
        self.context = context
        self.stride = stride

    def __len__(self) -> int:
        return (len(self.tokens) - self.context - 1) // self.stride + 1

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} windows")
        start = index % len(self) * self.stride
        end = start + self.context
        return self.tokens[start:end], self.tokens[start + 1 : end + 1]

    def __getitems__(self, indices: Sequence[int]) -> Columns:
        starts = np.asarray(indices, np.int64) % len(self) * self.stride
        taken = self.tokens.numpy()[starts[:, None] + np.arange(self.context + 1)]
        return Columns(from_numpy(taken[:, :-1].copy()), from_numpy(taken[:, 1:].copy()))
