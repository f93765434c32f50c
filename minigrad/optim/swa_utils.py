"""Averages of a model's parameters during training (SWA, EMA), and their schedule."""

import math
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np

from minigrad.core.public_names import show_public_names
from minigrad.core.types import DeviceLike
from minigrad.engine.grad_mode import no_grad
from minigrad.engine.graph import wrap
from minigrad.nn.module import Module
from minigrad.optim.lr_scheduler.scheduler import LRScheduler, per_group
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

Average = Callable[[Tensor, Tensor, Tensor | int], Tensor]
MultiAverage = Callable[[list[Tensor], list[Tensor], Tensor | int], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """A function for `AveragedModel` that keeps the fraction `decay` of the average so far.

    Raises ValueError if it is not in [0, 1].
    """
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay}: it should be in [0, 1]")

    def ema_update(averaged: Tensor, current: Tensor, _: Tensor | int) -> Tensor:
        mean: Tensor = averaged * decay + current * (1 - decay)
        return mean

    return ema_update


def get_swa_avg_fn() -> Average:
    """A function for `AveragedModel` that gives every state of the model the same weight."""

    def swa_update(averaged: Tensor, current: Tensor, num_averaged: Tensor | int) -> Tensor:
        mean: Tensor = averaged + (current - averaged) / (num_averaged + 1)
        return mean

    return swa_update


def _for_lists(average: Average) -> MultiAverage:
    def update(averaged: list[Tensor], current: list[Tensor], num_averaged: Tensor | int) -> None:
        with no_grad():
            for mean, new in zip(averaged, current, strict=True):
                mean.copy_(average(mean, new, num_averaged))

    return update


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """`get_ema_avg_fn` for lists of tensors, which it changes in place."""
    return _for_lists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> MultiAverage:
    """`get_swa_avg_fn` for lists of tensors, which it changes in place."""
    return _for_lists(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of `model` whose parameters are an average over the calls of `update_parameters`.

    The first call copies; each later one applies `avg_fn(averaged, current, n_averaged)` to every
    parameter, or `multi_avg_fn` to lists of them; without either all states weigh the same.
    Buffers are averaged too if `use_buffers`, else copied.  Raises ValueError if both functions
    are given.

    >>> import minigrad as mg
    >>> from minigrad.optim.swa_utils import AveragedModel, get_ema_avg_fn
    >>> model = mg.nn.Linear(2, 1)
    >>> averaged = AveragedModel(model, avg_fn=get_ema_avg_fn(0.9))
    >>> averaged.update_parameters(model)
    >>> averaged(mg.ones(3, 2)).shape
    minigrad.Size([3, 1])
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: DeviceLike = None,
        avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", wrap(Tensor, np.array(0)))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The result of the averaged model for the inputs."""
        return self.module(*inputs, **named)

    def update_parameters(self, model: Module) -> None:
        """Include the present parameters of the model in the average."""
        both = zip(self._averaged(self.module), self._averaged(model), strict=True)
        pairs = [(mean.detach(), new.detach()) for mean, new in both]
        if self.n_averaged.item() == 0:
            for mean, new in pairs:
                mean.copy_(new)
        elif pairs:
            update = self.multi_avg_fn or _for_lists(self.avg_fn or get_swa_avg_fn())
            floating = [pair for pair in pairs if pair[0].array.dtype.kind in "fc"]
            counted = [pair for pair in pairs if pair[0].array.dtype.kind not in "fc"]
            for alike in filter(None, (floating, counted)):
                update([mean for mean, _ in alike], [new for _, new in alike], self.n_averaged)
        if not self.use_buffers:
            for mean, new in zip(self.module.buffers(), model.buffers(), strict=True):
                mean.detach().copy_(new.detach())
        self.n_averaged += 1

    def _averaged(self, model: Module) -> Iterator[Tensor]:
        return chain(model.parameters(), model.buffers() if self.use_buffers else ())


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: DeviceLike = None) -> None:
    """Compute the running statistics of batch normalization layers again, in one pass.

    A batch is a tensor, or a list or tuple whose first element is the model's input.
    """
    norms: list[Any] = [
        module for module in model.modules() if hasattr(module, "reset_running_stats")
    ]
    momenta = [module.momentum for module in norms]
    if not norms:
        return
    was_training = model.training
    model.train()
    for module in norms:
        module.reset_running_stats()
        module.momentum = None  # every batch weighs the same
    for batch in loader:
        inputs = batch[0] if isinstance(batch, list | tuple) else batch
        model(inputs if device is None else inputs.to(device))
    for module, momentum in zip(norms, momenta, strict=True):
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """From the current rate to `swa_lr` in `anneal_epochs`, by cosine or line; then constant."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        if anneal_strategy not in {"cos", "linear"}:
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        for lr, group in zip(
            per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True
        ):
            group["swa_lr"] = lr
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _annealed(self, step: int) -> float:
        """The fraction of the change that is done after some steps."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[float]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._annealed(step - 1), self._annealed(step)
        lrs = []
        for group, lr in zip(self.optimizer.param_groups, self._lrs(), strict=True):
            end = group["swa_lr"]
            start = end if before == 1 else (lr - before * end) / (1 - before)
            lrs.append(end * now + start * (1 - now))
        return lrs


show_public_names(__name__)
