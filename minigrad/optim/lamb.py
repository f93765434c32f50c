"""LAMB."""

# mypy: allow-untyped-defs

from numpy import sqrt, where
from numpy.linalg import norm

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="You et al. 2020, Algorithm 2, arXiv:1904.00962",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def lamb(theta, g, m, v, t, *, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0):
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    step = m_hat / (sqrt(v_hat) + eps) + weight_decay * theta
    size, length = norm(theta), norm(step)
    trust = where((size > 0) & (length > 0), size / length, 1)
    return theta - lr * trust * step, m, v


class LAMB(RuleOptimizer, rule=lamb):
    """Adam with steps whose norm is the norm of their parameter, times `lr`.

    If the norm of the parameter or of its step is zero, the step is Adam's.
    """
