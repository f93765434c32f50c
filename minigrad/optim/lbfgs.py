"""L-BFGS."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, ClassVar

import numpy as np

from minigrad.engine.grad_mode import enable_grad
from minigrad.engine.graph import wrap
from minigrad.optim.optimizer import Group
from minigrad.optim.plain import Array, PlainOptimizer, dot
from minigrad.optim.strong_wolfe import Point, strong_wolfe
from minigrad.tensor import Tensor

# Its state, apart from vectors over all parameters.  PyTorch keeps its scratch `al` there too.
_NUMBERS = ("func_evals", "n_iter", "t", "H_diag", "prev_loss")
_PAST = ("old_dirs", "old_stps", "ro", "al")


class LBFGS(PlainOptimizer):
    """Newton's method with curvature learnt from the last `history_size` gradients.

    `step(closure)` makes up to `max_iter` iterations, and calls the closure, which clears the
    gradients, computes the loss and runs backward, up to `max_eval` times.  Steps are `lr` long,
    or found by a line search if `line_search_fn` is "strong_wolfe".  It stops early where no
    gradient exceeds `tolerance_grad`, or parameters and loss change by less than
    `tolerance_change`.  All parameters are in one group.
    Nocedal & Wright 2006, Algorithm 7.4.
    """

    legal: ClassVar[Mapping[str, str]] = {
        "lr": "[0, inf]", "max_iter": "[0, inf)", "max_eval": "[0, inf)",
        "history_size": "[1, inf)",
    }  # fmt: skip
    whole = frozenset({"max_iter", "max_eval", "history_size"})

    def __init__(
        self,
        params: Iterable[Any],
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

    def add_param_group(self, param_group: Group) -> None:
        """Take the one group that there is.  Raises ValueError for another."""
        if self.param_groups:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        super().add_param_group(param_group)

    def _check_group(self, group: Group) -> None:
        super()._check_group(group)
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError(
                f"only 'strong_wolfe' is supported, got line_search_fn={group['line_search_fn']!r}"
            )

    def _state_shapes(self, param: Tensor) -> dict[str, tuple[int, ...] | None]:
        params = self.param_groups[0]["params"]
        if param is not params[0]:
            return {}
        whole = (sum(p.array.size for p in params),)
        return dict.fromkeys(_NUMBERS + _PAST) | {"d": whole, "prev_flat_grad": whole}

    def _check_entry(self, group: Group, param: Tensor, entry: Mapping[str, Any]) -> None:
        super()._check_entry(group, param, entry)
        past = [entry.get(name, []) for name in ("old_dirs", "old_stps", "ro")]
        vectors = [getattr(x, "shape", ()) for x in chain(*past[:2])]
        if set(map(len, past)) != {len(past[0])} or set(vectors) - {
            getattr(entry.get("d"), "shape", None)
        }:
            raise ValueError(
                f"the loaded old_dirs, old_stps and ro must be lists alike, of vectors as long as "
                f"all parameters; got {', '.join(str(len(x)) for x in past)} of {vectors}"
            )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate, calling `closure` as often as needed; the loss from where it began."""
        if closure is None:
            raise TypeError("LBFGS.step needs a closure that computes the loss and its gradients")
        with np.errstate(all="ignore"):
            return self._iterate(enable_grad()(closure), self.param_groups[0])

    def _iterate(self, closure: Callable[[], Any], group: Group) -> Any:
        first_loss = closure()
        line = _Line(closure, group["params"])
        loss, g = np.float64(first_loss), line.gradient()
        # torch keeps the state of the whole under the first parameter.
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
                start, most = Point(0.0, loss, g, slope), group["max_eval"] - evaluations
                size = np.abs(d).max()
                found, trials = strong_wolfe(line.along(d), start, t, size, most)
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
            still = np.abs(d * t).max() <= group["tolerance_change"]
            if evaluations >= group["max_eval"] or still:
                break
            if abs(loss - before) < group["tolerance_change"]:
                break
        return first_loss


class _Line:
    """All parameters as one vector, and the loss along a direction from where they are."""

    def __init__(self, closure: Callable[[], Any], params: list[Tensor]) -> None:
        self.closure = closure
        self.params = params

    def gradient(self) -> Array:
        return np.concatenate(
            [
                np.zeros(p.array.size, p.array.dtype) if p.grad is None else p.grad.array.ravel()
                for p in self.params
            ]
        )

    def move(self, t: Any, d: Array) -> None:
        done = 0
        for p in self.params:
            part = d[done : done + p.array.size].reshape(p.array.shape)
            p.array[...] += (t * part).astype(p.array.dtype)
            p.bump_version()
            done += p.array.size

    def along(self, d: Array) -> Callable[[Any], Point]:
        def at(t: Any) -> Point:
            here = [p.array.copy() for p in self.params]
            self.move(t, d)
            loss = np.float64(self.closure())
            g = self.gradient()
            for p, array in zip(self.params, here, strict=True):
                p.array[...] = array
                p.bump_version()
            return Point(t, loss, g, dot(g, d))

        return at


def _direction(state: dict[str, Any], g: Array, history_size: int) -> Array:
    """The inverse Hessian, as far as it is known, times the negative gradient."""
    if state["n_iter"] == 1:
        state |= {"old_dirs": [], "old_stps": [], "ro": [], "H_diag": 1.0}
        return -g
    changes, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
    y = g - state["prev_flat_grad"].array
    s = state["d"].array * float(state["t"])
    curvature = dot(y, s)
    if curvature > 1e-10:
        if len(changes) == history_size:
            for past in (changes, steps, ro):
                past.pop(0)
        changes.append(_wrapped(y))
        steps.append(_wrapped(s))
        ro.append(float(1.0 / curvature))
        state["H_diag"] = float(curvature / dot(y, y))
    q = -g
    alphas = []
    for change, taken, r in zip(changes[::-1], steps[::-1], ro[::-1], strict=True):
        alphas.append(dot(taken.array, q) * float(r))
        q -= alphas[-1] * change.array
    q *= float(state["H_diag"])
    for change, taken, r, alpha in zip(changes, steps, ro, alphas[::-1], strict=True):
        q += (alpha - dot(change.array, q) * float(r)) * taken.array
    return q


def _wrapped(array: Array) -> Tensor:
    return wrap(Tensor, array)  # type: ignore[no-any-return]
