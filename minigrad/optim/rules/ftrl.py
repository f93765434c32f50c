"""FTRL-Proximal."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import absolute, sign, sqrt, where

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="McMahan et al. 2013, Algorithm 1, Ad click prediction: a view from the trenches",
    legal={"lr": "(0, inf]", "beta": "[0, inf]", "lambda1": "[0, inf]", "lambda2": "[0, inf]"},
)
def ftrl(theta, g, z, n, *, lr=1e-2, lr_power=-0.5, beta=0, lambda1=0, lambda2=0):
    new = n + g * g
    sigma = (new**-lr_power - n**-lr_power) / lr
    z = z + g - sigma * theta
    root = (sqrt(new) + beta) / lr + lambda2
    return where(absolute(z) <= lambda1, 0.0, (sign(z) * lambda1 - z) / root), z, new


class FTRL(RuleOptimizer, rule=ftrl):
    """Follow the regularized leader: Adagrad with an L1 penalty that sets parameters to zero."""
