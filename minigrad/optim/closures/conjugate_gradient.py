"""Nonlinear conjugate gradient."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from minigrad.core.types import Array
from minigrad.optim.closures.vector import VectorOptimizer, kept
from minigrad.optim.line_search import Line, Point, strong_wolfe
from minigrad.optim.optimizer import ParamGroup, ParamsT
from minigrad.optim.optimizer.array_optimizer import dot


class NonlinearCG(VectorOptimizer):
    """Directions that remember the ones before, with no more memory than two vectors.

    `step(closure)` makes up to `max_iter` line searches, and calls the closure, which clears the
    gradients, computes the loss and runs backward, up to `max_eval` times.  Directions are those of
    Polak and Ribière, with a fresh start where one would go back.  It stops early when no gradient
    exceeds `tolerance_grad`, or parameters and loss change by less than `tolerance_change`.
    Paper: Nocedal & Wright 2006, Algorithm 5.4 and Equation 5.45.
    """

    numbers = ("n_iter", "func_evals", "prev_loss")
    vectors = ("d", "prev_flat_grad")
    legal: ClassVar[Mapping[str, str]] = {
        "lr": "(0, inf)", "max_iter": "[0, inf)", "max_eval": "[0, inf)",
        "tolerance_grad": "[0, inf]", "tolerance_change": "[0, inf]",
    }  # fmt: skip
    integers = frozenset({"max_iter", "max_eval"})

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
    ) -> None:
        most = max_iter * 5 if max_eval is None else max_eval
        tolerances = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        super().__init__(params, {"lr": lr, "max_iter": max_iter, "max_eval": most} | tolerances)

    def _iterate(self, closure: Callable[[], Any], group: ParamGroup) -> Any:
        first_loss = closure()
        line = Line(closure, self._params())
        loss, g = np.float64(first_loss), line.gradient()
        state, evaluations = self._shared_state(), 1
        state.setdefault("n_iter", 0)
        state["func_evals"] = state.get("func_evals", 0) + 1
        for _ in range(group["max_iter"]):
            if not np.abs(g).max(initial=0) > group["tolerance_grad"]:
                break
            d = self._direction(state, g)
            slope = dot(g, d)
            t = self._first_trial(state, group, loss, slope, g)
            start, size = Point(0.0, loss, g, slope), np.abs(d).max()
            left = group["max_eval"] - evaluations
            if left <= 0:
                break
            # A direction stays useful only if the search along it is close: 0.1, not 0.9.
            found, trials = strong_wolfe(line.along(d), start, t, size, left, c2=0.1)
            line.move(found.t, d)
            state |= {"d": kept(d), "prev_flat_grad": kept(g), "prev_loss": float(loss)}
            state["n_iter"] += 1
            state["func_evals"] += trials
            evaluations += trials
            change, loss, g = abs(found.f - loss), found.f, found.g
            tolerance = group["tolerance_change"]
            if size * found.t <= tolerance or change < tolerance:
                break
        return first_loss

    def _direction(self, state: dict[str, Any], g: Array) -> Array:
        if "d" not in state:
            return -g
        before, d = state["prev_flat_grad"].array, state["d"].array
        beta = max(0.0, dot(g, g - before) / dot(before, before))
        direction = -g + beta * d
        return np.asarray(direction if dot(direction, g) < 0 else -g)

    @staticmethod
    def _first_trial(
        state: dict[str, Any], group: ParamGroup, loss: Any, slope: Any, g: Array
    ) -> float:
        """The step to try first: to where the loss falls by as much as in the step before."""
        lr = float(group["lr"])
        if "prev_loss" not in state:
            return lr * min(1.0, float(1.0 / np.abs(g).sum()))
        guess = float(2.02 * (loss - state["prev_loss"]) / slope)
        return lr * (min(1.0, guess) if guess > 0 else 1.0)
