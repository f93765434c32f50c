"""Averaged stochastic gradient descent."""

# mypy: allow-untyped-defs

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Polyak & Juditsky 1992; step sizes: Bottou 2010, Stochastic gradient descent tricks",
    numbers=["eta", "mu"],
    start={"eta": "lr", "mu": 1},
    legal={"lr": "[0, inf]", "lambd": "[0, inf]", "weight_decay": "[0, inf]"},
)
def asgd(
    theta, g, ax, eta, mu, t, *,
    lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0,
):  # fmt: skip
    if weight_decay:
        g = g + weight_decay * theta
    theta = theta * (1 - lambd * eta) - eta * g
    ax = theta if mu == 1 else ax + mu * (theta - ax)
    eta = lr / (1 + lambd * lr * t) ** alpha
    mu = 1 / max(1, t - t0)
    return theta, ax, eta, mu


class ASGD(RuleOptimizer, rule=asgd):
    """Gradient descent whose state `ax` is the mean of the parameters after step `t0`.

    PyTorch differs: it keeps `eta` and `mu` in the default dtype, here they are always float64.
    """
