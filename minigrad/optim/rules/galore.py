"""GaLore."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from numpy import sqrt

from minigrad.optim.fused.matrices import rows_of, svd
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


def _basis(theta, hyper):
    """The start of the projection of a matrix; None for vectors, which are not projected."""
    if theta.ndim < 2:
        return None
    rows, columns = rows_of(theta).shape
    return np.zeros((min(rows, columns), min(hyper["rank"], rows, columns)), theta.dtype)


def _mean(theta, hyper):
    if theta.ndim < 2:
        return np.zeros_like(theta)
    rows, columns = rows_of(theta).shape
    rank = min(hyper["rank"], rows, columns)
    return np.zeros((rows, rank) if rows >= columns else (rank, columns), theta.dtype)


def _project(x, basis):
    return x @ basis if x.shape[0] >= x.shape[1] else basis.T @ x


@rule(
    whole=True,
    paper="Zhao et al. 2024, Algorithm 2, arXiv:2403.03507",
    state={"m": "exp_avg", "v": "exp_avg_sq", "basis": "projector"},
    start={"m": _mean, "v": _mean, "basis": _basis},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
        "rank": "[1, inf]",
        "interval": "[1, inf]",
        "scale": "[0, inf]",
    },
)
def galore(
    theta, g, m, v, basis, t, *,
    lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0, rank=128, interval=200, scale=1.0,
):  # fmt: skip
    (beta1, beta2), x = betas, g if basis is None else rows_of(g)
    if basis is not None:
        if (t - 1) % interval == 0:
            u, _, vt = svd(x)
            basis = (vt.T if x.shape[0] >= x.shape[1] else u)[:, : basis.shape[1]]
        x = _project(x, basis)
    m = beta1 * m + (1 - beta1) * x
    v = beta2 * v + (1 - beta2) * x * x
    step = m / (sqrt(v) + eps)
    if basis is not None:
        rows, columns = rows_of(theta).shape
        step = scale * (step @ basis.T if rows >= columns else basis @ step).reshape(theta.shape)
    rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    return (theta - rate * step) * (1 - lr * weight_decay), m, v, basis


class GaLore(RuleOptimizer, rule=galore):
    """AdamW in the `rank` largest directions of each matrix's gradient: less state.

    The directions are found anew every `interval` steps.
    """
