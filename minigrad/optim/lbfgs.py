"""L-BFGS, with a line search for the strong Wolfe conditions."""

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any, ClassVar, NoReturn, overload

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.engine.grad_mode import enable_grad
from minigrad.engine.graph import wrap
from minigrad.optim.line_search import Line, Point, strong_wolfe
from minigrad.optim.optimizer import ArrayOptimizer, ParamGroup, ParamsT
from minigrad.optim.optimizer.array_optimizer import dot
from minigrad.optim.optimizer.optimizer import Loss
from minigrad.tensor import Tensor

# The state, apart from vectors over all parameters.  PyTorch keeps its workspace `al` there too.
_NUMBERS = ("func_evals", "n_iter", "t", "H_diag", "prev_loss")
_HISTORY = ("old_dirs", "old_stps", "ro", "al")


class LBFGS(ArrayOptimizer):
    """Newton's method with a Hessian estimated from the last `history_size` gradients.

    `step(closure)` makes up to `max_iter` iterations, and calls the closure, which clears the
    gradients, computes the loss and runs backward, up to `max_eval` times.  The step size is `lr`,
    or is found by a line search if `line_search_fn` is "strong_wolfe".  It stops early when no
    gradient exceeds `tolerance_grad`, or parameters and loss change by less than
    `tolerance_change`.  All parameters are in one group.
    Paper: Nocedal & Wright 2006, Algorithm 7.4.
    """

    legal: ClassVar[Mapping[str, str]] = {
        "lr": "[0, inf]", "max_iter": "[0, inf)", "max_eval": "[0, inf)",
        "history_size": "[1, inf)",
    }  # fmt: skip
    integers = frozenset({"max_iter", "max_eval", "history_size"})

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        most = max_iter * 5 // 4 if max_eval is None else max_eval
        settings = {"lr": lr, "max_iter": max_iter, "max_eval": most}
        tolerances = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        more = {"history_size": history_size, "line_search_fn": line_search_fn}
        super().__init__(params, settings | tolerances | more)

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Add the only group.  Raises ValueError for a second one."""
        if self.param_groups:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        super().add_param_group(param_group)

    def _check_group(self, group: ParamGroup) -> None:
        super()._check_group(group)
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError(
                f"only 'strong_wolfe' is supported, got line_search_fn={group['line_search_fn']!r}"
            )

    def _state_shapes(self, param: Tensor) -> dict[str, Shape | None]:
        params = self.param_groups[0]["params"]
        if param is not params[0]:
            return {}
        whole = (sum(p.array.size for p in params),)
        return dict.fromkeys(_NUMBERS + _HISTORY) | {"d": whole, "prev_flat_grad": whole}

    def _check_state(self, group: ParamGroup, param: Tensor, entry: Mapping[str, Any]) -> None:
        super()._check_state(group, param, entry)
        past = [entry.get(name, []) for name in ("old_dirs", "old_stps", "ro")]
        vectors = [getattr(x, "shape", ()) for x in chain(*past[:2])]
        if set(map(len, past)) != {len(past[0])} or set(vectors) - {
            getattr(entry.get("d"), "shape", None)
        }:
            raise ValueError(
                f"the loaded old_dirs, old_stps and ro must be lists alike, of vectors as long as "
                f"all parameters; got {', '.join(str(len(x)) for x in past)} of {vectors}"
            )

    @overload
    def step(self, closure: None = None) -> NoReturn: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Loss] | None = None) -> Loss:
        """Iterate, calling `closure` as often as needed; the result is the first loss."""
        if closure is None:
            raise TypeError("LBFGS.step needs a closure that computes the loss and its gradients")
        with np.errstate(all="ignore"):
            return self._iterate(enable_grad()(closure), self.param_groups[0])

    def _iterate(self, closure: Callable[[], Loss], group: ParamGroup) -> Loss:
        first_loss = closure()
        line = Line(closure, group["params"])
        loss, g = np.float64(first_loss), line.gradient()
        # As in torch, the first parameter has the state of all.
        state = self.state[group["params"][0]]
        evaluations = 1
        state["func_evals"] = state.get("func_evals", 0) + 1
        state.setdefault("n_iter", 0)
        for iteration in range(1, group["max_iter"] + 1):
            if np.abs(g).max(initial=0) <= group["tolerance_grad"]:
                break
            state["n_iter"] += 1
            d = _direction(state, g, group["history_size"])
            first = state["n_iter"] == 1
            t = float(group["lr"]) * (min(1.0, 1.0 / np.abs(g).sum()) if first else 1)
            before, slope = loss, dot(g, d)
            state |= {"d": _wrapped(d), "prev_flat_grad": _wrapped(g), "prev_loss": float(loss)}
            state["t"] = float(t)
            if slope > -group["tolerance_change"]:
                break
            last = iteration == group["max_iter"]
            if group["line_search_fn"] is not None:
                start, max_trials = Point(0.0, loss, g, slope), group["max_eval"] - evaluations
                size = np.abs(d).max()
                found, trials = strong_wolfe(line.along(d), start, t, size, max_trials)
                t, loss, g = found.t, found.f, found.g
                line.move(t, d)
            else:
                line.move(t, d)
                trials = 0 if last else 1
                if trials:
                    loss, g = np.float64(closure()), line.gradient()
            state["t"] = float(t)
            evaluations += trials
            state["func_evals"] += trials
            is_still = np.abs(d * t).max() <= group["tolerance_change"]
            if evaluations >= group["max_eval"] or is_still:
                break
            if abs(loss - before) < group["tolerance_change"]:
                break
        return first_loss


def _direction(state: dict[str, Any], g: Array, history_size: int) -> Array:
    """The estimate of the inverse Hessian times the negative gradient."""
    if state["n_iter"] == 1:
        state |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1.0}
        return -g
    grad_changes, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
    y = g - state["prev_flat_grad"].array
    s = state["d"].array * float(state["t"])
    curvature = dot(y, s)
    if curvature > 1e-10:
        if len(grad_changes) == history_size:
            for history in (grad_changes, steps, ro):
                history.pop(0)
        grad_changes.append(_wrapped(y))
        steps.append(_wrapped(s))
        ro.append(float(1.0 / curvature))
        state["H_diag"] = float(curvature / dot(y, y))
    q = -g
    alphas = []
    for change, step, r in zip(grad_changes[::-1], steps[::-1], ro[::-1], strict=True):
        alphas.append(dot(step.array, q) * float(r))
        q -= alphas[-1] * change.array
    q *= float(state["H_diag"])
    for change, step, r, alpha in zip(grad_changes, steps, ro, alphas[::-1], strict=True):
        q += (alpha - dot(change.array, q) * float(r)) * step.array
    return q


def _wrapped(array: Array) -> Tensor:
    return wrap(Tensor, array)  # type: ignore[no-any-return]
