"""Gauss-Newton and Levenberg-Marquardt, for sums of squares."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from minigrad.autograd import grad
from minigrad.core.types import Array
from minigrad.ops import cat
from minigrad.ops.linalg import lapack
from minigrad.optim.closures.vector import VectorOptimizer, kept
from minigrad.optim.optimizer import ParamGroup, ParamsT
from minigrad.tensor import Tensor

# Steps of Gauss-Newton are halved so often; a damping beyond the limit means that none helps.
_HALVINGS, _MOST_DAMPING = 30, 1e16
# The settings that both have.
_LEGAL = {"max_iter": "[0, inf)", "tolerance_grad": "[0, inf]", "tolerance_change": "[0, inf]"}


class _Point(NamedTuple):
    """Residuals at a point, and half of the sum of their squares."""

    residuals: Tensor
    loss: float


class _Model(NamedTuple):
    """The residuals near a point x: r + jacobian @ step, in double precision."""

    x: Array
    jacobian: Array
    r: Array
    loss: float


class _LeastSquares(VectorOptimizer):
    """What both have: the closure gives residuals, as a tensor of any shape."""

    vectors = ("scale",)
    numbers = ("n_iter", "func_evals", "damping")
    integers = frozenset({"max_iter"})

    def _iterate(self, closure: Callable[[], Any], group: ParamGroup) -> Any:
        state = self._shared_state()
        state.setdefault("n_iter", 0)
        state.setdefault("func_evals", 0)
        at = self._evaluated(closure)
        first = at.residuals
        for _ in range(group["max_iter"]):
            x = self._vector()
            jacobian = jacobian_of(at.residuals, self._params())
            r = at.residuals.array.ravel().astype(np.float64)
            slope = jacobian.T @ r
            if not np.abs(slope).max(initial=0) > group["tolerance_grad"]:
                break
            state["n_iter"] += 1
            found = self._better(closure, group, _Model(x, jacobian, r, at.loss))
            if found is None:
                self._move_to(x)
                break
            moved = np.abs(self._vector() - x).max()
            at = found
            if moved <= group["tolerance_change"] * (np.abs(x).max() + group["tolerance_change"]):
                break
        return first.detach()

    def _evaluated(self, closure: Callable[[], Any]) -> _Point:
        residuals = closure()
        if not isinstance(residuals, Tensor):
            raise TypeError(
                f"the closure of {type(self).__name__} returns residuals as a tensor, got "
                f"{type(residuals).__name__}"
            )
        self._shared_state()["func_evals"] += 1
        r = residuals.array.astype(np.float64)
        return _Point(residuals, float((r * r).sum() / 2))

    def _better(
        self, closure: Callable[[], Any], group: ParamGroup, model: _Model
    ) -> _Point | None:
        """Move to a point with less loss; None if there is none to be found."""
        raise NotImplementedError


class GaussNewton(_LeastSquares):
    """Newton's method for half of a sum of squares, without second derivatives of the residuals.

    `step(closure)` takes up to `max_iter` steps.  The closure returns the residuals, a tensor; it
    runs no backward.  A step solves the linear least-squares problem of the residuals' derivatives
    and is halved until the loss falls.  The result of `step` is the first residuals.
    Paper: Nocedal & Wright 2006, Section 10.3.

    >>> import minigrad as mg
    >>> x = mg.tensor([-1.2, 1.0], dtype=mg.float64, requires_grad=True)
    >>> optimizer = mg.optim.GaussNewton([x])
    >>> _ = optimizer.step(lambda: mg.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]]))
    >>> mg.allclose(x, mg.ones(2, dtype=mg.float64))
    True
    """

    legal: ClassVar[Mapping[str, str]] = _LEGAL | {"lr": "(0, inf)"}

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1.0,
        max_iter: int = 20,
        tolerance_grad: float = 1e-10,
        tolerance_change: float = 1e-12,
    ) -> None:
        tolerances = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        super().__init__(params, {"lr": lr, "max_iter": max_iter} | tolerances)

    def _better(
        self, closure: Callable[[], Any], group: ParamGroup, model: _Model
    ) -> _Point | None:
        x, jacobian, r, loss = model
        step = _least_squares(jacobian, -r)
        slope = float((jacobian @ step) @ r)
        t = float(group["lr"])
        for _ in range(_HALVINGS):
            self._move_to(x + t * step)
            new = self._evaluated(closure)
            if new.loss <= loss + 1e-4 * t * slope:
                return new
            t /= 2
        return None


class LevenbergMarquardt(_LeastSquares):
    """Gauss-Newton's steps, shortened by a damping that follows how well they do.

    `step(closure)` takes up to `max_iter` steps.  The closure returns the residuals, a tensor; it
    runs no backward.  The damping is relative to the largest slopes so far of each parameter, so a
    parameter in other units makes no difference.  The result of `step` is the first residuals.
    Paper: Moré 1978, The Levenberg-Marquardt algorithm; damping: Nielsen 1999, IMM-REP-1999-05.

    >>> import minigrad as mg
    >>> x = mg.tensor([-1.2, 1.0], dtype=mg.float64, requires_grad=True)
    >>> optimizer = mg.optim.LevenbergMarquardt([x], max_iter=100)
    >>> _ = optimizer.step(lambda: mg.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]]))
    >>> mg.allclose(x, mg.ones(2, dtype=mg.float64))
    True
    """

    legal: ClassVar[Mapping[str, str]] = _LEGAL | {"damping": "(0, inf)"}

    def __init__(
        self,
        params: ParamsT,
        damping: float = 1e-3,
        max_iter: int = 20,
        tolerance_grad: float = 1e-10,
        tolerance_change: float = 1e-12,
    ) -> None:
        tolerances = {"tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change}
        super().__init__(params, {"damping": damping, "max_iter": max_iter} | tolerances)

    def _better(
        self, closure: Callable[[], Any], group: ParamGroup, model: _Model
    ) -> _Point | None:
        x, jacobian, r, loss = model
        state = self._shared_state()
        slopes = np.sqrt((jacobian * jacobian).sum(axis=0))
        before = state["scale"].array if "scale" in state else np.zeros_like(slopes)
        scale = np.maximum(before, slopes)
        state["scale"] = kept(scale)
        weights = np.where(scale > 0, scale, 1.0)
        kept_damping: Any = state.get("damping", group["damping"])
        damping, growth = float(kept_damping), 2.0
        while damping < _MOST_DAMPING:
            rows = np.vstack([jacobian, np.diag(weights * damping**0.5)])
            step = _least_squares(rows, np.append(-r, np.zeros(x.size)))
            self._move_to(x + step)
            new = self._evaluated(closure)
            expected = r @ r / 2 - ((r + jacobian @ step) ** 2).sum() / 2
            gain = (loss - new.loss) / expected if expected > 0 else -1.0
            if gain > 1e-4:
                state["damping"] = damping * max(1 / 3, 1 - (2 * gain - 1) ** 3)
                return new
            damping, growth = damping * growth, growth * 2
        state["damping"] = damping
        return None


def _least_squares(a: Array, b: Array) -> Array:
    """The shortest x for which the norm of `a x - b` is least."""
    u, s, vt = lapack.svd(a, full_matrices=False)
    is_kept = s > s.max(initial=0) * max(a.shape) * np.finfo(np.float64).eps
    return np.asarray(vt.T @ (np.where(is_kept, u.T @ b, 0) / np.where(is_kept, s, 1)))


def jacobian_of(residuals: Tensor, params: list[Tensor]) -> Array:
    """The derivatives of residuals, (residuals, elements of all parameters), in double precision.

    By rows, one backward pass for each residual, or by columns, one for each element, whichever are
    fewer.  A column is the derivative of a vector-Jacobian product by the vector.
    """
    flat = residuals.reshape(-1)
    n = sum(p.array.size for p in params)
    if flat.numel() <= n:
        rows = [
            _joined(grad(flat[i], params, retain_graph=True, allow_unused=True), params)
            for i in range(flat.numel())
        ]
        return np.array([row.detach().array for row in rows], np.float64).reshape(-1, n)
    u = flat.detach().clone().requires_grad_()
    pulled = grad(flat, params, u, create_graph=True, retain_graph=True, allow_unused=True)
    vector = _joined(pulled, params)
    columns = np.zeros((flat.numel(), n))
    for j in range(n):
        if vector.requires_grad:
            (column,) = grad(vector[j], [u], retain_graph=True, allow_unused=True)
            columns[:, j] = 0.0 if column is None else column.detach().array
    return columns


def _joined(gradients: Any, params: list[Tensor]) -> Tensor:
    """Gradients of all parameters as one vector; zeros where there is none."""
    parts = [
        (p.detach() * 0 if g is None else g).reshape(-1)
        for g, p in zip(gradients, params, strict=True)
    ]
    joined: Tensor = cat(parts)
    return joined
