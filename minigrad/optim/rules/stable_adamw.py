"""StableAdamW."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import maximum, mean, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Wortsman et al. 2023, Algorithm 2, arXiv:2304.13013",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def stable_adamw(theta, g, m, v, t, *, lr=1e-3, betas=(0.9, 0.99), eps=1e-8, weight_decay=1e-2):
    beta1, beta2 = ((b**t - b) / (b**t - 1) for b in betas)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    rate = lr / maximum(sqrt(mean(g * g / maximum(v, eps**2))), 1.0)
    return theta * (1 - rate * weight_decay) - rate * m / (sqrt(v) + eps), m, v


class StableAdamW(RuleOptimizer, rule=stable_adamw):
    """AdamW with Adafactor's limit: the rate shrinks when gradients outgrow their mean squares."""
