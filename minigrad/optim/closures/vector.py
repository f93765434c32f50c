"""The base of optimizers that take all parameters as one vector."""

from collections.abc import Callable
from typing import Any, NoReturn, overload

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.engine.grad_mode import enable_grad
from minigrad.engine.graph import wrap
from minigrad.optim.optimizer import ArrayOptimizer, ParamGroup
from minigrad.optim.optimizer.optimizer import Loss
from minigrad.tensor import Tensor


class VectorOptimizer(ArrayOptimizer):
    """A subclass defines `_iterate`, and lists its states in `numbers` and `vectors`."""

    numbers: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Add the only group.  Raises ValueError for a second one."""
        if self.param_groups:
            name = type(self).__name__
            raise ValueError(f"{name} doesn't support per-parameter options (parameter groups)")
        super().add_param_group(param_group)

    def _state_shapes(self, param: Tensor) -> dict[str, Shape | None]:
        params = self._params()
        if param is not params[0]:
            return {}
        size = sum(p.array.size for p in params)
        return dict.fromkeys(self.numbers) | dict.fromkeys(self.vectors, (size,))

    def _names_of_own_dtype(self) -> set[str]:
        names = set() if not self.param_groups else self._state_shapes(self._params()[0]).keys()
        return {*names, "step"}

    @overload
    def step(self, closure: None = None) -> NoReturn: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Loss] | None = None) -> Loss:
        """Iterate, calling `closure` as often as needed; the result is what it has given first.

        Raises TypeError without a closure.
        """
        if closure is None:
            raise TypeError(f"{type(self).__name__}.step needs a closure")
        with np.errstate(all="ignore"):
            return self._iterate(enable_grad()(closure), self.param_groups[0])

    def _iterate(self, closure: Callable[[], Loss], group: ParamGroup) -> Loss:
        """Take a step, and give the closure's first result."""
        raise NotImplementedError

    # --- for subclasses ---

    def _params(self) -> list[Tensor]:
        params: list[Tensor] = self.param_groups[0]["params"]
        return params

    def _shared_state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.state[self._params()[0]]
        return state

    def _vector(self) -> Array:
        """All parameters in double precision."""
        return np.concatenate([p.array.ravel().astype(np.float64) for p in self._params()])

    def _move_to(self, x: Array) -> None:
        """Set all parameters."""
        offset = 0
        for p in self._params():
            p.array[...] = x[offset : offset + p.array.size].reshape(p.array.shape)
            p.bump_version()
            offset += p.array.size

    def _gradient(self) -> Array:
        """All gradients in double precision; zeros where there is none."""
        return np.concatenate(
            [
                np.zeros(p.array.size) if p.grad is None else p.grad.array.ravel().astype(float)
                for p in self._params()
            ]
        )


def kept(array: Array) -> Tensor:
    """An array as a tensor of the state, in double precision."""
    tensor: Tensor = wrap(Tensor, np.asarray(array, np.float64))
    return tensor
