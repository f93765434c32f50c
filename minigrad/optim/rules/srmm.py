"""SRMM."""

# mypy: allow-untyped-defs, allow-untyped-calls

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Bottou, Curtis & Nocedal; Shi et al. 2022, arXiv:2201.01652",
    state={"m": "mov_avg_grad", "x": "mov_avg_param"},
    legal={"lr": "[0, inf]", "beta": "[0, 1]", "memory_length": "[1, inf]"},
)
def srmm(theta, g, m, x, t, *, lr=1e-2, beta=0.5, memory_length=100):
    weight = (t % memory_length + 1) ** -beta
    m = (1 - weight) * m + weight * g
    x = (1 - weight) * x + weight * theta - lr * m
    return x, m, x


class SRMM(RuleOptimizer, rule=srmm):
    """Means of gradients and parameters, with the weight t^-beta, begun anew at times."""
