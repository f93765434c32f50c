"""Shampoo."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np

from minigrad.optim.fused.matrices import rows_of, svd
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


def _side(axis, factor):
    """The start of a preconditioner: a multiple of the unit matrix; None for scalars."""

    def start(theta, hyper):
        if theta.ndim == 0 or (axis == 0 and theta.ndim == 1):
            return None
        size = rows_of(theta).shape[axis]
        return np.eye(size, dtype=theta.dtype) * (hyper["matrix_eps"] if factor else 0)

    return start


def _inverse_root(a, order):
    """`a` to the power -1 / order."""
    u, s, vt = svd(a)
    return u * s ** (-1 / order) @ vt


@rule(
    whole=True,
    paper="Gupta, Koren & Singer 2018, Algorithm 2, arXiv:1802.09568",
    state={"b": "momentum_buffer"},
    start={
        "left": _side(0, 1),
        "right": _side(1, 1),
        "inv_left": _side(0, 0),
        "inv_right": _side(1, 0),
    },
    legal={
        "lr": "[0, inf]",
        "momentum": "[0, 1)",
        "weight_decay": "[0, inf]",
        "interval": "[1, inf]",
        "matrix_eps": "(0, inf]",
    },
)
def shampoo(
    theta, g, left, right, inv_left, inv_right, b, t, *,
    lr=1e-3, momentum=0, weight_decay=0, interval=1, matrix_eps=1e-6,
):  # fmt: skip
    b = g if t == 1 else (1 - momentum) * g + momentum * b
    g = b + weight_decay * theta
    if right is None:
        return theta - lr * g, left, right, inv_left, inv_right, b
    step = rows_of(g)
    order = 2 if left is None else 4
    if left is not None:
        left = left + step @ step.T
        inv_left = _inverse_root(left, order) if t % interval == 0 else inv_left
    right = right + step.T @ step
    inv_right = _inverse_root(right, order) if t % interval == 0 else inv_right
    b = step = (step if left is None else inv_left @ step) @ inv_right
    step = b = step.reshape(theta.shape)
    return theta - lr * step, left, right, inv_left, inv_right, b


class Shampoo(RuleOptimizer, rule=shampoo):
    """Gradients between inverse roots of the sums of G @ G.T and G.T @ G.

    Convolutions are flattened to matrices; a vector has one factor.  The inverse roots are made
    every `interval` steps.
    """
