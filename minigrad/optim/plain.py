"""Optimizers that are ordinary code over arrays, one parameter after another."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from minigrad.engine.grad_mode import enable_grad
from minigrad.engine.graph import wrap
from minigrad.kernels.fused_optimizer.multi_tensor import refuse_misfit
from minigrad.optim.fused.hyperparameters import Interval, check_setting, plain
from minigrad.optim.optimizer import Group, Optimizer
from minigrad.tensor import Tensor

Array = np.ndarray[Any, Any]


class PlainOptimizer(Optimizer):
    """A subclass gives `_update` and `_state_shapes`; its constructor's defaults are the schema.

    `legal` has the interval of each of its numbers, `whole` names those that count something.
    """

    legal: ClassVar[Mapping[str, str]] = {}
    whole: ClassVar[frozenset[str]] = frozenset()

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
                p.bump_version()
        return loss

    def _update(self, group: Group, theta: Array, g: Array, state: dict[str, Any]) -> None:
        """Change `theta` and the arrays of `state` in place."""
        raise NotImplementedError

    def _check_group(self, group: Group) -> None:
        for name, parameter in inspect.signature(type(self)).parameters.items():
            if name == "params":
                continue
            who, value = f"{type(self).__name__}: {name}", plain(group[name])
            written = self.legal.get(name)
            check_setting(who, value, parameter.default, Interval(written) if written else None)
            if name in self.whole and not (value is None or isinstance(value, int)):
                raise TypeError(f"{who} must be a whole number, got {value!r}")

    # --- loading ---

    def _state_shapes(self, param: Tensor) -> dict[str, tuple[int, ...] | None]:
        """The states there may be, by name, and their shapes; None for what is not an array."""
        raise NotImplementedError

    def _completed(self, settings: Group) -> Group:
        if missing := sorted(self.defaults.keys() - settings.keys()):
            raise ValueError(
                f"the loaded state is not that of {type(self).__name__}: its groups have no "
                + ", ".join(missing)
            )
        return settings

    def _check_entry(self, group: Group, param: Tensor, entry: Mapping[str, Any]) -> None:
        shapes = self._state_shapes(param)
        if unknown := sorted(entry.keys() - shapes.keys()):
            raise ValueError(
                f"the loaded state is not that of {type(self).__name__}: it holds "
                f"{', '.join(unknown)}, not {', '.join(sorted(shapes))}"
            )
        for name, value in entry.items():
            found = getattr(value, "shape", ())
            if shapes[name] is not None and found != shapes[name]:
                raise ValueError(
                    f"the loaded {name} has shape {found}, but {shapes[name]} belongs to a "
                    f"parameter of shape {param.shape}"
                )


def state_array(state: dict[str, Any], name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """The array of a state, of zeros if there is none yet."""
    if name not in state:
        state[name] = wrap(Tensor, np.zeros(shape, dtype))
    array: Array = state[name].array
    return array


def dot(a: Array, b: Array) -> Any:
    """The sum of products.  Its order, unlike BLAS's, is the same for any number of threads."""
    return (a * b).sum()


def norm(x: Array) -> float:
    """The root of the sum of squares."""
    return math.sqrt(dot(x, x))
