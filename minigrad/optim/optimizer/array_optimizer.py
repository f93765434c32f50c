"""The base of optimizers that are ordinary code over arrays, one parameter after another."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, overload

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.engine.graph import wrap
from minigrad.kernels.fused_optimizer.multi_tensor import refuse_misfit
from minigrad.optim.optimizer.hyperparameters import Interval, check_setting, plain
from minigrad.optim.optimizer.optimizer import Loss, Optimizer, loss_of
from minigrad.optim.optimizer.param_groups import ParamGroup
from minigrad.tensor import Tensor


class ArrayOptimizer(Optimizer):
    """A subclass defines `_update` and `_state_shapes`; its constructor has the defaults.

    `legal` has the interval of each hyper-parameter that is a number, `integers` the names of
    those that must be integers.
    """

    legal: ClassVar[Mapping[str, str]] = {}
    integers: ClassVar[frozenset[str]] = frozenset()
    _default_settings: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "legal" in cls.__dict__:  # a user's subclass may have another constructor
            parameters = inspect.signature(cls.__init__).parameters
            arguments = list(parameters.values())[2:]  # after self and params
            cls._default_settings = {p.name: p.default for p in arguments}

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Loss] | None = None) -> Loss | None:
        """Update every parameter that has a gradient.

        `closure`, if given, is called first: it computes the loss and its gradients, and returns
        the loss, which is the result.  Raises RuntimeError if a gradient does not fit its
        parameter; no parameter has changed then.
        """
        loss = loss_of(closure)
        active = [(g, p) for g in self.param_groups for p in g["params"] if p.grad is not None]
        refuse_misfit([p.array for _, p in active], [p.grad.array for _, p in active])
        with np.errstate(all="ignore"):
            for group, p in active:
                self._update(group, p.array, p.grad.array, self.state[p])
                p.bump_version()
        return loss

    def _update(self, group: ParamGroup, theta: Array, g: Array, state: dict[str, Any]) -> None:
        """Change `theta` and the arrays of `state` in place."""
        raise NotImplementedError

    def _check_group(self, group: ParamGroup) -> None:
        if any(p.is_complex() for p in group["params"]):
            raise NotImplementedError(
                f"{type(self).__name__} does not take complex parameters; give it view_as_real(p)"
            )
        for name, default in self._default_settings.items():
            title, value = f"{type(self).__name__}: {name}", plain(group[name])
            interval = Interval(self.legal[name]) if name in self.legal else None
            check_setting(title, value, default, interval)
            if name in self.integers and not (value is None or isinstance(value, int)):
                raise TypeError(f"{title} must be a whole number, got {value!r}")

    # --- loading ---

    def _state_shapes(self, param: Tensor) -> dict[str, Shape | None]:
        """The shape of each state by name; None for a state that is not an array."""
        raise NotImplementedError

    def _with_defaults(self, settings: ParamGroup) -> ParamGroup:
        if missing := sorted(self.defaults.keys() - settings.keys()):
            raise ValueError(
                f"the loaded state is not that of {type(self).__name__}: its groups have no "
                + ", ".join(missing)
            )
        return settings

    def _check_state(self, group: ParamGroup, param: Tensor, entry: Mapping[str, Any]) -> None:
        shapes = self._state_shapes(param)
        for name in shapes.keys() & entry.keys():  # other keys are the user's
            found = getattr(entry[name], "shape", ())
            if shapes[name] is not None and found != shapes[name]:
                raise ValueError(
                    f"the loaded {name} has shape {found}, but {shapes[name]} belongs to a "
                    f"parameter of shape {param.shape}"
                )


def state_array(state: dict[str, Any], name: str, shape: Shape, dtype: Any) -> Array:
    """The array of a state, which starts as zeros."""
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
