"""AdaMod."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import minimum, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Ding, Ren, Luo & Sun 2019, Algorithm 1, arXiv:1910.12249",
    state={"m": "exp_avg", "v": "exp_avg_sq", "r": "exp_avg_lr"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def adamod(
    theta, g, m, v, r, t, *,
    lr=1e-3, betas=(0.9, 0.99, 0.9999), eps=1e-8, weight_decay=0,
):  # fmt: skip
    beta1, beta2, beta3 = betas
    theta = theta * (1 - lr * weight_decay)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t) / (sqrt(v) + eps)
    r = beta3 * r + (1 - beta3) * rate
    return theta - minimum(rate, r) * m, m, v, r


class AdaMod(RuleOptimizer, rule=adamod):
    """Adam whose rates stay below their running mean."""
