"""MARS."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import maximum, sqrt
from numpy.linalg import norm

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Yuan et al. 2024, Algorithm 2, arXiv:2411.10438",
    state={"m": "exp_avg", "v": "exp_avg_sq", "last": "last_grad"},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "gamma": "[0, inf]",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
    },
)
def mars(
    theta, g, m, v, last, t, *,
    lr=3e-3, betas=(0.95, 0.99), gamma=0.025, eps=1e-8, weight_decay=0,
):  # fmt: skip
    beta1, beta2 = betas
    c = g + gamma * beta1 / (1 - beta1) * (g - last)
    c = c / maximum(norm(c), 1.0)
    m = beta1 * m + (1 - beta1) * c
    v = beta2 * v + (1 - beta2) * c * c
    root = (sqrt(v) / (1 - beta2**t) ** 0.5 + eps) * (1 - beta1**t)
    return theta * (1 - lr * weight_decay) - lr * m / root, m, v, g


class MARS(RuleOptimizer, rule=mars):
    """AdamW of gradients with less variance: their change is added, and their norm is at most 1.

    This is MARS-AdamW without a second batch, for parameters of any shape.
    """
