"""Averages of a model's parameters; torch has them among its optimizers, but they are a module."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np

from minigrad.graph import wrap
from minigrad.modes import no_grad
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

Average = Callable[[Tensor, Tensor, Any], Tensor]
ManyAverage = Callable[[list[Tensor], list[Tensor], Any], None]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """A function for `AveragedModel` that keeps the fraction `decay` of the average so far.

    Raises ValueError if it is not in [0, 1].
    """
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay}: it should be in [0, 1]")

    def ema_update(averaged: Tensor, current: Tensor, _: Any) -> Tensor:
        mean: Tensor = averaged * decay + current * (1 - decay)
        return mean

    return ema_update


def get_swa_avg_fn() -> Average:
    """A function for `AveragedModel` that gives every state of the model the same weight."""

    def swa_update(averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        mean: Tensor = averaged + (current - averaged) / (num_averaged + 1)
        return mean

    return swa_update


def _for_many(average: Average) -> ManyAverage:
    def update(averaged: list[Tensor], current: list[Tensor], num_averaged: Any) -> None:
        with no_grad():
            for mean, new in zip(averaged, current, strict=True):
                mean.copy_(average(mean, new, num_averaged))

    return update


def get_ema_multi_avg_fn(decay: float = 0.999) -> ManyAverage:
    """`get_ema_avg_fn` for lists of tensors, which it changes in place."""
    return _for_many(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> ManyAverage:
    """`get_swa_avg_fn` for lists of tensors, which it changes in place."""
    return _for_many(get_swa_avg_fn())


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
    (3, 1)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Average | None = None,
        multi_avg_fn: ManyAverage | None = None,
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
        """What the averaged model makes of the inputs."""
        return self.module(*inputs, **named)

    def update_parameters(self, model: Any) -> None:
        """Take the model's present parameters into the average."""
        both = zip(self._averaged(self.module), self._averaged(model), strict=True)
        pairs = [(mean.detach(), new.detach()) for mean, new in both]
        if self.n_averaged.item() == 0:
            for mean, new in pairs:
                mean.copy_(new)
        elif pairs:
            update = self.multi_avg_fn or _for_many(self.avg_fn or get_swa_avg_fn())
            floating = [pair for pair in pairs if pair[0].is_floating_point()]
            counted = [pair for pair in pairs if not pair[0].is_floating_point()]
            for alike in filter(None, (floating, counted)):
                update([mean for mean, _ in alike], [new for _, new in alike], self.n_averaged)
        if not self.use_buffers:
            for mean, new in zip(self.module.buffers(), model.buffers(), strict=True):
                mean.detach().copy_(new.detach())
        self.n_averaged += 1

    def _averaged(self, model: Any) -> Iterator[Tensor]:
        return chain(model.parameters(), model.buffers() if self.use_buffers else ())
