"""Rprop."""

# mypy: allow-untyped-defs

from collections.abc import Mapping
from typing import Any

from numpy import clip, sign, where

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Riedmiller & Braun 1993, A direct adaptive method for faster backpropagation learning",
    state={"g_before": "prev"},
    start={"step_size": "lr"},
    legal={"lr": "[0, inf]"},
)
def rprop(theta, g, g_before, step_size, t, *, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
    eta_minus, eta_plus = etas
    agrees = sign(g * g_before)
    factor = where(agrees > 0, eta_plus, where(agrees < 0, eta_minus, 1))
    step_size = clip(step_size * factor, *step_sizes)
    g = where(agrees < 0, 0, g)
    return theta - sign(g) * step_size, g, step_size


class Rprop(RuleOptimizer, rule=rprop):
    """A step size for each element, which grows while its gradient keeps its sign.

    It is for gradients of the whole data set: the noise of batches changes signs.
    PyTorch differs: there a nan gradient counts as 0, here it makes the parameter nan.
    """

    def check_together(self, hyper: Mapping[str, Any]) -> None:
        eta_minus, eta_plus = hyper["etas"]
        if not 0 < eta_minus < 1 < eta_plus:
            raise ValueError(f"Rprop: etas must be in (0, 1) and (1, inf), got {hyper['etas']}")
