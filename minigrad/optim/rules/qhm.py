"""QHM."""

# mypy: allow-untyped-defs, allow-untyped-calls

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Ma & Yarats 2018, Algorithm 1, arXiv:1810.06801",
    state={"b": "momentum_buffer"},
    legal={"lr": "[0, inf]", "momentum": "[0, 1]", "weight_decay": "[0, inf]"},
)
def qhm(theta, g, b, *, lr=1.0, momentum=0.999, nu=0.7, weight_decay=0):
    if weight_decay:
        g = g + weight_decay * theta
    b = momentum * b + (1 - momentum) * g
    return theta - lr * ((1 - nu) * g + nu * b), b


class QHM(RuleOptimizer, rule=qhm):
    """SGD that mixes momentum, of weight `nu`, with the plain gradient."""
