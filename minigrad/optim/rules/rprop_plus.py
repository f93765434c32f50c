"""Rprop with backtracking."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import clip, sign, where

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Igel & Huesken 2000, Rprop+, Improving the Rprop learning algorithm",
    state={"last": "previous_grad", "size": "step_size", "move": "previous_step"},
    start={"size": "lr"},
    legal={"lr": "[0, inf]", "etas": "(0, inf]", "step_sizes": "[0, inf]"},
)
def rprop_plus(
    theta, g, last, size, move, *,
    lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50),
):  # fmt: skip
    agree = g * last
    factor = where(agree > 0, etas[1], where(agree < 0, etas[0], 1.0))
    size = clip(size * factor, *step_sizes)
    move = where(agree < 0, -move, -sign(g) * size)
    return theta + move, where(agree < 0, 0.0, g), size, where(agree < 0, 0.0, move)


class RpropPlus(RuleOptimizer, rule=rprop_plus):
    """Rprop that takes a step back where the sign of a gradient has changed.

    `Rprop` is torch's, iRprop- of the same paper.
    """
