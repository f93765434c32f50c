"""Grams."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import absolute, sign, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Cao, Li & Song 2024, Algorithm 1, arXiv:2412.17107",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def grams(theta, g, m, v, t, *, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0):
    beta1, beta2 = betas
    theta = theta * (1 - lr * weight_decay)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    step = m / (1 - beta1**t) / (sqrt(v) / (1 - beta2**t) ** 0.5 + eps)
    return theta - lr * absolute(step) * sign(g), m, v


class Grams(RuleOptimizer, rule=grams):
    """Adam's size of a step in the direction of the gradient's sign."""
