"""SGDP."""

# mypy: allow-untyped-defs, allow-untyped-calls

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer
from minigrad.optim.rules.adamp import projected


@rule(
    whole=True,
    paper="Heo et al. 2021, Algorithm 1, arXiv:2006.08217",
    state={"b": "momentum"},
    legal={
        "lr": "[0, inf]",
        "momentum": "[0, 1)",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
        "delta": "[0, inf]",
        "wd_ratio": "[0, 1]",
    },
)
def sgdp(
    theta, g, b, *,
    lr=1e-2, momentum=0.9, dampening=0, weight_decay=0, nesterov=False, delta=0.1, wd_ratio=0.1,
    eps=1e-8,
):  # fmt: skip
    b = momentum * b + (1 - dampening) * g
    step = g + momentum * b if nesterov else b
    step, ratio = projected(theta, g, step, delta, wd_ratio, eps)
    return theta * (1 - lr * weight_decay * ratio / (1 - momentum)) - lr * step, b


class SGDP(RuleOptimizer, rule=sgdp):
    """Momentum whose steps do not grow the norm of weights that are normalised afterwards."""
