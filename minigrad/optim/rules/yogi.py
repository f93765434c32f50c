"""Yogi."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sign, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Zaheer et al. 2018, Adaptive methods for nonconvex optimization, Algorithm 2",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    start={"m": "initial_accumulator", "v": "initial_accumulator"},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "eps": "[0, inf]",
        "initial_accumulator": "[0, inf]",
        "weight_decay": "[0, inf]",
    },
)
def yogi(
    theta, g, m, v, t, *,
    lr=1e-2, betas=(0.9, 0.999), eps=1e-3, initial_accumulator=1e-6, weight_decay=0,
):  # fmt: skip
    beta1, beta2 = betas
    theta = theta * (1 - lr * weight_decay)
    m = beta1 * m + (1 - beta1) * g
    v = v - (1 - beta2) * sign(v - g * g) * g * g
    root = sqrt(v) / (1 - beta2**t) ** 0.5 + eps
    return theta - lr / (1 - beta1**t) * m / root, m, v


class Yogi(RuleOptimizer, rule=yogi):
    """Adam whose mean square changes by at most a part of the new square: it cannot collapse."""
