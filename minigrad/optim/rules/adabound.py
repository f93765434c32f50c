"""AdaBound."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import clip, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Luo, Xiong, Liu & Sun 2019, Algorithm 2, arXiv:1902.09843",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={
        "lr": "[0, inf]",
        "final_lr": "[0, inf]",
        "betas": "[0, 1)",
        "gamma": "(0, inf]",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
    },
)
def adabound(
    theta, g, m, v, t, *,
    lr=1e-3, final_lr=0.1, betas=(0.9, 0.999), gamma=1e-3, eps=1e-8, weight_decay=0,
):  # fmt: skip
    beta1, beta2 = betas
    low, high = final_lr * (1 - 1 / (gamma * t + 1)), final_lr * (1 + 1 / (gamma * t))
    theta = theta * (1 - lr * weight_decay)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    rate = lr * (1 - beta2**t) ** 0.5 / (1 - beta1**t) / (sqrt(v) + eps)
    return theta - clip(rate, low, high) * m, m, v


class AdaBound(RuleOptimizer, rule=adabound):
    """Adam whose rates are bounded more and more closely around `final_lr`: it ends as SGD.

    The authors' code scales `final_lr` with a schedule of `lr`; here schedule both.
    """
