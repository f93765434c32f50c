"""Apollo."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import absolute, maximum, sum

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Ma 2020, Algorithm 1, arXiv:2009.13586",
    state={"m": "exp_avg_grad", "h": "approx_hessian", "d": "update"},
    legal={
        "lr": "[0, inf]",
        "beta": "[0, 1)",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
        "warmup": "[0, inf]",
    },
)
def apollo(
    theta, g, m, h, d, t, *,
    lr=1e-2, init_lr=1e-5, beta=0.9, eps=1e-4, rebound=0.01, warmup=500, weight_decay=0,
):  # fmt: skip
    lr = lr if t >= warmup else (lr - init_lr) * t / warmup + init_lr
    if weight_decay:
        g = g + weight_decay * theta
    alpha = (1 - beta) / (1 - beta**t)
    change = g - m
    m = m + alpha * change
    size = sum(d * d * d * d) ** 0.25 + eps / rebound
    d = d / size
    h = h + (-alpha * sum(change / size * d) - sum(h * d * d)) * d * d
    d = m / maximum(absolute(h), rebound)
    return theta - lr * d, m, h, d


class Apollo(RuleOptimizer, rule=apollo):
    """A diagonal Hessian by a secant condition, rectified to be positive."""
