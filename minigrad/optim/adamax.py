"""Adamax."""

# mypy: allow-untyped-defs

from numpy import absolute, maximum

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Kingma & Ba 2015, Algorithm 2, arXiv:1412.6980",
    state={"m": "exp_avg", "u": "exp_inf"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def adamax(
    theta, g, m, u, t, *,
    lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0,
):  # fmt: skip
    beta1, beta2 = betas
    if weight_decay:
        g = g + weight_decay * theta
    m = beta1 * m + (1 - beta1) * g
    u = maximum(beta2 * u, absolute(g) + eps)
    return theta - lr / (1 - beta1**t) * m / u, m, u


class Adamax(RuleOptimizer, rule=adamax):
    """Adam with a decaying maximum of gradients in place of the mean square.

    `eps` is added to the absolute gradient, as in torch; the paper has no eps.
    """
