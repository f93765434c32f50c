"""NovoGrad."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sqrt, sum

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Ginsburg et al. 2019, Algorithm 1, arXiv:1905.11286",
    state={"m": "moments", "v": "grads_ema"},
    measured=["v"],
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def novograd(theta, g, m, v, t, *, lr=1e-3, betas=(0.95, 0.98), eps=1e-8, weight_decay=0):
    beta1, beta2 = betas
    size = sum(g * g)
    v = beta2 * v + (1 - beta2) * size if t > 1 else size
    g = g / (sqrt(v) + eps) + weight_decay * theta
    m = beta1 * m + g if t > 1 else g
    return theta - lr * m, m, v


class NovoGrad(RuleOptimizer, rule=novograd):
    """Momentum of gradients over the running norm of their parameter's: one number of state more
    than SGD.
    """
