"""Learning the characters of a text."""

import math
import textwrap
from pathlib import Path
from typing import Any

from minigrad import nn
from minigrad.engine.grad_mode import no_grad
from minigrad.ops.generator import Generator
from minigrad.random import randint
from minigrad.tensor import Tensor
from minigrad.text import Corpus, continuation, save_model
from minigrad.text.models import LanguageModel
from minigrad.training.choices import SIZES, TEXTS, say_if_missing
from minigrad.training.making import ModelChoice
from minigrad.training.own_code import is_own_code
from minigrad.training.plots import draw_text_report
from minigrad.training.settings import Settings, SettingsError
from minigrad.training.tasks.task import BatchLoss, Check, Evaluation, Task, loss_of
from minigrad.utils.data import DataLoader, Dataset, RandomSampler

SAMPLE = 160  # characters after each epoch
TEST_BATCH = 64


def perplexity(loss: float) -> float:
    """exp(loss): among how many equally likely characters the model would be as unsure."""
    return math.exp(min(loss, 700.0))


class Language(Task):
    """The character that follows, at each place of a text."""

    unit = "characters"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        name = settings.model
        assert name is not None
        assert settings.context is not None
        if is_own_code(name):
            raise SettingsError(f"--model {name}: texts are learned by --model gpt or lstm")
        self.settings_shown = (*self.settings_shown, "context", *SIZES[name])
        try:
            self.corpus = _corpus(settings)
            self.windows, self.validation = self.corpus.windows(settings.context)
        except (OSError, RuntimeError, ValueError) as error:
            raise SettingsError(str(error)) from error
        self.vocabulary = self.corpus.vocabulary
        sizes = {"vocab_size": len(self.vocabulary)}
        if name == "gpt":
            sizes["block_size"] = settings.context
        self.model_choice = ModelChoice(name, {**sizes, **_sizes(settings)})

    def amounts(self) -> str:
        return (
            f"{len(self.corpus.train):,} training and {len(self.corpus.validation):,} validation "
            f"characters, {len(self.vocabulary)} different, windows of {self.settings.context}"
        )

    def loader(self, workers: int) -> DataLoader[Any]:
        """Batches of windows from anywhere, in one epoch as many characters as the text has."""
        sampler = RandomSampler(self.windows, replacement=True, num_samples=self._count())
        size = self.settings.batch_size or 1
        return DataLoader(self.windows, size, sampler=sampler, num_workers=workers)

    def samples(self) -> Dataset[Any]:
        return _AnyWindow(self.windows, self._count())

    def _count(self) -> int:
        """The number of windows in a pass: together they are as long as the text."""
        return max(len(self.windows.tokens) // self.windows.context, 1)

    def units(self, loader: DataLoader[Any]) -> int:
        return len(loader.sampler) * self.windows.context  # type: ignore[arg-type]

    def loss(self, model: nn.Module, batch: Any) -> BatchLoss:
        tokens, following = batch
        return BatchLoss(_loss(model, tokens, following), tokens.numel())

    @no_grad()
    def evaluate(self, model: nn.Module, check: Check) -> Evaluation:
        model.eval()

        def score(batch: Any) -> tuple[float, int]:
            tokens, following = batch
            return _loss(model, tokens, following).item() * tokens.numel(), tokens.numel()

        found = self.test_scores(self.validation, TEST_BATCH, score, check)
        loss = sum(total for total, _ in found) / sum(seen for _, seen in found)
        return Evaluation(loss, {"perplexity": perplexity(loss)})

    def epoch(
        self, model: nn.Module, loss: float, correct: float, evaluation: Evaluation, speed: float
    ) -> dict[str, Any]:
        return {
            "train_loss": loss,
            "train_perplexity": perplexity(loss),
            "validation_loss": evaluation.loss,
            "validation_perplexity": evaluation.scores["perplexity"],
            "characters_per_second": speed,
            "sample": self._sample(model),
        }

    def line(self, epoch: dict[str, Any]) -> str:
        return (
            f"epoch {epoch['number']}: train loss {epoch['train_loss']:.4f} perplexity "
            f"{epoch['train_perplexity']:.2f}, validation loss {epoch['validation_loss']:.4f} "
            f"perplexity {epoch['validation_perplexity']:.2f}, "
            f"{epoch['characters_per_second']:,.0f} characters/s\n"
            f"{textwrap.indent(epoch['sample'], '  | ', bool)}"
        )

    def result(self, evaluation: Evaluation) -> str:
        return f"validation perplexity: {evaluation.scores['perplexity']:.2f}"

    def record(self, evaluation: Evaluation) -> dict[str, Any]:
        return {
            "validation_loss": evaluation.loss,
            "validation_perplexity": evaluation.scores["perplexity"],
        }

    def description(self) -> dict[str, Any]:
        return {"task": "text", "context": self.settings.context}

    def draw(self, path: Path, epochs: list[dict[str, Any]], evaluation: Evaluation) -> None:
        draw_text_report(path, epochs, evaluation.scores["perplexity"])

    def save_weights(self, path: Path, model: nn.Module, metadata: dict[str, str]) -> None:
        assert isinstance(model, LanguageModel)
        save_model(path, model, self.vocabulary, metadata)

    def _sample(self, model: nn.Module) -> str:
        """A text from the model; its random numbers are no part of the training's."""
        assert isinstance(model, LanguageModel)
        first = "\n" if "\n" in self.vocabulary else self.vocabulary.characters[0]
        generator = Generator().manual_seed(self.settings.seed)
        try:
            return continuation(model, self.vocabulary, first, SAMPLE, generator=generator)
        except (RuntimeError, ValueError):  # of scores that are not finite nothing can be drawn
            return ""


class _AnyWindow(Dataset[Any]):
    """Windows from anywhere in a text: a sample draws where it begins."""

    def __init__(self, windows: Dataset[Any], count: int) -> None:
        self._windows, self._count = windows, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Any:
        return self._windows[int(randint(len(self._windows), ()))]  # type: ignore[arg-type]


def _corpus(settings: Settings) -> Corpus:
    if settings.data in TEXTS:
        say_if_missing(TEXTS[settings.data], settings)
        return TEXTS[settings.data](settings.root, download=True)
    return Corpus.from_file(settings.data)


def _sizes(settings: Settings) -> dict[str, Any]:
    """The sizes of the model under the names of its arguments."""
    if settings.model == "lstm":
        return {"hidden_size": settings.width, "num_layers": settings.layers}
    return {"n_layer": settings.layers, "n_head": settings.heads, "n_embd": settings.width}


def _loss(model: nn.Module, tokens: Tensor, following: Tensor) -> Tensor:
    return loss_of(model(tokens).flatten(0, 1), following.flatten())
