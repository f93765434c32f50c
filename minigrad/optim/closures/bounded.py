"""L-BFGS within bounds."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.optim.closures.vector import VectorOptimizer, kept
from minigrad.optim.optimizer import ParamGroup, ParamsT
from minigrad.optim.optimizer.array_optimizer import dot
from minigrad.tensor import Tensor

Bound = float | list[float] | list[Tensor]

_ARMIJO, _HALVINGS, _LEAST_CURVATURE = 1e-4, 40, 1e-10


class LBFGSB(VectorOptimizer):
    """L-BFGS whose parameters stay between `low` and `high`.

    `step(closure)` makes up to `max_iter` iterations; the closure clears the gradients, computes
    the loss and runs backward.  Elements that a bound holds back stay there; L-BFGS's direction
    moves the others, and each trial is brought back to the bounds.  Bounds are numbers, or lists
    with a number or a tensor for each parameter.  It stops early when no element could move by more
    than `tolerance_grad`, or parameters and loss change by less than `tolerance_change`.
    Paper: Bertsekas 1982, Projected Newton methods; L-BFGS: Nocedal & Wright 2006, Algorithm 7.4.
    """

    numbers = ("n_iter", "func_evals")
    legal: ClassVar[Mapping[str, str]] = {
        "lr": "(0, inf)", "max_iter": "[0, inf)", "history_size": "[1, inf)",
        "tolerance_grad": "[0, inf]", "tolerance_change": "[0, inf]",
    }  # fmt: skip
    integers = frozenset({"max_iter", "history_size"})

    def __init__(
        self,
        params: ParamsT,
        low: Bound | None = None,
        high: Bound | None = None,
        lr: float = 1.0,
        max_iter: int = 20,
        history_size: int = 10,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-12,
    ) -> None:
        bounds = {"low": low, "high": high}
        tolerances = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        settings = {"lr": lr, "max_iter": max_iter, "history_size": history_size}
        super().__init__(params, bounds | settings | tolerances)

    def _check_group(self, group: ParamGroup) -> None:
        super()._check_group(group | {"low": None, "high": None})  # which may be tensors
        if group.get("params"):
            low, high = (_spread(group[name], group["params"], name) for name in ("low", "high"))
            if not (low <= high).all():
                raise ValueError("LBFGSB: low must not exceed high")

    def _state_shapes(self, param: Tensor) -> dict[str, Shape | None]:
        shapes = super()._state_shapes(param)
        return shapes | {"old_dirs": None, "old_stps": None} if shapes else shapes

    def _iterate(self, closure: Callable[[], Any], group: ParamGroup) -> Any:
        params = self._params()
        low, high = (_spread(group[name], params, name) for name in ("low", "high"))
        state = self._shared_state()
        for name, start in (("n_iter", 0), ("func_evals", 0), ("old_dirs", []), ("old_stps", [])):
            state.setdefault(name, start)
        self._move_to(np.clip(self._vector(), low, high))
        first_loss = closure()
        loss, g = np.float64(first_loss), self._gradient()
        for _ in range(group["max_iter"]):
            x = self._vector()
            if not np.abs(np.clip(x - g, low, high) - x).max(initial=0) > group["tolerance_grad"]:
                break
            state["n_iter"] += 1
            is_held = ((x <= low) & (g > 0)) | ((x >= high) & (g < 0))
            d = np.where(is_held, 0.0, _direction(state, np.where(is_held, 0.0, g)))
            if not dot(d, g) < 0:
                d = np.where(is_held, 0.0, -g)
            t = float(group["lr"])
            if not state["old_dirs"]:
                t *= min(1.0, float(1 / np.abs(d).sum()))
            found = self._searched(closure, state, (x, loss, g), (d, t), (low, high))
            if found is None:
                self._move_to(x)
                break
            new_x, new_loss, new_g = found
            _remember(state, new_x - x, new_g - g, group["history_size"])
            moved, change = np.abs(new_x - x).max(), abs(new_loss - loss)
            loss, g = new_loss, new_g
            if moved <= group["tolerance_change"] or change < group["tolerance_change"]:
                break
        return first_loss

    def _searched(
        self,
        closure: Callable[[], Any],
        state: dict[str, Any],
        at: tuple[Array, Any, Array],
        direction: tuple[Array, float],
        bounds: tuple[Array, Array],
    ) -> tuple[Array, Any, Array] | None:
        """A point along a direction, brought back to the bounds, whose loss is enough less."""
        (x, loss, g), (d, t) = at, direction
        for _ in range(_HALVINGS):
            self._move_to(np.clip(x + t * d, *bounds))
            new_x, new_loss = self._vector(), np.float64(closure())
            state["func_evals"] += 1
            if new_loss <= loss + _ARMIJO * dot(g, new_x - x):
                return new_x, new_loss, self._gradient()
            t /= 2
        return None


def _spread(bound: Any, params: list[Tensor], name: str) -> Array:
    """A bound for each element of all parameters."""
    nowhere = -np.inf if name == "low" else np.inf
    given = bound if isinstance(bound, list | tuple) else [bound] * len(params)
    if len(given) != len(params):
        raise ValueError(
            f"LBFGSB: {name} must be a number, or one for each of {len(params)} parameters, got "
            f"{len(given)}"
        )
    arrays = [
        np.asarray(nowhere if b is None else b.array if isinstance(b, Tensor) else b, np.float64)
        for b in given
    ]
    return np.concatenate(
        [np.broadcast_to(a, p.array.shape).ravel() for a, p in zip(arrays, params, strict=True)]
    )


def _remember(state: dict[str, Any], step: Array, change: Array, most: int) -> None:
    """Keep a step and the gradient's change, if the loss is convex along it."""
    if dot(step, change) > _LEAST_CURVATURE * dot(change, change):
        for name, vector in (("old_stps", step), ("old_dirs", change)):
            state[name] = [*state[name], kept(vector)][-most:]


def _direction(state: dict[str, Any], g: Array) -> Array:
    """The estimate of the inverse Hessian times the negative gradient."""
    steps = [s.array for s in state["old_stps"]]
    changes = [y.array for y in state["old_dirs"]]
    q, alphas = -g, []
    for s, y in zip(steps[::-1], changes[::-1], strict=True):
        alphas.append(dot(s, q) / dot(s, y))
        q = q - alphas[-1] * y
    if steps:
        q = q * (dot(steps[-1], changes[-1]) / dot(changes[-1], changes[-1]))
    for s, y, alpha in zip(steps, changes, alphas[::-1], strict=True):
        q = q + (alpha - dot(y, q) / dot(s, y)) * s
    return np.asarray(q)
