"""LARS."""

# mypy: allow-untyped-defs

from numpy import where
from numpy.linalg import norm

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="You, Gitman & Ginsburg 2017, Algorithm 1, arXiv:1708.03888",
    state={"b": "momentum_buffer"},
    legal={
        "lr": "[0, inf]", "momentum": "[0, inf]", "weight_decay": "[0, inf]",
        "trust_coefficient": "[0, inf]", "eps": "[0, inf]",
    },
)  # fmt: skip
def lars(
    theta, g, b, *,
    lr=1e-2, momentum=0.9, weight_decay=0, trust_coefficient=1e-3, eps=0,
):  # fmt: skip
    size, slope = norm(theta), norm(g)
    local = trust_coefficient * size / (slope + weight_decay * size + eps)
    local = where((size > 0) & (slope > 0), local, 1)
    b = momentum * b + lr * local * (g + weight_decay * theta)
    return theta - b, b


class LARS(RuleOptimizer, rule=lars):
    """Momentum with a learning rate per parameter, proportional to the parameter's norm.

    If the norm of the parameter or of its gradient is zero, the rate is `lr`.
    """
