"""What `minigrad train` asks of a run, on images or on text."""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minigrad import nn
from minigrad.cli import experiment
from minigrad.kernels.compiler.kernel import get_num_threads


class TrainingRun(ABC):
    """A model, its data and its optimizer; what it reached, and how that is shown and kept."""

    model: nn.Module
    settings: tuple[str, ...] = (
        "data", "model", "optimizer", "lr", "epochs", "batch_size", "seed",
    )  # fmt: skip
    """The names of the options that the run depends on."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options

    def start(self, model: nn.Module) -> None:
        """Take the model, with a new optimizer, whose learning rate becomes the options'."""
        self.model = model
        given = self.options
        self.optimizer = experiment.make_optimizer(given.optimizer, model.parameters(), given.lr)
        given.lr = self.optimizer.param_groups[0]["lr"]

    def introduction(self) -> str:
        """A line about the model, the data and the settings."""
        given = self.options
        parameters = sum(p.numel() for p in self.model.parameters())
        return (
            f"{given.model} with {parameters:,} parameters on {given.data}: {self.amounts()}, "
            f"{given.optimizer} lr {given.lr}, batch {given.batch_size}, seed {given.seed}, "
            f"{get_num_threads()} threads"
        )

    @abstractmethod
    def amounts(self) -> str:
        """How much there is to train on and to test on."""

    @abstractmethod
    def epochs(self) -> Iterator[str]:
        """Train, and give a line, or several, about each epoch."""

    @abstractmethod
    def evaluate(self) -> None:
        """Evaluate what was reached, after an interruption."""

    @abstractmethod
    def details(self) -> list[str]:
        """Lines about the whole run, before its last."""

    @abstractmethod
    def result(self) -> str:
        """The last line, which is all that --quiet prints."""

    @abstractmethod
    def save_weights(self, path: Path) -> None:
        """Write the weights."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """What history.json has of the run beside its settings."""

    @abstractmethod
    def draw(self, path: Path) -> None:
        """Write the picture."""
