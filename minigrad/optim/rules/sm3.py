"""SM3."""

# mypy: allow-untyped-defs, allow-untyped-calls

import numpy as np
from numpy import maximum, sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


def _along(axis):
    """A state with one element for each position along an axis, if there is one."""

    def start(theta, hyper):
        shape = [1] * theta.ndim
        if axis >= theta.ndim:
            return None if axis else np.zeros((), theta.dtype)
        shape[axis] = theta.shape[axis]
        return np.zeros(shape, theta.dtype)

    return start


@rule(
    whole=True,
    paper="Anil, Gupta, Koren & Singer 2019, SM3-II, arXiv:1901.11150",
    state={f"a{k}": f"accumulator_{k}" for k in range(5)} | {"m": "momentum_buffer"},
    start={f"a{k}": _along(k) for k in range(5)},
    legal={"lr": "[0, inf]", "momentum": "[0, 1)", "beta": "[0, 1)", "eps": "[0, inf]"},
)
def sm3(theta, g, a0, a1, a2, a3, a4, m, *, lr=0.1, momentum=0, beta=0, eps=1e-30):
    known = [a for a in (a0, a1, a2, a3, a4) if a is not None]
    v = np.minimum.reduce(np.broadcast_arrays(*known, g)[:-1])
    v = (beta * v if beta else v) + (1 - beta) * g * g
    for k, a in enumerate(known):
        others = tuple(axis for axis in range(g.ndim) if axis != k)
        largest = v.max(axis=others, keepdims=True) if others else v
        known[k] = maximum(a, largest) if beta else largest
    step = g / sqrt(v + eps)
    m = momentum * m + (1 - momentum) * step if momentum else m
    accumulators = known + [None] * (5 - len(known))
    return theta - lr * (m if momentum else step), *accumulators, m


class SM3(RuleOptimizer, rule=sm3):
    """Adagrad from a number for each row, column and so on, where Adagrad has one for each element.

    It takes parameters of up to five axes.
    """
