"""Prodigy."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import absolute, maximum, minimum, sqrt, where

from minigrad.optim.fused.global_sums import global_sum
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Mishchenko & Defazio 2023, Algorithm 4, arXiv:2306.06101",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    measured=["d", "d_max", "numerator"],
    start={"d": "d0", "d_max": "d0", "p0": "theta"},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
        "d0": "(0, inf]",
        "d_coef": "(0, inf]",
        "growth_rate": "[1, inf]",
    },
)
def prodigy(
    theta, g, m, v, s, p0, d, d_max, numerator, *,
    lr=1.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, d0=1e-6, d_coef=1.0,
    growth_rate=float("inf"),
):  # fmt: skip
    (beta1, beta2), beta3 = betas, betas[1] ** 0.5
    numerator = beta3 * numerator + d / d0 * d * lr * global_sum(g * (p0 - theta))
    m = beta1 * m + d * (1 - beta1) * g
    v = beta2 * v + d * d * (1 - beta2) * g * g
    s = beta3 * s + d / d0 * d * lr * g
    bottom = global_sum(absolute(s))
    hat = where(bottom > 0, d_coef * numerator / bottom, d)
    first = where(d == d0, maximum(d, hat), d)
    d_max = maximum(d_max, hat)
    new = where(bottom > 0, minimum(d_max, first * growth_rate), d)
    theta = theta * (1 - d * lr * weight_decay) - d * lr * m / (sqrt(v) + d * eps)
    return theta, m, v, s, p0, new, d_max, numerator


class Prodigy(RuleOptimizer, rule=prodigy):
    """Adam that finds its rate, faster than D-Adapt Adam: `lr` stays 1.

    The estimate is over all parameters of the optimizer.  There is no bias correction, and the
    weight decay is decoupled.
    """
