"""Helpers for the tests of update rules: parameters, runs and a rule of a user."""

import numpy as np
from numpy import sign

from minigrad.optim import RuleOptimizer, rule
from minigrad.tensor.creation import from_numpy


def parameter(array):
    return from_numpy(np.array(array)).requires_grad_()


def stepped(cls, start, gradients, **options):
    """The parameter after one step per gradient."""
    p = parameter(start)
    optimizer = cls([p], **options)
    for g in gradients:
        p.grad = from_numpy(np.array(g))
        optimizer.step()
    return p.detach().numpy()


@rule(
    paper="Chen et al. 2023, Algorithm 2, arXiv:2302.06675",
    state={"m": "exp_avg"},
    legal={"lr": "[0, inf)", "betas": "[0, 1)"},
)
def lion(theta, g, m, *, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
    """Steps of one size, in the direction of a momentum."""
    beta1, beta2 = betas
    step = sign(beta1 * m + (1 - beta1) * g)
    return theta - lr * (step + weight_decay * theta), beta2 * m + (1 - beta2) * g


class Lion(RuleOptimizer, rule=lion):
    """Sign momentum."""
