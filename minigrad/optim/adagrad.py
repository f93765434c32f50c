"""Adagrad."""

# mypy: allow-untyped-defs

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Duchi, Hazan & Singer 2011, JMLR 12",
    state={"s": "sum"},
    start={"s": "initial_accumulator_value"},
    legal={
        "lr": "[0, inf]", "lr_decay": "[0, inf]", "weight_decay": "[0, inf]",
        "initial_accumulator_value": "[0, inf]", "eps": "[0, inf]",
    },
)  # fmt: skip
def adagrad(
    theta, g, s, t, *,
    lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10,
):  # fmt: skip
    if weight_decay:
        g = g + weight_decay * theta
    s = s + g * g
    step_size = lr / (1 + (t - 1) * lr_decay)
    return theta - step_size * g / (sqrt(s) + eps), s


class Adagrad(RuleOptimizer, rule=adagrad):
    """Steps scaled by the root of all squared gradients so far.

    PyTorch differs: there the state exists before the first step.
    """
