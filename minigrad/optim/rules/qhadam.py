"""QHAdam."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Ma & Yarats 2018, Algorithm 2, arXiv:1810.06801",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "nus": "[0, inf]",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
    },
)
def qhadam(
    theta, g, m, v, t, *,
    lr=1e-3, betas=(0.9, 0.999), nus=(0.7, 1.0), eps=1e-8, weight_decay=0,
):  # fmt: skip
    (beta1, beta2), (nu1, nu2) = betas, nus
    if weight_decay:
        g = g + weight_decay * theta
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    mean = nu1 * m / (1 - beta1**t) + (1 - nu1) * g
    square = nu2 * v / (1 - beta2**t) + (1 - nu2) * g * g
    return theta - lr * mean / (sqrt(square) + eps), m, v


class QHAdam(RuleOptimizer, rule=qhadam):
    """Adam that mixes its means, of the weights `nus`, with the gradient and its square."""
