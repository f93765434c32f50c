"""Training and evaluating a language model, one epoch at a time."""

import math
import time
from typing import Any, NamedTuple

from tqdm import tqdm

from minigrad import optim
from minigrad.cli.experiment import loss_of
from minigrad.engine.grad_mode import no_grad
from minigrad.nn.utils import clip_grad_norm_
from minigrad.tensor import Tensor
from minigrad.text import Windows
from minigrad.text.models import LanguageModel
from minigrad.utils.data import DataLoader, RandomSampler

LARGEST_GRADIENT = 1.0  # its norm; steps that follow larger ones can undo what was learnt


class TextEpoch(NamedTuple):
    """Loss, perplexity and speed of one epoch, and a text that the model wrote after it."""

    number: int
    train_loss: float
    train_perplexity: float
    validation_loss: float
    validation_perplexity: float
    characters_per_second: float
    sample: str


def perplexity(loss: float) -> float:
    """exp(loss): among how many equally likely characters the model would be as unsure."""
    return math.exp(min(loss, 700.0))


def random_windows(windows: Windows, batch_size: int) -> DataLoader[Any]:
    """Batches of windows from anywhere, in one epoch as many characters as the text has."""
    count = max(len(windows.tokens) // windows.context, 1)
    sampler = RandomSampler(windows, replacement=True, num_samples=count)
    return DataLoader(windows, batch_size, sampler=sampler)


def train_epoch(
    model: LanguageModel, loader: Any, optimizer: optim.Optimizer, title: str, quiet: bool
) -> tuple[float, float]:
    """One pass over the batches: mean loss, characters per second."""
    model.train()
    total_loss, seen = 0.0, 0
    start = time.perf_counter()
    total = len(loader.sampler) * loader.dataset.context
    with tqdm(
        total=total, desc=title, unit=" characters", unit_scale=True, disable=quiet or None
    ) as bar:
        for tokens, following in loader:
            optimizer.zero_grad()
            loss = _loss(model, tokens, following)
            loss.backward()
            clip_grad_norm_(model.parameters(), LARGEST_GRADIENT)
            optimizer.step()
            count = tokens.numel()
            seen += count
            total_loss += loss.item() * count
            bar.set_postfix(loss=f"{total_loss / seen:.4f}", refresh=False)
            bar.update(count)
    return total_loss / seen, seen / (time.perf_counter() - start)


@no_grad()
def evaluate(model: LanguageModel, windows: Windows, batch_size: int = 64) -> float:
    """The mean loss over all windows, in evaluation mode."""
    model.eval()
    total, seen = 0.0, 0
    for tokens, following in DataLoader(windows, batch_size):
        total += _loss(model, tokens, following).item() * tokens.numel()
        seen += tokens.numel()
    return total / seen


def _loss(model: LanguageModel, tokens: Tensor, following: Tensor) -> Tensor:
    loss: Tensor = loss_of(model(tokens).flatten(0, 1), following.flatten())
    return loss
