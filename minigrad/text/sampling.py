"""Text that a model continues, one token at a time."""

import math

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.grad_mode import no_grad
from minigrad.ops.generator import Generator, stream
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.text.models import LanguageModel
from minigrad.text.vocabulary import Vocabulary


@no_grad()
def sample_tokens(
    model: LanguageModel,
    tokens: Tensor,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    generator: Generator | None = None,
) -> Tensor:
    """`length` tokens (length,), int64, that follow the given `tokens` (L,), L >= 1.

    Each is drawn with the probabilities softmax(scores / temperature) of the `top_k` most likely
    tokens, or of all; temperature 0 takes the most likely.  The model is in evaluation mode
    meanwhile.  Raises ValueError for no tokens and for settings out of range.
    """
    if tokens.ndim != 1 or len(tokens) == 0:
        raise ValueError(
            f"sample_tokens expects at least one token in one dimension to begin with, got the "
            f"shape {tuple(tokens.shape)}"
        )
    if length < 0:
        raise ValueError(f"length should be at least 0, got {length}")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature should be a finite number >= 0, got {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k should be at least 1, got {top_k}")
    random = stream(generator)
    trained = model.training
    model.eval()
    drawn = np.empty(length, np.int64)
    state, given = None, tokens.unsqueeze(0)
    for i in range(length):
        scores, state = model.advance(given, state)
        drawn[i] = _draw(scores.numpy()[0], temperature, top_k, random)
        given = from_numpy(drawn[None, i : i + 1])
    model.train(trained)
    return from_numpy(drawn)


def _draw(scores: Array, temperature: float, top_k: int | None, random: np.random.Generator) -> int:
    if temperature == 0:
        return int(scores.argmax())
    scaled = scores.astype(np.float64) / temperature
    if top_k is not None and top_k < len(scaled):
        scaled[np.argsort(-scaled, kind="stable")[top_k:]] = -math.inf
    reached = np.exp(scaled - scaled.max()).cumsum()
    # The last element becomes 1, which no random number reaches.
    return int(np.searchsorted(reached / reached[-1], random.random(), "right"))


def continuation(
    model: LanguageModel,
    vocabulary: Vocabulary,
    prompt: str,
    length: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    generator: Generator | None = None,
) -> str:
    """`length` characters that follow `prompt`; see `sample_tokens`.

    Raises ValueError for an empty prompt and for characters that the vocabulary does not have.
    """
    if not prompt:
        raise ValueError("the prompt is empty; a model continues at least one character")
    tokens = vocabulary.encode(prompt)
    return vocabulary.decode(sample_tokens(model, tokens, length, temperature, top_k, generator))
