"""LaProp."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Ziyin, Wang & Ueda 2020, Algorithm 1, arXiv:2002.04839",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    measured=["rate"],
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def laprop(theta, g, m, v, rate, t, *, lr=4e-4, betas=(0.9, 0.999), eps=1e-15, weight_decay=0):
    beta1, beta2 = betas
    v = beta2 * v + (1 - beta2) * g * g
    rate = beta1 * rate + (1 - beta1) * lr
    m = beta1 * m + (1 - beta1) * lr * g / (sqrt(v / (1 - beta2**t)) + eps)
    theta = theta - (lr / rate * m if lr else m)
    return theta * (1 - lr * weight_decay), m, v, rate


class LaProp(RuleOptimizer, rule=laprop):
    """Momentum of gradients that are scaled first, where Adam scales the momentum."""
