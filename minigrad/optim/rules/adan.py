"""Adan."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Xie et al. 2022, Algorithm 1, arXiv:2208.06677",
    state={"m": "exp_avg", "d": "exp_avg_diff", "n": "exp_avg_sq", "last": "previous_grad"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def adan(
    theta, g, m, d, n, last, t, *,
    lr=1e-3, betas=(0.98, 0.92, 0.99), eps=1e-8, weight_decay=0,
):  # fmt: skip
    beta1, beta2, beta3 = betas
    change = g - last if t > 1 else 0 * g
    m = beta1 * m + (1 - beta1) * g
    d = beta2 * d + (1 - beta2) * change
    n = beta3 * n + (1 - beta3) * (g + beta2 * change) ** 2
    root = sqrt(n) / (1 - beta3**t) ** 0.5 + eps
    step = m / (1 - beta1**t) + beta2 * d / (1 - beta2**t)
    return (theta - lr * step / root) / (1 + lr * weight_decay), m, d, n, g


class Adan(RuleOptimizer, rule=adan):
    """Nesterov momentum from the change of gradients, scaled as in Adam.

    The weight decay is proximal: it divides the new parameter.  The first change is zero, as in
    the authors' code.
    """
