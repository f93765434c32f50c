"""SignSGD and Signum."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sign

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Bernstein et al. 2018, Algorithm 2, arXiv:1802.04434",
    state={"b": "momentum_buffer"},
    legal={"lr": "[0, inf]", "momentum": "[0, 1]", "weight_decay": "[0, inf]"},
)
def signsgd(theta, g, b, *, lr=1e-3, momentum=0.9, weight_decay=0):
    theta = theta * (1 - lr * weight_decay)
    if momentum:
        g = b = momentum * b + (1 - momentum) * g
    return theta - lr * sign(g), b


class SignSGD(RuleOptimizer, rule=signsgd):
    """Steps of one size, along the sign of a momentum, or without momentum of the gradient."""
