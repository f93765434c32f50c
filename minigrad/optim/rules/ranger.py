"""Ranger."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sqrt

from minigrad.optim.composition.limits import CENTRALIZED
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Wright 2019; RAdam: Liu et al. 2020; Lookahead: Zhang et al. 2019; Yong et al. 2020",
    state={"m": "exp_avg", "v": "exp_avg_sq", "slow": "slow_buffer"},
    start={"slow": "theta"},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "eps": "[0, inf]",
        "alpha": "[0, 1]",
        "k": "[1, inf]",
        "weight_decay": "[0, inf]",
    },
)
def ranger(
    theta, g, m, v, slow, t, *,
    lr=1e-3, betas=(0.95, 0.999), eps=1e-5, alpha=0.5, k=6, weight_decay=0,
):  # fmt: skip
    beta1, beta2 = betas
    theta = theta * (1 - lr * weight_decay)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    longest, power, rate = 2 / (1 - beta2) - 1, beta2**t, lr / (1 - beta1**t)
    n = longest - 2 * t * power / (1 - power)
    if n >= 5:
        rise = (n - 4) * (n - 2) / n * longest / ((longest - 4) * (longest - 2))
        theta = theta - rate * ((1 - power) * rise) ** 0.5 * m / (sqrt(v) + eps)
    else:
        theta = theta - rate * m
    if t % k == 0:
        theta = slow = slow + alpha * (theta - slow)
    return theta, m, v, slow


ranger.on_gradients = (CENTRALIZED,)


class Ranger(RuleOptimizer, rule=ranger):
    """RAdam with centralized gradients, and every `k` steps back to between there and the start.

    While RAdam's variance is too large, the steps are those of momentum, as in the author's code.
    """
