"""AggMo."""

# mypy: allow-untyped-defs, allow-untyped-calls

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Lucas, Sun, Zemel & Grosse 2018, Algorithm 1, arXiv:1804.00325",
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "weight_decay": "[0, inf]"},
)
def aggmo(theta, g, b1, b2, b3, *, lr=0.1, betas=(0.0, 0.9, 0.99), weight_decay=0):
    if weight_decay:
        g = g + weight_decay * theta
    b1, b2, b3 = (beta * b + g for beta, b in zip(betas, (b1, b2, b3), strict=True))
    return theta - lr / 3 * (b1 + b2 + b3), b1, b2, b3


class AggMo(RuleOptimizer, rule=aggmo):
    """SGD with the mean of three momentums, one of them slow."""
