"""AdaBelief."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Zhuang et al. 2020, Algorithm 2, arXiv:2010.07468",
    state={"m": "exp_avg", "s": "exp_avg_var"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def adabelief(theta, g, m, s, t, *, lr=1e-3, betas=(0.9, 0.999), eps=1e-16, weight_decay=0):
    beta1, beta2 = betas
    theta = theta * (1 - lr * weight_decay)
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * (g - m) * (g - m) + eps
    root = sqrt(s) / (1 - beta2**t) ** 0.5
    return theta - lr / (1 - beta1**t) * m / (root + eps), m, s


class AdaBelief(RuleOptimizer, rule=adabelief):
    """Adam scaled by how far gradients are from their running mean, not from zero.

    As in the authors' code, `eps` is added to the root too, and the weight decay is decoupled.
    """
