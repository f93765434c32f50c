"""Schedules of the learning rate, by name: how they are made, and when they step."""

from typing import Any, NamedTuple

from minigrad import optim
from minigrad.optim import lr_scheduler


class Schedule(NamedTuple):
    """A scheduler, which steps after every step of the optimizer or after every epoch."""

    scheduler: Any
    every_step: bool
    follows_loss: bool = False


def make_schedule(
    name: str | None, optimizer: optim.Optimizer, epochs: int, steps_per_epoch: int
) -> Schedule | None:
    """The schedule of a name over a whole run; None is a constant rate.

    "cosine" falls to 0, "onecycle" rises to the rate and falls to a small part of it, "step" falls
    to a tenth after each third of the run, "plateau" to a tenth after 3 epochs without progress.
    """
    steps = max(epochs * steps_per_epoch, 1)
    if name is None:
        return None
    if name == "cosine":
        return Schedule(lr_scheduler.CosineAnnealingLR(optimizer, steps), True)
    if name == "onecycle":
        rate = optimizer.param_groups[0]["lr"]
        momentum = any(
            "momentum" in g or "betas" in g for g in optimizer.param_groups
        ) and _has_momentum(optimizer)
        cycle = lr_scheduler.OneCycleLR(optimizer, rate, steps, cycle_momentum=momentum)
        return Schedule(cycle, True)
    if name == "step":
        third = max(-(-epochs // 3), 1)
        return Schedule(lr_scheduler.StepLR(optimizer, third), False)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, patience=3)
    return Schedule(plateau, False, follows_loss=True)


def _has_momentum(optimizer: optim.Optimizer) -> bool:
    group = optimizer.param_groups[0]
    return "betas" in group or bool(group.get("momentum"))
