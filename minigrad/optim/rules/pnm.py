"""Positive-negative momentum."""

# mypy: allow-untyped-defs, allow-untyped-calls

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Xie et al. 2021, Algorithm 1, arXiv:2103.17182",
    state={"a": "pos_momentum", "b": "neg_momentum"},
    legal={"lr": "[0, inf]", "betas": "[0, inf]", "weight_decay": "[0, inf]"},
)
def pnm(theta, g, a, b, t, *, lr=1e-3, betas=(0.9, 1.0), weight_decay=0):
    beta1, beta2 = betas[0] ** 2, betas[1]
    theta = theta * (1 - lr * weight_decay)
    odd = t % 2
    a = odd * (beta1 * a + (1 - beta1) * g) + (1 - odd) * a
    b = odd * b + (1 - odd) * (beta1 * b + (1 - beta1) * g)
    now, before = odd * a + (1 - odd) * b, odd * b + (1 - odd) * a
    scale = ((1 + beta2) ** 2 + beta2**2) ** 0.5
    return theta - lr * ((1 + beta2) * now - beta2 * before) / scale, a, b


class PNM(RuleOptimizer, rule=pnm):
    """Two momentums, of odd and of even steps: one is added, the other subtracted, for noise."""
