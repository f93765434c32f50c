"""Lion."""

# mypy: allow-untyped-defs

from numpy import sign

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Chen et al. 2023, Algorithm 2, arXiv:2302.06675",
    state={"m": "exp_avg"},
    legal={"lr": "[0, inf]", "betas": "[0, 1]", "weight_decay": "[0, inf]"},
)
def lion(theta, g, m, *, lr=1e-4, betas=(0.9, 0.99), weight_decay=0):
    beta1, beta2 = betas
    step = sign(beta1 * m + (1 - beta1) * g) + weight_decay * theta
    return theta - lr * step, beta2 * m + (1 - beta2) * g


class Lion(RuleOptimizer, rule=lion):
    """Steps of the same size for all elements, in the direction of a momentum's sign."""
