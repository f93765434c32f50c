"""CAME."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


def _zeros(shape_of):
    """A state of zeros; None where the function of the shape gives None."""

    def start(theta, hyper):
        shape = shape_of(theta.shape)
        return None if shape is None else np.zeros(shape, theta.dtype)

    return start


ROW = _zeros(lambda shape: (*shape[:-1], 1) if len(shape) > 1 else None)
COLUMN = _zeros(lambda shape: (*shape[:-2], 1, shape[-1]) if len(shape) > 1 else None)
VECTOR = _zeros(lambda shape: shape if len(shape) < 2 else None)


def _means(row, column, x, beta):
    """Running means of rows and columns, and the inverse root of the elements they stand for."""
    row = beta * row + (1 - beta) * x.mean(-1, keepdims=True)
    column = beta * column + (1 - beta) * x.mean(-2, keepdims=True)
    return row, column, 1 / sqrt(row / row.mean(-2, keepdims=True)) / sqrt(column)


@rule(
    whole=True,
    paper="Luo et al. 2023, Algorithm 2, arXiv:2307.02047",
    state={
        "m": "exp_avg",
        "v": "exp_avg_sq",
        "row": "exp_avg_sq_row",
        "column": "exp_avg_sq_col",
        "row2": "exp_avg_res_row",
        "column2": "exp_avg_res_col",
    },
    start={"v": VECTOR, "row": ROW, "column": COLUMN, "row2": ROW, "column2": COLUMN},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "clip": "(0, inf]", "weight_decay": "[0, inf]"},
)
def came(
    theta, g, m, v, row, column, row2, column2, *,
    lr=2e-4, betas=(0.9, 0.999, 0.9999), eps=(1e-30, 1e-16), clip=1.0, weight_decay=0,
):  # fmt: skip
    (beta1, beta2, beta3), (eps1, eps2) = betas, eps
    square = g * g + eps1
    if theta.ndim < 2:
        v = beta2 * v + (1 - beta2) * square
        step = g / sqrt(v)
    else:
        row, column, factor = _means(row, column, square, beta2)
        step = factor * g
    step = step / max(1.0, float(sqrt((step * step).mean())) / clip)
    m = beta1 * m + (1 - beta1) * step
    factor = 1.0
    if theta.ndim > 1:
        row2, column2, factor = _means(row2, column2, (step - m) ** 2 + eps2, beta3)
    return theta * (1 - lr * weight_decay) - lr * factor * m, m, v, row, column, row2, column2


class CAME(RuleOptimizer, rule=came):
    """Adafactor with momentum that counts less where it differs from the step."""
