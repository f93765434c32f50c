"""Muon for every parameter."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from numpy import sqrt

from minigrad.optim.fused.matrices import orthogonal, rows_of
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    whole=True,
    paper="Jordan et al. 2024, kellerjordan.github.io/posts/muon; Bernstein & Newhouse 2024",
    state={"b": "momentum_buffer", "v": "exp_avg_sq"},
    start={"v": lambda theta, hyper: np.zeros_like(theta) if theta.ndim < 2 else None},
    legal={
        "lr": "[0, inf]",
        "momentum": "[0, 1)",
        "aux_lr": "[0, inf]",
        "aux_betas": "[0, 1)",
        "ns_steps": "[0, 99]",
        "weight_decay": "[0, inf]",
    },
)
def muon_all(
    theta, g, b, v, t, *,
    lr=0.02, momentum=0.95, nesterov=True, dual_norm=False, ns_steps=5, weight_decay=0,
    aux_lr=3e-4, aux_betas=(0.9, 0.95), aux_eps=1e-10,
):  # fmt: skip
    if theta.ndim < 2:
        beta1, beta2 = aux_betas
        b = beta1 * b + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        step = b / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + aux_eps)
        return theta * (1 - aux_lr * weight_decay) - aux_lr * step, b, v
    b = momentum * b + (1 - momentum) * g
    x = rows_of((1 - momentum) * g + momentum * b if nesterov else b)
    step = orthogonal(x, ns_steps)
    scale = (step * x).sum() if dual_norm else max(1, x.shape[0] / x.shape[1]) ** 0.5
    return theta * (1 - lr * weight_decay) - lr * scale * step.reshape(theta.shape), b, v


class MuonAll(RuleOptimizer, rule=muon_all):
    """Muon for matrices and, flattened, for convolutions; AdamW with `aux_lr` for vectors.

    With `dual_norm` the step is scaled by the momentum's nuclear norm: steepest descent under the
    spectral norm.  Embeddings and the last layer are matrices, too: `optim.partition` can give
    them another rule.
    """
