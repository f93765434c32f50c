"""RMSprop."""

# mypy: allow-untyped-defs

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Tieleman & Hinton 2012, lecture 6.5; centered: Graves 2013, arXiv:1308.0850",
    state={"v": "square_avg", "g_mean": "grad_avg", "b": "momentum_buffer"},
    legal={
        "lr": "[0, inf]", "alpha": "[0, inf]", "eps": "[0, inf]", "weight_decay": "[0, inf]",
        "momentum": "[0, inf]",
    },
)  # fmt: skip
def rmsprop(
    theta, g, v, g_mean, b, t, *,
    lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False,
):  # fmt: skip
    if weight_decay:
        g = g + weight_decay * theta
    v = alpha * v + (1 - alpha) * g * g
    if centered:
        g_mean = g_mean + (1 - alpha) * (g - g_mean)
    root = sqrt(v - g_mean * g_mean if centered else v) + eps
    if momentum:
        b = momentum * b + g / root
        return theta - lr * b, v, g_mean, b
    return theta - lr * g / root, v, g_mean, b


class RMSprop(RuleOptimizer, rule=rmsprop):
    """Steps scaled by a running mean of the squared gradient, or of its variance if `centered`."""
