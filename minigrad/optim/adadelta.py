"""Adadelta."""

# mypy: allow-untyped-defs

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Zeiler 2012, Algorithm 1, arXiv:1212.5701",
    state={"v": "square_avg", "u": "acc_delta"},
    legal={"lr": "[0, inf]", "rho": "[0, 1]", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def adadelta(theta, g, v, u, t, *, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0):
    if weight_decay:
        g = g + weight_decay * theta
    v = rho * v + (1 - rho) * g * g
    delta = sqrt(u + eps) / sqrt(v + eps) * g
    u = rho * u + (1 - rho) * delta * delta
    return theta - lr * delta, v, u


class Adadelta(RuleOptimizer, rule=adadelta):
    """Steps in the units of the parameter: scaled by a running mean of earlier steps."""
