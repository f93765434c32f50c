"""Optimizers that are ordinary code over arrays, one parameter after another."""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from minigrad.graph import wrap
from minigrad.kernels.update import refuse_misfit
from minigrad.modes import enable_grad
from minigrad.optim.optimizer import Group, Optimizer
from minigrad.optim.rule import Interval
from minigrad.tensor import Tensor

Array = np.ndarray[Any, Any]


class PlainOptimizer(Optimizer):
    """A subclass gives `_update`, and in `legal` the interval of each of its numbers."""

    legal: ClassVar[Mapping[str, str]] = {}

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        `closure`, if given, computes the loss again and returns it.  Raises RuntimeError, before
        anything has changed, if a gradient does not fit its parameter.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        active = [(g, p) for g in self.param_groups for p in g["params"] if p.grad is not None]
        refuse_misfit([p.array for _, p in active], [p.grad.array for _, p in active])
        with np.errstate(all="ignore"):
            for group, p in active:
                self._update(group, p.array, p.grad.array, self.state[p])
                p.touch()
        return loss

    def _update(self, group: Group, theta: Array, g: Array, state: dict[str, Any]) -> None:
        """Change `theta` and the arrays of `state` in place."""
        raise NotImplementedError

    def _check_group(self, group: Group) -> None:
        for name, written in self.legal.items():
            value = group[name]
            who = f"{type(self).__name__}: {name}"
            if isinstance(value, Tensor):
                value = value.item()
            if isinstance(value, bool) or not isinstance(value, int | float | np.number):
                raise TypeError(f"{who} must be a number, got {value!r}")
            if math.isnan(value) or float(value) not in Interval(written):
                raise ValueError(f"{who} must be in {written}, got {value}")


def state_array(state: dict[str, Any], name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """The array of a state, of zeros if there is none yet."""
    if name not in state:
        state[name] = wrap(Tensor, np.zeros(shape, dtype))
    array: Array = state[name].array
    return array
