"""AccSGD."""

# mypy: allow-untyped-defs, allow-untyped-calls

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Kidambi et al. 2018, Algorithm 3, arXiv:1803.05591",
    state={"b": "momentum_buffer"},
    start={"b": "theta"},
    legal={"lr": "[0, inf]", "kappa": "(0, inf]", "xi": "[0, inf]", "weight_decay": "[0, inf]"},
)
def accsgd(theta, g, b, *, lr=1e-3, kappa=1000.0, xi=10.0, constant=0.7, weight_decay=0):
    alpha = 1 - xi * constant**2 / kappa
    zeta = constant / (constant + (1 - alpha))
    if weight_decay:
        g = g + weight_decay * theta
    b = alpha * b + (1 - alpha) * (theta - lr * kappa / constant * g)
    return zeta * (theta - lr * g) + (1 - zeta) * b, b


class AccSGD(RuleOptimizer, rule=accsgd):
    """Accelerated SGD for noisy gradients: long steps are averaged, short ones are taken."""
