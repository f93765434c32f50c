"""NAdam."""

# mypy: allow-untyped-defs

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Dozat 2016, Incorporating Nesterov momentum into Adam",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    numbers=["mu_product"],
    start={"mu_product": 1},
    legal={
        "lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]",
        "momentum_decay": "[0, inf]",
    },
)  # fmt: skip
def nadam(
    theta, g, m, v, mu_product, t, *,
    lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3,
    decoupled_weight_decay=False,
):  # fmt: skip
    beta1, beta2 = betas
    if weight_decay and decoupled_weight_decay:
        theta = theta * (1 - lr * weight_decay)
    elif weight_decay:
        g = g + weight_decay * theta
    mu = beta1 * (1 - 0.5 * 0.96 ** (t * momentum_decay))
    mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * momentum_decay))
    mu_product = mu_product * mu
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    root = sqrt(v / (1 - beta2**t)) + eps
    theta = theta - lr * (1 - mu) / (1 - mu_product) * g / root
    theta = theta - lr * mu_next / (1 - mu_product * mu_next) * m / root
    return theta, m, v, mu_product


class NAdam(RuleOptimizer, rule=nadam):
    """Adam with Nesterov's momentum, which grows towards beta1 at the rate `momentum_decay`.

    PyTorch differs: it keeps `mu_product` in the default dtype, here it is always float64.
    """
