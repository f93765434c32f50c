"""ADOPT."""

# mypy: allow-untyped-defs

from numpy import clip, maximum, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Taniguchi et al. 2024, Algorithm 2, arXiv:2411.02853",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def adopt(
    theta, g, m, v, t, *,
    lr=1e-3, betas=(0.9, 0.9999), eps=1e-6, weight_decay=0, decoupled_weight_decay=False,
):  # fmt: skip
    beta1, beta2 = betas
    if weight_decay and not decoupled_weight_decay:
        g = g + weight_decay * theta
    if t == 1:
        return theta, m, g * g
    if weight_decay and decoupled_weight_decay:
        theta = theta * (1 - lr * weight_decay)
    limit = (t - 1) ** 0.25
    m = beta1 * m + (1 - beta1) * clip(g / maximum(sqrt(v), eps), -limit, limit)
    return theta - lr * m, m, beta2 * v + (1 - beta2) * g * g


class ADOPT(RuleOptimizer, rule=adopt):
    """Adam that converges for any beta2: a gradient is scaled by the mean square before it.

    The first step only stores the squared gradient; the parameters do not change.
    """
