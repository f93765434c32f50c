"""Tiger."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sign

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Su 2023, Tiger: a tight-fisted optimizer, github.com/bojone/tiger",
    state={"m": "exp_avg"},
    legal={"lr": "[0, inf]", "beta": "[0, 1]", "weight_decay": "[0, inf]"},
)
def tiger(theta, g, m, *, lr=1e-3, beta=0.965, weight_decay=1e-2):
    m = beta * m + (1 - beta) * g
    return theta * (1 - lr * weight_decay) - lr * sign(m), m


class Tiger(RuleOptimizer, rule=tiger):
    """Lion with one beta: the sign of the momentum it keeps."""
