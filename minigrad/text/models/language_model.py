"""The base of language models."""

from typing import Any

from minigrad import nn
from minigrad.tensor import Tensor


class LanguageModel(nn.Module):
    """A module from tokens (N, L), int64, to scores (N, L, vocab_size) of the token after each.

    `sizes` are the arguments that make another of the same sizes: `type(model)(**model.sizes)`.
    """

    sizes: dict[str, Any]

    def advance(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Scores (N, vocab_size) of the token after the last, and the state to go on from.

        `state` is what an earlier call returned, None at the beginning; `tokens` (N, L) are those
        that followed since.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define advance")


def check_positive(model: str, **sizes: int) -> None:
    """Raise ValueError for a size below 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{model} expects {name} of at least 1, got {name}={size}")
