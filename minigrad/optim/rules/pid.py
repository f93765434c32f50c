"""PID."""

# mypy: allow-untyped-defs, allow-untyped-calls

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="An et al. 2018, A PID controller approach for stochastic optimization of deep networks",
    state={"i": "i_buffer", "d": "d_buffer", "last": "grad_buffer"},
    legal={"lr": "[0, inf]", "momentum": "[0, 1]", "weight_decay": "[0, inf]"},
)
def pid(
    theta, g, i, d, last, t, *,
    lr=1e-3, momentum=0.9, dampening=0, derivative=10, integral=5, weight_decay=0,
):  # fmt: skip
    if weight_decay:
        g = g + weight_decay * theta
    i = momentum * i + (1 - dampening) * g
    d = momentum * d + (1 - momentum) * (g - last) if t > 1 else d
    return theta - lr * (g + integral * i + derivative * d), i, d, g


class PID(RuleOptimizer, rule=pid):
    """A controller of the gradient: proportional to it, to its sum and to its change."""
