"""AdaShift."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    whole=True,
    paper="Zhou et al. 2019, Algorithm 1, arXiv:1810.00143",
    state={"m": "exp_avg", "v": "exp_avg_sq", "queue": "grad_queue"},
    start={
        "v": lambda theta, hyper: np.zeros((), theta.dtype),
        "queue": lambda theta, hyper: np.zeros((hyper["keep_num"], *theta.shape), theta.dtype),
    },
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "keep_num": "[1, 99]", "eps": "[0, inf]"},
)
def adashift(
    theta, g, m, v, queue, t, *,
    lr=1e-3, betas=(0.9, 0.999), keep_num=10, eps=1e-10,
):  # fmt: skip
    (beta1, beta2), place = betas, (t - 1) % keep_num
    total = sum(beta1**k for k in range(keep_num))
    oldest = queue[place].copy()
    queue[place] = g
    if t <= keep_num:
        return theta, beta1 * m + g / total, v, queue
    m = beta1 * (m - beta1 ** (keep_num - 1) / total * oldest) + g / total
    v = beta2 * v + (1 - beta2) * (oldest * oldest).max()
    root = sqrt(v / (1 - beta2 ** max(1, t - keep_num))) + eps
    return theta - lr * m / root, m, v, queue


class AdaShift(RuleOptimizer, rule=adashift):
    """Adam whose scale comes from a gradient ten steps old, the largest square of the parameter.

    The first `keep_num` steps only gather gradients.
    """
