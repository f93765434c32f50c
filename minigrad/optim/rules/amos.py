"""Amos."""

# mypy: allow-untyped-defs, allow-untyped-calls

import math

from numpy import mean, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


def _scale(theta, hyper):
    if theta.ndim <= 1:
        return 0.5
    return math.sqrt((2 if theta.ndim == 2 else 1) / theta.shape[1])


@rule(
    paper="Tian & Parikh 2022, Algorithm 1, arXiv:2210.11693",
    state={"b": "decay", "v": "exp_avg_sq", "m": "exp_avg"},
    measured=["v", "b", "scale"],
    start={"scale": _scale},
    legal={
        "lr": "[0, inf]",
        "beta": "[0, 1)",
        "momentum": "[0, 1)",
        "c": "[0, inf]",
        "d": "[0, inf]",
        "eps": "[0, inf]",
    },
)
def amos(
    theta, g, m, v, b, scale, t, *,
    lr=1e-3, beta=0.999, momentum=0, c=0.25, d=0.25, extra_l2=0, eps=1e-18,
):  # fmt: skip
    size = mean(g * g)
    v = beta * v + (1 - beta) * size
    weight = (1 - beta**t) / (v + eps)
    gamma = lr * lr / sqrt(1 + c * lr**0.5 * b) * weight * size
    step = (gamma - extra_l2) / 2 * theta + lr * scale * sqrt(weight) * g
    step = step / (1 + d * sqrt(lr * scale) * b)
    m = momentum * m + (1 - momentum) * step if momentum else m
    return theta - (m if momentum else step), m, v, b * (1 + gamma) + gamma, scale


class Amos(RuleOptimizer, rule=amos):
    """Adam with one rate for each parameter, which decays, and weight decay, by a theory of both.

    `scale` is the expected size of a parameter: 0.5 for vectors, the root of 2 or 1 over the
    inputs for matrices and kernels.
    """
