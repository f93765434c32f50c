"""AdaNorm."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import sqrt, where
from numpy.linalg import norm

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Dubey, Singh & Chaudhuri 2022, Algorithm 1, arXiv:2210.06364",
    state={"m": "exp_avg", "v": "exp_avg_var", "e": "exp_grad_norm"},
    measured=["e"],
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "r": "[0, 1]",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
    },
)
def adanorm(
    theta, g, m, v, e, t, *,
    lr=1e-3, betas=(0.9, 0.99), r=0.95, eps=1e-8, weight_decay=0,
):  # fmt: skip
    beta1, beta2 = betas
    theta = theta * (1 - lr * weight_decay)
    size = norm(g)
    e = r * e + (1 - r) * size
    m = beta1 * m + (1 - beta1) * g * where((size > 0) & (e > size), e / size, 1.0)
    v = beta2 * v + (1 - beta2) * g * g
    root = (sqrt(v) + eps) / (1 - beta2**t) ** 0.5
    return theta - lr / (1 - beta1**t) * m / root, m, v, e


class AdaNorm(RuleOptimizer, rule=adanorm):
    """Adam of gradients whose norm is at least its running mean."""
