"""AdamP."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import absolute, maximum, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


def projected(theta, g, step, delta, ratio, eps):
    """The step without its part along the parameter, and the factor of the weight decay.

    Both stay as they are unless the gradient is nearly orthogonal to the parameter, which is so
    where a normalisation follows: first by outputs, then as a whole.
    """
    if theta.ndim < 2:
        return step, 1.0
    for rows in (theta.shape[0], 1):
        x, y, u = (a.reshape(rows, -1) for a in (theta, g, step))
        size, slope = (sqrt((a * a).sum(1, keepdims=True)) for a in (x, y))
        cosine = absolute((x * y).sum(1, keepdims=True)) / maximum(size, eps) / maximum(slope, eps)
        if cosine.max() < delta / x.shape[1] ** 0.5:
            x = x / (size + eps)
            return (u - x * (x * u).sum(1, keepdims=True)).reshape(step.shape), ratio
    return step, 1.0


@rule(
    whole=True,
    paper="Heo et al. 2021, Algorithm 2, arXiv:2006.08217",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={
        "lr": "[0, inf]",
        "betas": "[0, 1)",
        "eps": "[0, inf]",
        "weight_decay": "[0, inf]",
        "delta": "[0, inf]",
        "wd_ratio": "[0, 1]",
    },
)
def adamp(
    theta, g, m, v, t, *,
    lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, delta=0.1, wd_ratio=0.1,
):  # fmt: skip
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    step = m / (sqrt(v) + eps) * (1 - beta2**t) ** 0.5
    step, ratio = projected(theta, g, step, delta, wd_ratio, eps)
    return theta * (1 - lr * weight_decay * ratio) - lr / (1 - beta1**t) * step, m, v


class AdamP(RuleOptimizer, rule=adamp):
    """Adam whose steps do not grow the norm of weights that are normalised afterwards."""
