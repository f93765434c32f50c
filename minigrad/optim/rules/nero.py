"""Nero."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from numpy import absolute, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


def _sizes(a):
    """The norm of the weights of each output; of a vector, each element's."""
    if a.ndim < 2:
        return absolute(a)
    return sqrt((a * a).sum(axis=tuple(range(1, a.ndim)), keepdims=True))


def _constrained(theta, eps):
    """Weights of each output with zero mean and unit norm."""
    theta = theta - theta.mean(axis=tuple(range(1, theta.ndim)), keepdims=True)
    return theta / (_sizes(theta) + eps)


def _scale(theta, hyper):
    if hyper["constraints"] and theta.ndim > 1:
        theta = _constrained(theta, hyper["eps"])
    return float(_sizes(theta).mean()) or 0.01


@rule(
    whole=True,
    paper="Liu, Bernstein, Meister & Yue 2021, Algorithm 1, arXiv:2102.07227",
    state={"v": "exp_avg_sq"},
    measured=["scale"],
    start={"v": lambda theta, hyper: np.zeros_like(_sizes(theta)), "scale": _scale},
    legal={"lr": "[0, inf]", "beta": "[0, 1)", "eps": "[0, inf]"},
)
def nero(theta, g, v, scale, t, *, lr=1e-2, beta=0.999, constraints=True, eps=1e-8):
    if t == 1 and constraints and theta.ndim > 1:
        theta = _constrained(theta, eps)
    slope = _sizes(g)
    v = beta * v + (1 - beta) * slope * slope
    theta = theta - lr * scale * np.nan_to_num(g / (sqrt(v / (1 - beta**t)) + eps))
    if constraints and theta.ndim > 1:
        theta = _constrained(theta, eps)
    return theta, v, scale


class Nero(RuleOptimizer, rule=nero):
    """Each neuron's weights on a sphere around zero, with steps over its gradient's norm."""
