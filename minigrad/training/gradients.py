"""From a batch to gradients: at once, or shard by shard on several processes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from minigrad import nn
from minigrad.nn.parallel import DistributedDataParallel
from minigrad.training.interruption import Interruption
from minigrad.training.progress import Progress
from minigrad.training.tasks.task import BatchLoss, Task
from minigrad.training.team import Team
from minigrad.utils.data import DataLoader


class Score(NamedTuple):
    """The mean loss of some samples, what it is the mean of, and how many of these were right."""

    loss: float
    amount: int
    correct: int


class WholeBatches:
    """The gradients of one process's batches."""

    def __init__(self, task: Task, model: nn.Module) -> None:
        self.task, self.model = task, model
        self.loader: DataLoader[Any] = task.loader(task.settings.workers)

    def begin_epoch(self, progress: Progress) -> None:
        """Prepare for the rest of an epoch."""

    def add(self, batch: Any, share: int) -> Sequence[Score]:
        """Add a batch's gradients, as one of `share` batches of a step, and return its losses."""
        return [_backward(self.task.loss(self.model, batch), share)]


class SharedBatches:
    """The gradients of the whole batch, of which each process computes a part.

    They are the same bits on any number of processes, and so are the losses.  Signals are agreed on
    at each batch, so that all processes end after the same step.
    """

    def __init__(
        self, task: Task, model: nn.Module, team: Team, interruption: Interruption
    ) -> None:
        settings = task.settings
        self.task, self.team, self.interruption = task, team, interruption
        self.loader = task.shared_loader(team)
        self.model: DistributedDataParallel[Any] = DistributedDataParallel(
            model, reduction="fixed", shard_size=settings.shard_size or 1, shard_seed=settings.seed
        )

    def begin_epoch(self, progress: Progress) -> None:
        """Have samples, and dropout, draw what they draw in this epoch."""
        self.model.shard_step = (progress.epoch - 1) * len(self.loader) + progress.batch
        for part in (self.loader.dataset, self.loader.batch_sampler):
            part.set_epoch(progress.epoch)  # type: ignore[union-attr]

    def add(self, batch: Any, share: int) -> Sequence[Score]:
        """Add a batch's gradients, as one of `share` batches of a step, and return its losses."""
        own = []
        for shard in self.model.shards(*batch):
            own.append(_backward(self.task.loss(self.model, shard), share))
        told = self.team.all_of((own, self.interruption.noted))
        self.interruption.agree([noted for _, noted in told])
        return [score for scores, _ in told for score in scores]


def _backward(found: BatchLoss, share: int) -> Score:
    (found.loss if share == 1 else found.loss / share).backward()
    return Score(float(found.loss.item()), found.amount, found.correct)


def gradients(
    task: Task, model: nn.Module, team: Team, interruption: Interruption
) -> WholeBatches | SharedBatches:
    """How the settings have gradients computed."""
    if task.settings.distributed:
        return SharedBatches(task, model, team, interruption)
    return WholeBatches(task, model)
