"""Fromage."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import where
from numpy.linalg import norm

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Bernstein et al. 2020, Algorithm 1, arXiv:2002.03432",
    legal={"lr": "[0, inf]"},
)
def fromage(theta, g, *, lr=1e-2):
    size, slope = norm(theta), norm(g)
    ratio = where((size > 0) & (slope > 0), size / slope, 1.0)
    return (theta - lr * ratio * g) / (1 + lr**2) ** 0.5


class Fromage(RuleOptimizer, rule=fromage):
    """Steps of a fixed part of a parameter's norm, on a shrinking sphere."""
