"""Schedules made of schedules."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from minigrad.optim.lr_scheduler.plateau import ReduceLROnPlateau
from minigrad.optim.lr_scheduler.scheduler import LRScheduler, set_value
from minigrad.optim.optimizer import Optimizer


class _Combined(LRScheduler):
    _unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "_schedulers")
    _schedulers: Sequence[LRScheduler]

    def _check(self, optimizer: Optimizer | None, schedulers: Sequence[object]) -> Optimizer:
        """The optimizer of all schedulers.  Raises TypeError or ValueError if there is not one."""
        who = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(f"{who} expects at least one scheduler, but got no scheduler")
        for number, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(
                    f"{who} expects schedulers, got {type(scheduler).__name__} at index {number}"
                )
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{who} does not support `ReduceLROnPlateau`, whose step needs a metric, but "
                    f"got one at index {number}"
                )
            optimizer = optimizer or scheduler.optimizer
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"{who} expects all schedulers to belong to the same optimizer, but the one "
                    f"at index {number}, {type(scheduler).__name__}, belongs to another"
                )
        assert optimizer is not None
        return optimizer

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        saved = dict(state_dict)
        for scheduler, state in zip(self._schedulers, saved.pop("_schedulers"), strict=True):
            scheduler.load_state_dict(state)
        super().load_state_dict(saved)


class SequentialLR(_Combined):
    """One schedule after another: the next takes over at each of the epochs `milestones`."""

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = self._check(optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than "
                f"the number of milestone points, but got {len(schedulers)} schedulers and "
                f"{len(milestones)} milestones"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        # Each schedule has set the rates for its first epoch; only those of the first are valid.
        for group in optimizer.param_groups:
            set_value(group, "lr", group["initial_lr"])
        _step_back(self)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Advance by an epoch."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def _step_back(scheduler: LRScheduler) -> None:
    if isinstance(scheduler, _Combined):
        for part in scheduler._schedulers:
            _step_back(part)
    else:
        scheduler.last_epoch -= 1


class ChainedScheduler(_Combined):
    """All schedules in each epoch: each changes the rates that the one before it has set."""

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        self.optimizer = self._check(optimizer, schedulers)
        self._schedulers = schedulers
        self._last_lr = self._lrs()

    def step(self) -> None:  # type: ignore[override]
        """Advance by an epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._lrs()
