"""Muon."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from minigrad.core.types import Array, Shape
from minigrad.kernels.matmul.matmul import matmul
from minigrad.optim.optimizer import ArrayOptimizer, ParamGroup, ParamsT
from minigrad.optim.optimizer.array_optimizer import norm, state_array
from minigrad.tensor import Tensor


class Muon(ArrayOptimizer):
    """Orthogonalized momentum: each step is close to a matrix whose singular values are all 1.

    It is for the weight matrices of hidden layers; AdamW takes the other parameters.
    `adjust_lr_fn` scales the step: "original" by the root of rows over columns, if that exceeds 1;
    "match_rms_adamw" to the root mean square of AdamW's steps, so that AdamW's `lr` fits.
    Raises ValueError for parameters that are not matrices.
    PyTorch differs: it iterates in bfloat16, here it is the parameter's dtype.
    Paper: Jordan et al. 2024, kellerjordan.github.io/posts/muon.
    """

    legal: ClassVar[Mapping[str, str]] = {
        "lr": "[0, inf]", "weight_decay": "[0, inf]", "momentum": "[0, inf]", "eps": "[0, inf]",
        "ns_steps": "[0, 99]",
    }  # fmt: skip
    integers = frozenset({"ns_steps"})

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        settings = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        iteration = {"ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps}
        more = {"nesterov": nesterov, "adjust_lr_fn": adjust_lr_fn}
        super().__init__(params, settings | iteration | more)

    def _check_group(self, group: ParamGroup) -> None:
        super()._check_group(group)
        if group["adjust_lr_fn"] not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                "Muon: adjust_lr_fn must be 'original' or 'match_rms_adamw', got "
                f"{group['adjust_lr_fn']!r}"
            )
        for p in group.get("params", ()):
            if p.ndim != 2:
                raise ValueError(f"Muon optimizes matrices only, got a parameter of {p.shape}")

    def _state_shapes(self, param: Tensor) -> dict[str, Shape | None]:
        return {"momentum_buffer": param.shape}

    def _update(self, group: ParamGroup, theta: Array, g: Array, state: dict[str, Any]) -> None:
        lr, momentum = float(group["lr"]), group["momentum"]
        m = state_array(state, "momentum_buffer", theta.shape, theta.dtype)
        m *= momentum
        m += (1 - momentum) * g
        direction = (1 - momentum) * g + momentum * m if group["nesterov"] else m
        step = _orthogonal(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
        theta *= 1 - lr * group["weight_decay"]
        theta -= lr * _lr_factor(group["adjust_lr_fn"], *theta.shape) * step


def _orthogonal(x: Array, coefficients: tuple[float, ...], steps: int, eps: float) -> Array:
    """Newton-Schulz iteration: singular values go to about 1, singular vectors do not change."""
    a, b, c = coefficients
    wide = x.T if x.shape[0] > x.shape[1] else x
    y = wide / max(norm(wide), eps)
    for _ in range(steps):
        gram = matmul(y, y.T)
        y = a * y + matmul(b * gram + c * matmul(gram, gram), y)
    return y.T if wide is not x else y


def _lr_factor(adjust: str | None, rows: int, columns: int) -> float:
    if adjust == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns)) if columns else 1.0
