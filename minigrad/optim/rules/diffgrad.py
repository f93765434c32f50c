"""DiffGrad."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import absolute, exp, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Dubey et al. 2019, Algorithm 1, arXiv:1909.11015",
    state={"m": "exp_avg", "v": "exp_avg_sq", "last": "previous_grad"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def diffgrad(theta, g, m, v, last, t, *, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0):
    beta1, beta2 = betas
    theta = theta * (1 - lr * weight_decay)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    friction = 1 / (1 + exp(-absolute(last - g)))
    rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    return theta - rate * friction * m / (sqrt(v) + eps), m, v, g


class DiffGrad(RuleOptimizer, rule=diffgrad):
    """Adam that slows down where gradients hardly change."""
