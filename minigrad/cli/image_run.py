"""Training on images: a classifier, and its accuracy."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.cli import experiment, fit
from minigrad.cli.plots import draw_report
from minigrad.cli.training_run import TrainingRun
from minigrad.ops.generator import default_generator
from minigrad.serialization import save
from minigrad.utils.data import DataLoader


class ImageRun(TrainingRun):
    """A classifier of images."""

    score: fit.Score

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.train, self.test = experiment.load_images(options.data, options.root)
        default_generator.manual_seed(options.seed)
        shape = experiment.DATA[options.data].shape
        self.start(experiment.MODELS[options.model](*shape))
        self.loader = DataLoader(self.train, options.batch_size, shuffle=True)
        self.history: list[fit.Epoch] = []

    def amounts(self) -> str:
        return f"{len(self.train):,} training and {len(self.test):,} test images"

    def epochs(self) -> Iterator[str]:
        given = self.options
        for epoch, score in fit.epochs(
            self.model, self.loader, self.test, self.optimizer, given.epochs, given.quiet
        ):
            self.history.append(epoch)
            self.score = score
            yield (
                f"epoch {epoch.number}: train loss {epoch.train_loss:.4f} accuracy "
                f"{epoch.train_accuracy:.2%}, test loss {epoch.test_loss:.4f} accuracy "
                f"{epoch.test_accuracy:.2%}, {epoch.images_per_second:,.0f} images/s"
            )

    def evaluate(self) -> None:
        self.score = fit.evaluate(self.model, self.test)

    def details(self) -> list[str]:
        by_class = self._by_class()
        width = max(map(len, by_class))
        return [
            "accuracy per class:",
            *(f"  {name:<{width}} {a:7.2%}  {'#' * round(40 * a)}" for name, a in by_class.items()),
        ]

    def result(self) -> str:
        return f"test accuracy: {self.score.accuracy:.2%}"

    def save_weights(self, path: Path) -> None:
        given = self.options
        metadata = {"model": given.model, "data": given.data}
        save(self.model.state_dict(), path, metadata=metadata)

    def record(self) -> dict[str, Any]:
        return {
            "epochs": [epoch._asdict() for epoch in self.history],
            "test_accuracy": self.score.accuracy,
            "accuracy_per_class": self._by_class(),
            "confusion": self._confusion().tolist(),
        }

    def draw(self, path: Path) -> None:
        draw_report(path, self.history, self.score, self._confusion(), self.test)

    def _by_class(self) -> dict[str, float]:
        return fit.per_class_accuracy(self.score, self.train.classes)

    def _confusion(self) -> np.ndarray[Any, Any]:
        """(true class, predicted class) -> how many test images."""
        counts = np.zeros((len(self.train.classes),) * 2, np.int64)
        np.add.at(counts, (self.score.labels, self.score.predictions), 1)
        return counts
