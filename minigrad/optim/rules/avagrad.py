"""AvaGrad."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sqrt

from minigrad.optim.fused.global_sums import global_mean
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Savarese et al. 2019, Algorithm 2, arXiv:1912.01823",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    measured=["gamma"],
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def avagrad(theta, g, m, v, gamma, t, *, lr=0.1, betas=(0.9, 0.999), eps=0.1, weight_decay=0):
    beta1, beta2 = betas
    theta = theta * (1 - lr * weight_decay)
    m = beta1 * m + (1 - beta1) * g
    if t > 1:
        root = sqrt(v) / (1 - beta2 ** (t - 1)) ** 0.5
        theta = theta - gamma * lr / (1 - beta1**t) * m / (root + eps)
    rate = 1 / (sqrt(v) / (1 - beta2**t) ** 0.5 + eps)
    v = beta2 * v + (1 - beta2) * g * g
    return theta, m, v, 1 / sqrt(global_mean(rate * rate))


class AvaGrad(RuleOptimizer, rule=avagrad):
    """Adam that scales by the mean square of the step before, and all rates to a mean of 1.

    The first step only measures.  As in the authors' code the mean is over all parameters.
    """
