"""SPlus."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from numpy import sign

from minigrad.optim.fused.matrices import eigh
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


def _side(axis, unit):
    def start(theta, hyper):
        if theta.ndim != 2 or theta.shape[axis] >= hyper["max_dim"]:
            return None
        size = theta.shape[axis]
        return np.eye(size, dtype=theta.dtype) if unit else np.zeros((size, size), theta.dtype)

    return start


def _basis(side, eps):
    return None if side is None else eigh(side + eps * np.eye(len(side), dtype=side.dtype))[1]


@rule(
    whole=True,
    paper="Frans, Levine & Abbeel 2025, Algorithm 1, arXiv:2506.07254",
    state={"m": "momentum"},
    start={
        "left": _side(0, False),
        "right": _side(1, False),
        "q": _side(0, True),
        "q2": _side(1, True),
    },
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "weight_decay": "[0, inf]",
        "ema_rate": "[0, 1)",
        "interval": "[1, inf]",
        "max_dim": "[0, inf]",
    },
)
def splus(
    theta, g, m, ema, left, right, q, q2, t, *,
    lr=0.1, betas=(0.9, 0.999), weight_decay=0.01, ema_rate=0.999, interval=100,
    constant=1e-3, max_dim=10000, eps=1e-30,
):  # fmt: skip
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * g
    rate = lr * (2 / sum(theta.shape) if theta.ndim == 2 else constant)
    step = m if q is None else q.T @ m
    step = sign(step if q2 is None else step @ q2)
    step = step if q is None else q @ step
    step = step if q2 is None else step @ q2.T
    left = left if left is None else beta2 * left + (1 - beta2) * g @ g.T
    right = right if right is None else beta2 * right + (1 - beta2) * g.T @ g
    if t == 1 or t % interval == 0:
        q, q2 = _basis(left, eps), _basis(right, eps)
    theta = theta - rate * step
    ema = ema_rate * ema + (1 - ema_rate) * theta
    return theta * (1 - rate * weight_decay), m, ema, left, right, q, q2


class SPlus(RuleOptimizer, rule=splus):
    """Signs in the eigenbasis of Shampoo's factors.

    The state `ema` over `1 - ema_rate**t` is the mean of the parameters, to be used after training.
    """
