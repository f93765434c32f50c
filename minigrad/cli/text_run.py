"""Training on a text: a language model, its perplexity, and what it writes."""

import argparse
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minigrad.cli import experiment, fit_text
from minigrad.cli.fit_text import TextEpoch, perplexity
from minigrad.cli.plots import draw_text_report
from minigrad.cli.training_run import TrainingRun
from minigrad.cli.usage_error import as_usage_error
from minigrad.ops.generator import Generator, default_generator
from minigrad.text import continuation, save_model
from minigrad.text.models import LanguageModel

SAMPLE = 160  # characters after each epoch


class TextRun(TrainingRun):
    """A language model of a text's characters."""

    model: LanguageModel
    validation_loss: float

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.settings = (*self.settings, "context", *experiment.SIZES[options.model])
        self.corpus = experiment.load_text(options.data, options.root)
        self.vocabulary = self.corpus.vocabulary
        with as_usage_error(ValueError):
            windows, self.validation = self.corpus.windows(options.context)
        self.loader = fit_text.random_windows(windows, options.batch_size)
        default_generator.manual_seed(options.seed)
        self.start(experiment.TEXT_MODELS[options.model](len(self.vocabulary), options))
        self.history: list[TextEpoch] = []

    def amounts(self) -> str:
        return (
            f"{len(self.corpus.train):,} training and {len(self.corpus.validation):,} validation "
            f"characters, {len(self.vocabulary)} different, windows of {self.options.context}"
        )

    def epochs(self) -> Iterator[str]:
        given = self.options
        for number in range(1, given.epochs + 1):
            title = f"epoch {number}/{given.epochs}"
            loss, speed = fit_text.train_epoch(
                self.model, self.loader, self.optimizer, title, given.quiet
            )
            self.evaluate()
            reached = self.validation_loss
            epoch = TextEpoch(
                number, loss, perplexity(loss), reached, perplexity(reached), speed, self._sample()
            )
            self.history.append(epoch)
            yield (
                f"epoch {number}: train loss {loss:.4f} perplexity {epoch.train_perplexity:.2f}, "
                f"validation loss {reached:.4f} perplexity {epoch.validation_perplexity:.2f}, "
                f"{speed:,.0f} characters/s\n{textwrap.indent(epoch.sample, '  | ', bool)}"
            )

    def evaluate(self) -> None:
        self.validation_loss = fit_text.evaluate(self.model, self.validation)

    def details(self) -> list[str]:
        return []

    def result(self) -> str:
        return f"validation perplexity: {perplexity(self.validation_loss):.2f}"

    def save_weights(self, path: Path) -> None:
        save_model(path, self.model, self.vocabulary, {"data": Path(self.options.data).name})

    def record(self) -> dict[str, Any]:
        return {
            "epochs": [epoch._asdict() for epoch in self.history],
            "validation_loss": self.validation_loss,
            "validation_perplexity": perplexity(self.validation_loss),
        }

    def draw(self, path: Path) -> None:
        draw_text_report(path, self.history, perplexity(self.validation_loss))

    def _sample(self) -> str:
        """A text from the model; its random numbers are no part of the training's."""
        first = "\n" if "\n" in self.vocabulary else self.vocabulary.characters[0]
        generator = Generator().manual_seed(self.options.seed)
        return continuation(self.model, self.vocabulary, first, SAMPLE, generator=generator)
