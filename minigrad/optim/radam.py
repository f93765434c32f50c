"""RAdam."""

# mypy: allow-untyped-defs

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Liu et al. 2020, Algorithm 2, arXiv:1908.03265",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def radam(
    theta, g, m, v, t, *,
    lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False,
):  # fmt: skip
    beta1, beta2 = betas
    if weight_decay and decoupled_weight_decay:
        theta = theta * (1 - lr * weight_decay)
    elif weight_decay:
        g = g + weight_decay * theta
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    m_hat = m / (1 - beta1**t)
    rho_inf = 2 / (1 - beta2) - 1
    rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 5:  # too few steps to know the variance
        return theta - lr * m_hat, m, v
    r = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
    return theta - lr * r * (1 - beta2**t) ** 0.5 * m_hat / (sqrt(v) + eps), m, v


class RAdam(RuleOptimizer, rule=radam):
    """Adam without its denominator until the denominator's variance is small enough.

    The denominator is used when the paper's rho exceeds 5, as in torch; the paper has 4.
    """
