"""MADGRAD."""

# mypy: allow-untyped-defs, allow-untyped-calls

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Defazio & Jelassi 2021, Algorithm 1, arXiv:2101.11075",
    state={"nu": "grad_sum_sq", "x0": "x0"},
    start={"x0": "theta"},
    legal={"lr": "[0, inf]", "momentum": "[0, 1)", "weight_decay": "[0, inf]", "eps": "[0, inf]"},
)
def madgrad(theta, g, nu, s, x0, t, *, lr=1e-2, momentum=0.9, weight_decay=0, eps=1e-6):
    if weight_decay:
        g = g + weight_decay * theta
    rate = (lr + eps if lr else 0) * t**0.5
    nu = nu + rate * g * g
    s = s + rate * g
    z = x0 - s / (nu ** (1 / 3) + eps)
    return momentum * theta + (1 - momentum) * z, nu, s, x0


class MADGRAD(RuleOptimizer, rule=madgrad):
    """Dual averaging with cube roots: steps from the start, not from where training is.

    As in the authors' code, `eps` is added to the rate, too.
    """
