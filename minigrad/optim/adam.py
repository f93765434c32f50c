"""Adam."""

# mypy: allow-untyped-defs

from numpy import maximum, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Kingma & Ba 2015, Algorithm 1, arXiv:1412.6980; amsgrad: Reddi et al. 2018",
    state={"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]"},
)
def adam(
    theta, g, m, v, v_max, t, *,
    lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False,
    decoupled_weight_decay=False,
):  # fmt: skip
    beta1, beta2 = betas
    if weight_decay and decoupled_weight_decay:
        theta = theta * (1 - lr * weight_decay)
    elif weight_decay:
        g = g + weight_decay * theta
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    if amsgrad:
        v_max = maximum(v_max, v)
    step_size = lr / (1 - beta1**t)
    root = sqrt(v_max if amsgrad else v) / (1 - beta2**t) ** 0.5
    return theta - step_size * m / (root + eps), m, v, v_max


class Adam(RuleOptimizer, rule=adam):
    """The paper's Adam: steps scaled by running means of the gradient and of its square.

    `weight_decay` is an L2 penalty, part of the gradient; with `decoupled_weight_decay` it shrinks
    the parameters directly, as AdamW does.

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = mg.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 1.9000], requires_grad=True)
    """
