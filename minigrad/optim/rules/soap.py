"""SOAP."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from numpy import sqrt

from minigrad.optim.fused.matrices import eigh, qr, rows_of
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


def _side(axis):
    """The start of a factor: zeros; None for vectors."""

    def start(theta, hyper):
        size = rows_of(theta).shape[axis] if theta.ndim > 1 else 0
        return np.zeros((size, size), theta.dtype) if theta.ndim > 1 else None

    return start


def _turned(q, gram, v, axis):
    """One step of power iteration for the eigenvectors, and `v` in their new order."""
    product = gram @ q
    order = np.argsort(-(q * product).sum(0), kind="stable")
    v = np.take(v.reshape(v.shape[0], -1), order, axis).reshape(v.shape)
    return qr(product[:, order]), v


@rule(
    whole=True,
    paper="Vyas et al. 2024, Algorithm 3, arXiv:2409.11321",
    state={
        "m": "exp_avg",
        "v": "exp_avg_sq",
        "gram": "GG_0",
        "gram2": "GG_1",
        "q": "Q_0",
        "q2": "Q_1",
    },
    start={"gram": _side(0), "gram2": _side(1), "q": _side(0), "q2": _side(1)},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
        "interval": "[1, inf]",
    },
)
def soap(
    theta, g, m, v, gram, gram2, q, q2, t, *,
    lr=3e-3, betas=(0.95, 0.95), eps=1e-8, weight_decay=0.01, interval=10,
):  # fmt: skip
    (beta1, beta2), x, k = betas, rows_of(g) if g.ndim > 1 else g, t - 1
    if t > 1:
        m = beta1 * m + (1 - beta1) * g
        here, mean = (x, m) if q is None else (q.T @ x @ q2, q.T @ rows_of(m) @ q2)
        v = beta2 * v + (1 - beta2) * (here * here).reshape(v.shape)
        step = mean / (sqrt(v).reshape(mean.shape) + eps)
        step = (step if q is None else q @ step @ q2.T).reshape(theta.shape)
        theta = theta - lr * (1 - beta2**k) ** 0.5 / (1 - beta1**k) * step
        theta = theta * (1 - lr * weight_decay)
    if q is not None:
        gram, gram2 = (beta2 * a + (1 - beta2) * b for a, b in ((gram, x @ x.T), (gram2, x.T @ x)))
        if t == 1:
            q, q2 = (eigh(a)[1][:, ::-1] for a in (gram, gram2))
        elif k % interval == 0:
            q, v = _turned(q, gram, v, 0)
            q2, v = _turned(q2, gram2, v, 1)
    return theta, m, v, gram, gram2, q, q2


class SOAP(RuleOptimizer, rule=soap):
    """Adam in the eigenbasis of Shampoo's factors, which is brought up to date every few steps.

    The first step only makes the basis.  Convolutions are flattened to matrices, and vectors have
    Adam's steps.
    """
