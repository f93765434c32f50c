"""Cautious AdamW."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import maximum, mean, sqrt, where

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Liang et al. 2024, Algorithm 1, arXiv:2411.16085",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def cautious_adamw(theta, g, m, v, t, *, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0):
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    agree = where(m * g > 0, 1.0, 0.0)
    rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
    theta = theta - rate * m * agree / maximum(mean(agree), 1e-3) / (sqrt(v) + eps)
    return theta * (1 - lr * weight_decay), m, v


class CautiousAdamW(RuleOptimizer, rule=cautious_adamw):
    """AdamW without steps that the gradient disagrees with; the others are larger to make up."""
