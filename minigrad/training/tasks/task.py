"""A task: its data, its loss, how it is scored, and what is said and kept of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from minigrad import nn
from minigrad.core.types import Array
from minigrad.nn import functional as F
from minigrad.serialization import save
from minigrad.tensor import Tensor
from minigrad.training.making import ModelChoice
from minigrad.training.settings import Settings
from minigrad.training.team import Team
from minigrad.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    SampleStreams,
    SequentialSampler,
    ShardedBatchSampler,
    default_collate,
)

T = TypeVar("T")
Check = Callable[[], None]
"""Called after each batch of an evaluation; it raises to end it."""


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
    """What is learned, from which data."""

    unit: str
    model_choice: ModelChoice
    settings_shown: tuple[str, ...] = (
        "data", "model", "optimizer", "lr", "epochs", "batch_size", "seed",
    )  # fmt: skip
    """The settings that history.json has in any case."""

    team = Team()
    """The processes that share the work of an evaluation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abstractmethod
    def amounts(self) -> str:
        """How much there is to train on and to test on."""

    @abstractmethod
    def loader(self, workers: int) -> DataLoader[Any]:
        """The batches of a pass over the training data."""

    @abstractmethod
    def samples(self) -> Dataset[Any]:
        """The samples of a pass over the training data, in any order."""

    def shared_loader(self, team: Team) -> DataLoader[Any]:
        """This process's part of the batches of a pass, cut into shards.

        What a sample draws, such as an augmentation, does not depend on the process that takes it.
        """
        settings = self.settings
        data: SampleStreams[Any] = SampleStreams(self.samples(), settings.seed)
        sampler = ShardedBatchSampler(
            data, settings.batch_size or 1, settings.shard_size or 1, team.size, team.rank,
            seed=settings.seed, allow_empty=True,
        )  # fmt: skip
        workers = settings.workers
        return DataLoader(data, batch_sampler=sampler, num_workers=workers, collate_fn=_Parts(data))

    def test_scores(
        self,
        samples: Any,
        batch_size: int,
        score: Callable[[Any], T],
        check: Check,
    ) -> list[T]:
        """What each batch of test samples gives, in order; processes share the batches.

        All processes call `check` equally often, as one may have a batch less than others.
        """
        batches = list(BatchSampler(SequentialSampler(samples), batch_size, drop_last=False))
        own = iter(DataLoader(samples, batch_sampler=self.team.dealt(batches)))
        found = []
        for _ in range(-(-len(batches) // self.team.size)):
            found += [score(batch) for batch in islice(own, 1)]
            check()
        return self.team.collected(found)

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


class _Parts:
    """Makes a batch of samples, an empty one of none."""

    def __init__(self, data: Dataset[Any]) -> None:
        self._data = data

    def __call__(self, samples: list[Any]) -> Any:
        if samples:
            return default_collate(samples)
        return [part[:0] for part in default_collate([self._data[0]])]


def loss_of(output: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross-entropy of scores, or of log-probabilities, whose log-softmax is themselves."""
    return F.cross_entropy(output, labels, label_smoothing=smoothing)
