"""D-Adapt Adam."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import absolute, maximum, minimum, sqrt, where

from minigrad.optim.fused.global_sums import global_sum
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Defazio & Mishchenko 2023, Algorithm 5, arXiv:2301.07733",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    measured=["d", "numerator"],
    start={"d": "d0"},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
        "d0": "(0, inf]",
        "growth_rate": "[1, inf]",
    },
)
def dadapt_adam(
    theta, g, m, v, s, d, numerator, t, *,
    lr=1.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, d0=1e-6, growth_rate=float("inf"),
):  # fmt: skip
    beta1, beta2 = betas
    root2 = beta2**0.5
    rate = d * lr
    top = rate * global_sum(g * s / (sqrt(v) + eps))
    m = beta1 * m + rate * (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    s = root2 * s + rate * (1 - root2) * g
    bottom = global_sum(absolute(s))
    numerator = root2 * numerator + (1 - root2) * top
    hat = where(bottom > 0, numerator / ((1 - root2) * bottom), 0.0)
    theta = theta * (1 - rate * weight_decay) - m / (sqrt(v) + eps)
    return theta, m, v, s, maximum(d, minimum(hat, d * growth_rate)), numerator


class DAdaptAdam(RuleOptimizer, rule=dadapt_adam):
    """Adam that finds its rate: `d` estimates the distance to the solution, and `lr` stays 1.

    The estimate is over all parameters of the optimizer.  There is no bias correction, as in the
    paper.
    """
