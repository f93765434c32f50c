"""Adafactor."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.kernels.reduction.reduce import sum as total
from minigrad.optim.optimizer import ArrayOptimizer, ParamGroup, ParamsT
from minigrad.optim.optimizer.array_optimizer import norm, state_array
from minigrad.tensor import Tensor


class Adafactor(ArrayOptimizer):
    """Adam's scaling from two vectors per matrix: means of squared gradients of rows and columns.

    `lr` bounds the step relative to the parameter's root mean square, and scales the weight decay;
    `d` bounds the root mean square of the update.  `eps[0]`, by default the dtype's epsilon, is
    the lower bound for the root of the mean squares; `eps[1]` is the lower bound for the
    parameter's root mean square.  As in torch, eps[0] bounds the quotient, where the paper adds it
    to the squares.
    Paper: Shazeer & Stern 2018, arXiv:1804.04235.
    """

    legal: ClassVar[Mapping[str, str]] = {
        "lr": "[0, inf]", "beta2_decay": "[-inf, 0]", "eps": "[0, inf]", "d": "[1, inf]",
        "weight_decay": "[0, inf]",
    }  # fmt: skip

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d}
        more = {"weight_decay": weight_decay, "foreach": foreach, "maximize": maximize}
        super().__init__(params, settings | more)

    def _state_shapes(self, param: Tensor) -> dict[str, Shape | None]:
        shape = param.shape
        if len(shape) < 2:
            return {"step": (), "variance": shape}
        return {"step": (), "row_var": (*shape[:-1], 1), "col_var": (*shape[:-2], 1, shape[-1])}

    def _update(self, group: ParamGroup, theta: Array, g: Array, state: dict[str, Any]) -> None:
        g = -g if group["maximize"] else g
        steps = state_array(state, "step", (), np.float32)
        steps += 1
        t, lr = float(steps), float(group["lr"])
        eps1, eps2 = group["eps"]
        eps1 = float(np.finfo(theta.dtype).eps) if eps1 is None else eps1
        weight = t ** group["beta2_decay"]  # of this step's squares in their means
        step_size = max(eps2, _root_mean_square(theta)) * min(lr, 1 / t**0.5)
        if group["weight_decay"]:
            theta *= 1 - lr * group["weight_decay"]
        update = g / np.sqrt(np.maximum(_variance(g, weight, eps1, state), eps1 * eps1))
        theta -= step_size / max(1.0, _root_mean_square(update) / group["d"]) * update


def _root_mean_square(x: Array) -> float:
    return norm(x) / math.sqrt(max(x.size, 1))


def _update_means(means: Array, new: Array, weight: float) -> Array:
    """The running means, changed in place, with the given weight of the new values."""
    means *= 1 - weight
    means += weight * new
    return means


def _mean(x: Array, axis: int) -> Array:
    """The mean along an axis, which may be empty."""
    mean: Array = total(x, (axis % x.ndim,), True) / max(x.shape[axis], 1)
    return mean


def _variance(g: Array, weight: float, eps1: float, state: dict[str, Any]) -> Array:
    """Running means of the squares: of all elements of a vector, of rows and columns otherwise."""
    if g.ndim < 2:
        means = state_array(state, "variance", g.shape, g.dtype)
        return _update_means(means, g * g, weight)
    squares = g * g
    rows = state_array(state, "row_var", (*g.shape[:-1], 1), g.dtype)
    columns = state_array(state, "col_var", (*g.shape[:-2], 1, g.shape[-1]), g.dtype)
    _update_means(rows, _mean(squares, -1), weight)
    _update_means(columns, _mean(squares, -2), weight)
    estimate: Array = rows * columns / np.maximum(_mean(rows, -2), eps1)
    return estimate
