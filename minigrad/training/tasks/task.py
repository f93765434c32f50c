"""A task: its data, its loss, how it is scored, and what is said and kept of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from minigrad import nn
from minigrad.core.types import Array
from minigrad.nn import functional as F
from minigrad.serialization import save
from minigrad.tensor import Tensor
from minigrad.training.making import ModelChoice
from minigrad.training.settings import Settings
from minigrad.utils.data import DataLoader

Check = Callable[[], None]
"""Called between batches of an evaluation; it raises to end it."""


class BatchLoss(NamedTuple):
    """The mean loss of a batch, what it is the mean of, and how many of these were right."""

    loss: Tensor
    amount: int
    correct: int = 0


class Evaluation(NamedTuple):
    """The scores of a model on the test data; `loss` is the one that early stopping follows.

    `outputs` are the probabilities of classes, or the numbers predicted, and `labels` the truth.
    """

    loss: float
    scores: dict[str, float]
    outputs: Array | None = None
    labels: Array | None = None


class Task(ABC):
    """What is learnt, from which data."""

    unit: str
    model_choice: ModelChoice
    settings_shown: tuple[str, ...] = (
        "data", "model", "optimizer", "lr", "epochs", "batch_size", "seed",
    )  # fmt: skip
    """The settings that history.json has in any case."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def amounts(self) -> str:
        """How much there is to train on and to test on."""

    @abstractmethod
    def loader(self, workers: int) -> DataLoader[Any]:
        """The batches of a pass over the training data."""

    def units(self, loader: DataLoader[Any]) -> int:
        """How many of its unit a pass has."""
        return len(loader.dataset)  # type: ignore[arg-type]

    @abstractmethod
    def loss(self, model: nn.Module, batch: Any) -> BatchLoss:
        """The loss of a batch."""

    @abstractmethod
    def evaluate(self, model: nn.Module, check: Check) -> Evaluation:
        """The scores on the test data, in evaluation mode."""

    @abstractmethod
    def epoch(
        self, model: nn.Module, loss: float, correct: float, evaluation: Evaluation, speed: float
    ) -> dict[str, Any]:
        """What history.json has of an epoch, beside its number."""

    @abstractmethod
    def line(self, epoch: dict[str, Any]) -> str:
        """The line, or several, about an epoch."""

    def details(self, evaluation: Evaluation) -> list[str]:
        """Lines about the whole run, before its last."""
        return []

    @abstractmethod
    def result(self, evaluation: Evaluation) -> str:
        """The last line, which is all that --quiet prints."""

    @abstractmethod
    def record(self, evaluation: Evaluation) -> dict[str, Any]:
        """What history.json has of the whole run, beside its settings and epochs."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """What using the weights needs beside the model: kind of the task, preprocessing, names."""

    @abstractmethod
    def draw(self, path: Path, epochs: list[dict[str, Any]], evaluation: Evaluation) -> None:
        """Write the picture of the run."""

    def save_weights(self, path: Path, model: nn.Module, metadata: dict[str, str]) -> None:
        """Write the weights, with the metadata in their header."""
        save(model.state_dict(), path, metadata=metadata)


def loss_of(output: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of scores, or of log-probabilities, whose log-softmax is themselves."""
    return F.cross_entropy(output, labels, label_smoothing=smoothing)
