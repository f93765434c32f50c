"""D-Adapt SGD."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import maximum, minimum, where

from minigrad.optim.fused.global_sums import global_norm, global_sum
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Defazio & Mishchenko 2023, Algorithm 4, arXiv:2301.07733",
    measured=["d", "g0", "numerator"],
    start={"d": "d0", "z": "theta"},
    legal={
        "lr": "[0, inf]",
        "momentum": "[0, 1)",
        "weight_decay": "[0, inf]",
        "d0": "(0, inf]",
        "growth_rate": "[1, inf]",
    },
)
def dadapt_sgd(
    theta, g, z, s, d, g0, numerator, t, *,
    lr=1.0, momentum=0.9, weight_decay=0, d0=1e-6, growth_rate=float("inf"),
):  # fmt: skip
    g0 = global_norm(g) if t == 1 else g0
    if weight_decay:
        g = g + weight_decay * theta
    rate = d * lr / g0
    numerator = numerator + rate * global_sum(g * s)
    s = s + rate * g
    size = global_norm(s)
    hat = where(size > 0, 2 * numerator / size, 0.0)
    z = z - rate * g
    theta = momentum * theta + (1 - momentum) * z
    return theta, z, s, maximum(d, minimum(hat, d * growth_rate)), g0, numerator


class DAdaptSGD(RuleOptimizer, rule=dadapt_sgd):
    """SGD with momentum that finds its rate: `lr` stays 1."""
