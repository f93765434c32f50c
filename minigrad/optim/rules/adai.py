"""Adai."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import clip, maximum

from minigrad.optim.fused.global_sums import global_mean
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Xie et al. 2020, Algorithm 2, arXiv:2006.15815",
    state={"m": "exp_avg", "v": "exp_avg_sq", "product": "beta1_prod"},
    start={"product": 1},
    legal={"lr": "[0, inf]", "betas": "[0, inf]", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def adai(
    theta, g, m, v, product, t, *,
    lr=1e-3, betas=(0.1, 0.99), eps=1e-3, weight_decay=0,
):  # fmt: skip
    beta0, beta2 = betas
    if weight_decay:
        g = g + weight_decay * theta
    v = beta2 * v + (1 - beta2) * g * g
    square = v / (1 - beta2**t)
    mean = maximum(global_mean(square), eps)
    beta1 = clip(1 - beta0 * (square / mean), 0.0, 1 - eps)
    product = product * beta1
    m = beta1 * m + (1 - beta1) * g
    return theta - lr * m / (1 - product), m, v, product


class Adai(RuleOptimizer, rule=adai):
    """Momentum whose inertia, not whose rate, follows the mean square of each element."""
