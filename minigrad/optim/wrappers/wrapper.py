"""The base of wrappers: parameters and their groups are those of the inner optimizer."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, overload

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.optim.optimizer import Optimizer, ParamGroup
from minigrad.optim.optimizer.optimizer import Loss, loss_of
from minigrad.tensor import Tensor


class Wrapper(Optimizer):
    """An optimizer that does something before or after the steps of `inner`.

    It is an optimizer: schedules, other wrappers and checkpoints take it.  A subclass defines
    `_update`, `numbers`, the names of attributes that are part of the state, and `arrays`, the
    names of the arrays that it keeps for each parameter.

    Raises TypeError for what is no optimizer.
    """

    numbers: tuple[str, ...] = ()
    arrays: tuple[str, ...] = ()

    def __init__(self, inner: Optimizer) -> None:
        if not isinstance(inner, Optimizer):
            raise TypeError(f"{type(self).__name__} wraps an optimizer, got {type(inner).__name__}")
        self.inner = inner
        self.defaults = inner.defaults
        self._kept: dict[str, dict[Tensor, Array]] = {name: {} for name in self.arrays}

    @property
    def param_groups(self) -> list[ParamGroup]:  # type: ignore[override]
        """The groups of the inner optimizer."""
        return self.inner.param_groups

    @property  # type: ignore[misc]
    def state(self) -> defaultdict[Any, dict[str, Any]]:
        """The state of the inner optimizer."""
        return self.inner.state

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Add parameters to the inner optimizer."""
        self.inner.add_param_group(param_group)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Loss] | None = None) -> Loss | None:
        """Take a step; `closure`, if given, computes the loss, which is the result."""
        loss = loss_of(closure)
        self._update()
        return loss

    def _update(self) -> None:
        """Take the step of the gradients that are there."""
        raise NotImplementedError

    def _params(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _with_gradients(self) -> list[tuple[Tensor, Array]]:
        """The parameters that have a gradient, and the gradients' arrays."""
        return [(p, p.grad.array) for p in self._params() if p.grad is not None]

    def _array(self, name: str, p: Tensor, start: Array | None = None) -> Array:
        """The array that is kept for a parameter; it starts as a copy of `start`, or as zeros."""
        kept = self._kept[name]
        if p not in kept:
            kept[p] = np.zeros_like(p.array) if start is None else start.copy()
        return kept[p]

    def state_dict(self) -> dict[str, Any]:
        """The state: that of the inner optimizer, and the wrapper's own by parameter number."""
        places = {p: k for k, p in enumerate(self._params())}
        own: dict[str, Any] = {name: getattr(self, name) for name in self.numbers}
        for name, kept in self._kept.items():
            own[name] = {places[p]: wrap(Tensor, a.copy()) for p, a in kept.items()}
        return {"inner": self.inner.state_dict(), "wrapper": own}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state that the same wrapper has saved.  Raises ValueError for another."""
        if {"inner", "wrapper"} != set(state_dict):
            raise ValueError(
                f"the loaded state is not that of {type(self).__name__}: it has "
                f"{sorted(state_dict)}, not inner and wrapper"
            )
        own = state_dict["wrapper"]
        if missing := {*self.numbers, *self.arrays} ^ set(own):
            raise ValueError(
                f"the loaded state is not that of {type(self).__name__}: {sorted(missing)} differ"
            )
        params = self._params()
        for name in self.arrays:
            for k, value in own[name].items():
                if int(k) >= len(params) or value.shape != params[int(k)].shape:
                    raise ValueError(f"the loaded {name} of parameter {k} does not fit")
        self.inner.load_state_dict(state_dict["inner"])
        params = self._params()
        for name in self.numbers:
            setattr(self, name, deepcopy(own[name]))
        for name in self.arrays:
            self._kept[name] = {
                params[int(k)]: np.array(v.__array__(), params[int(k)].array.dtype)
                for k, v in own[name].items()
            }

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)}" for name in self.numbers)
        return f"{type(self).__name__}({settings}) of {self.inner!r}"
