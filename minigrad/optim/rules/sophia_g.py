"""Sophia-G."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from numpy import absolute, minimum, sign

from minigrad.engine.graph import wrap
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer
from minigrad.tensor import Tensor


@rule(
    paper="Liu et al. 2023, Algorithm 3, arXiv:2305.14342",
    state={"m": "exp_avg", "h": "hessian"},
    legal={"lr": "[0, inf]", "betas": "[0, 1)", "rho": "[0, inf]", "weight_decay": "[0, inf]"},
)
def sophia_g(theta, g, m, h, *, lr=1e-4, betas=(0.965, 0.99), rho=0.04, weight_decay=0.1):
    beta1 = betas[0]
    m = beta1 * m + (1 - beta1) * g
    ratio = minimum(absolute(m) / (rho * h + 1e-15), 1.0)
    return theta * (1 - lr * weight_decay) - lr * sign(m) * ratio, m, h


class SophiaG(RuleOptimizer, rule=sophia_g):
    """Momentum over an estimate of the Hessian's diagonal, element by element at most `lr`.

    Every few steps call `update_hessian` when the gradients are those of labels that were drawn
    from the model's own predictions.
    """

    def update_hessian(self, batch_size: float = 1) -> None:
        """Take the squares of the gradients into the estimate, times the size of the batch."""
        for group in self.param_groups:
            beta2 = group["betas"][1]
            for p in group["params"]:
                if p.grad is None:
                    continue
                entry = self.state[p]
                if "hessian" not in entry:
                    entry["hessian"] = wrap(Tensor, np.zeros_like(p.array))
                h = entry["hessian"].array
                h *= beta2
                h += (1 - beta2) * batch_size * p.grad.array * p.grad.array
