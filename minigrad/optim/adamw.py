"""AdamW."""

# mypy: allow-untyped-defs

from numpy import maximum, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Loshchilov & Hutter 2019, Algorithm 2, arXiv:1711.05101; amsgrad: Reddi et al. 2018",
    state={"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def adamw(
    theta, g, m, v, v_max, t, *,
    lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False,
):  # fmt: skip
    beta1, beta2 = betas
    theta = theta * (1 - lr * weight_decay)
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    if amsgrad:
        v_max = maximum(v_max, v)
    step_size = lr / (1 - beta1**t)
    root = sqrt(v_max if amsgrad else v) / (1 - beta2**t) ** 0.5
    return theta - step_size * m / (root + eps), m, v, v_max


class AdamW(RuleOptimizer, rule=adamw):
    """Adam whose weight decay shrinks the parameters directly and stays out of the means.

    PyTorch differs: there it is a kind of `Adam`, with decoupled_weight_decay=True.
    """
