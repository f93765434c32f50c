"""PSGD-Kron."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np

from minigrad.optim.fused.matrices import inverse, rows_of
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


def _factor(axis):
    """The start of a triangular factor; None for parameters without this axis."""

    def start(theta, hyper):
        if theta.ndim == 0 or (axis == 0 and theta.ndim == 1):
            return None
        return np.eye(rows_of(theta).shape[axis], dtype=theta.dtype)

    return start


def _moved(q, a, b, rate):
    """A factor, moved by the relative gradient of its criterion."""
    more, less = a @ a.T, b @ b.T
    size = float(np.sqrt(((more + less) ** 2).sum()))
    return q - rate / max(size, 1e-30) * np.triu(more - less).view(type(q)) @ q


@rule(
    whole=True,
    paper="Li 2015, arXiv:1512.04202; Li 2024, Kronecker-factored PSGD, arXiv:2402.11858",
    state={"m": "momentum_buffer", "q": "Q_0", "q2": "Q_1"},
    start={"q": _factor(0), "q2": _factor(1)},
    legal={
        "lr": "[0, inf]",
        "momentum": "[0, 1)",
        "weight_decay": "[0, inf]",
        "precondition_lr": "[0, 1]",
        "interval": "[1, inf]",
    },
)
def kron(
    theta, g, m, q, q2, t, *,
    lr=1e-3, momentum=0.9, weight_decay=0, precondition_lr=0.1, interval=1,
):  # fmt: skip
    m = momentum * m + (1 - momentum) * g
    if q2 is None:
        return theta * (1 - lr * weight_decay) - lr * np.clip(m, -1.1, 1.1), m, q, q2
    x = rows_of(m / (1 - momentum**t))
    if t % interval == 0:
        noise = np.random.default_rng(t).standard_normal(x.shape).astype(x.dtype).view(type(x))
        a, b = x @ q2.T, noise @ inverse(q2)
        a, b = (a, b) if q is None else (q @ a, inverse(q).T @ b)
        q2 = _moved(q2, a.T, b.T, precondition_lr)
        q = None if q is None else _moved(q, a, b, precondition_lr)
    step = x @ q2.T @ q2
    step = step if q is None else q.T @ (q @ step)
    step = step * min(1.1 / (float(np.sqrt((step * step).mean())) + 1e-6), 1.0)
    return theta * (1 - lr * weight_decay) - lr * step.reshape(theta.shape), m, q, q2


class Kron(RuleOptimizer, rule=kron):
    """Gradients whitened by triangular factors of rows and columns, which learn from noise.

    Convolutions are flattened to matrices.  The norm that scales the factors' steps is
    Frobenius's, where the authors estimate the spectral norm, and the noise follows from the step
    count.
    """
