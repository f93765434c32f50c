"""Nelder and Mead's simplex."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.optim.closures.vector import VectorOptimizer, kept
from minigrad.optim.optimizer import ParamGroup, ParamsT
from minigrad.tensor import Tensor


class _Moves(NamedTuple):
    """How far a corner is reflected, expanded, contracted, and all are drawn together."""

    reflection: float
    expansion: float
    contraction: float
    shrinkage: float


class NelderMead(VectorOptimizer):
    """A simplex of points that walks downhill; it needs values of the loss and no gradients.

    `step(closure)` makes up to `max_iter` moves; the closure returns the loss.  It stops early when
    corners and losses are within `tolerance_change` and `tolerance_loss` of the best.  The first
    corners are `size` of each element away, or 0.00025 where it is zero.  `adaptive` makes moves
    follow the number of elements, for more than a few.  Parameters are the best corner.
    Paper: Nelder & Mead 1965; adaptive: Gao & Han 2012.
    """

    numbers = ("n_iter", "func_evals")
    legal: ClassVar[Mapping[str, str]] = {
        "size": "(0, inf)", "max_iter": "[0, inf)", "tolerance_change": "[0, inf]",
        "tolerance_loss": "[0, inf]",
    }  # fmt: skip
    integers = frozenset({"max_iter"})

    def __init__(
        self,
        params: ParamsT,
        max_iter: int = 200,
        size: float = 0.05,
        adaptive: bool = False,
        tolerance_change: float = 1e-8,
        tolerance_loss: float = 1e-8,
    ) -> None:
        tolerances = {"tolerance_change": tolerance_change, "tolerance_loss": tolerance_loss}
        settings = {"max_iter": max_iter, "size": size, "adaptive": adaptive}
        super().__init__(params, settings | tolerances)

    def _state_shapes(self, param: Tensor) -> dict[str, Shape | None]:
        shapes = super()._state_shapes(param)
        n = sum(p.array.size for p in self._params())
        return shapes | {"simplex": (n + 1, n), "losses": (n + 1,)} if shapes else shapes

    def _iterate(self, closure: Callable[[], Any], group: ParamGroup) -> Any:
        state = self._shared_state()
        first_loss = closure()

        def loss_at(x: Array) -> float:
            self._move_to(x)
            state["func_evals"] += 1
            return float(closure())

        if "simplex" not in state:
            state |= {"n_iter": 0, "func_evals": 0}
            simplex = _first_simplex(self._vector(), group["size"])
            losses = np.array([loss_at(x) for x in simplex])
        else:
            simplex, losses = state["simplex"].array.copy(), state["losses"].array.copy()
        simplex, losses = _sorted(simplex, losses)
        moves = _moves(simplex.shape[1], group["adaptive"])
        for _ in range(group["max_iter"]):
            spread = np.abs(simplex[1:] - simplex[0]).max(initial=0)
            if (
                spread <= group["tolerance_change"]
                and np.abs(losses[1:] - losses[0]).max(initial=0) <= group["tolerance_loss"]
            ):
                break
            _move(simplex, losses, loss_at, moves)
            state["n_iter"] += 1
            simplex, losses = _sorted(simplex, losses)
        state |= {"simplex": kept(simplex), "losses": kept(losses)}
        self._move_to(simplex[0])
        return first_loss


def _moves(n: int, adaptive: bool) -> _Moves:
    if adaptive:
        return _Moves(1.0, 1 + 2 / n, 0.75 - 1 / (2 * n), 1 - 1 / n)
    return _Moves(1.0, 2.0, 0.5, 0.5)


def _first_simplex(x: Array, size: float) -> Array:
    simplex = np.tile(x, (x.size + 1, 1))
    diagonal = np.arange(x.size)
    simplex[diagonal + 1, diagonal] = np.where(x != 0, (1 + size) * x, 0.00025)
    return simplex


def _sorted(simplex: Array, losses: Array) -> tuple[Array, Array]:
    # What is no number comes last.
    order = np.argsort(losses, kind="stable")
    return simplex[order], losses[order]


def _move(simplex: Array, losses: Array, loss_at: Callable[[Array], float], moves: _Moves) -> None:
    """Replace the worst corner by a better one, or draw all corners to the best."""
    centre, worst = simplex[:-1].sum(axis=0) / (len(simplex) - 1), simplex[-1]

    def beyond(factor: float) -> Array:
        return np.asarray((1 + factor) * centre - factor * worst)

    def replace(x: Array, loss: float) -> None:
        simplex[-1], losses[-1] = x, loss

    reflected = beyond(moves.reflection)
    loss = loss_at(reflected)
    if loss < losses[0]:
        expanded = beyond(moves.reflection * moves.expansion)
        farther = loss_at(expanded)
        replace(*((expanded, farther) if farther < loss else (reflected, loss)))
    elif loss < losses[-2]:
        replace(reflected, loss)
    else:
        is_outside = bool(loss < losses[-1])
        side = moves.reflection if is_outside else -1.0
        contracted = beyond(side * moves.contraction)
        nearer = loss_at(contracted)
        if nearer <= loss if is_outside else nearer < losses[-1]:
            replace(contracted, nearer)
            return
        for k in range(1, len(simplex)):
            simplex[k] = simplex[0] + moves.shrinkage * (simplex[k] - simplex[0])
            losses[k] = loss_at(simplex[k])
