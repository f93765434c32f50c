"""Padam."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Chen & Gu 2018, Algorithm 1, arXiv:1806.06763",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "partial": "[0, 0.5]",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
    },
)
def padam(
    theta, g, m, v, t, *,
    lr=0.1, betas=(0.9, 0.999), partial=0.25, eps=1e-8, weight_decay=0,
):  # fmt: skip
    beta1, beta2 = betas
    if weight_decay:
        g = g + weight_decay * theta
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    return theta - rate * m / (sqrt(v) + eps) ** (2 * partial), m, v


class PAdam(RuleOptimizer, rule=padam):
    """Between Adam and momentum: mean squares to the power `partial`, 1/2 in Adam and 0 in SGD."""
