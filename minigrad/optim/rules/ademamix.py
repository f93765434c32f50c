"""AdEMAMix."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import exp, log, minimum, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Pagliardini, Ablin & Grangier 2024, Algorithm 1, arXiv:2409.03137",
    state={"m": "exp_avg", "slow": "exp_avg_slow", "v": "exp_avg_sq"},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "alpha": "[0, inf]",
        "warmup": "[0, inf]",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
    },
)
def ademamix(
    theta, g, m, slow, v, t, *,
    lr=1e-3, betas=(0.9, 0.999, 0.9999), alpha=5.0, warmup=0, eps=1e-8, weight_decay=0,
):  # fmt: skip
    beta1, beta2, beta3 = betas
    if t < warmup:
        alpha, a, b = alpha * t / warmup, log(beta1), log(beta3)
        beta3 = minimum(exp(a * b / ((1 - t / warmup) * b + t / warmup * a)), beta3)
    theta = theta * (1 - lr * weight_decay)
    m = beta1 * m + (1 - beta1) * g
    slow = beta3 * slow + (1 - beta3) * g
    v = beta2 * v + (1 - beta2) * g * g
    root = sqrt(v) / (1 - beta2**t) ** 0.5 + eps
    return theta - lr * (m / (1 - beta1**t) + alpha * slow) / root, m, slow, v


class AdEMAMix(RuleOptimizer, rule=ademamix):
    """Adam with a second, much slower mean of gradients beside the first.

    In the first `warmup` steps the weight of the slow mean and its half-life grow.
    """
