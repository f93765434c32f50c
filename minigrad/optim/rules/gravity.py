"""Gravity."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import absolute, max

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Bahrami & Zadeh 2021, Algorithm 1, arXiv:2101.09192",
    legal={"lr": "[0, inf]", "beta": "[0, 1]"},
)
def gravity(theta, g, v, t, *, lr=1e-2, beta=0.9):
    beta_t = (beta * t + 1) / (t + 2)
    zeta = g / (1 + (g * max(absolute(g))) ** 2)
    v = beta_t * v + (1 - beta_t) * zeta
    return theta - lr * v, v


class Gravity(RuleOptimizer, rule=gravity):
    """Momentum of gradients whose outliers are damped.

    The velocity starts at zero, as with the paper's alpha = 0; the paper starts it from noise.
    """
