"""D-Adapt Lion."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import absolute, maximum, sign, where

from minigrad.optim.fused.global_sums import global_sum
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Defazio & Mishchenko 2023, arXiv:2301.07733; github.com/facebookresearch/dadaptation",
    state={"m": "exp_avg"},
    measured=["d", "numerator"],
    start={"d": "d0"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "weight_decay": "[0, inf]", "d0": "(0, inf]"},
)
def dadapt_lion(
    theta, g, m, s, d, numerator, *,
    lr=1.0, betas=(0.9, 0.999), weight_decay=0, d0=1e-6,
):  # fmt: skip
    (beta1, beta2), root2 = betas, betas[1] ** 0.5
    rate = d * lr
    step = sign(beta1 * m + (1 - beta1) * g)
    m = beta2 * m + (1 - beta2) * rate * g
    numerator = root2 * numerator + (1 - root2) * rate * global_sum(step * s)
    s = root2 * s + (1 - root2) * rate * step
    bottom = global_sum(absolute(s))
    hat = where(bottom > 0, numerator / ((1 - root2) * bottom), 0.0)
    theta = theta * (1 - rate * weight_decay) - rate * step
    return theta, m, s, maximum(d, hat), numerator


class DAdaptLion(RuleOptimizer, rule=dadapt_lion):
    """Lion that finds its rate: `lr` stays 1."""
