"""Stochastic gradient descent."""

# mypy: allow-untyped-defs

from collections.abc import Mapping
from typing import Any

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


@rule(
    paper="Sutskever et al. 2013, On the importance of initialization and momentum",
    state={"b": "momentum_buffer"},
    legal={"lr": "[0, inf]", "momentum": "[0, inf]", "weight_decay": "[0, inf]"},
)
def sgd(
    theta, g, b=None, *,
    lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False,
):  # fmt: skip
    if weight_decay:
        g = g + weight_decay * theta
    if momentum:
        b = g if b is None else momentum * b + (1 - dampening) * g
        g = g + momentum * b if nesterov else b
    return theta - lr * g, b


class SGD(RuleOptimizer, rule=sgd):
    """Gradient descent, with momentum, Nesterov's variant of it, and an L2 penalty.

    The momentum starts as the first gradient, undampened, as in torch.  `lr` scales the step, not
    the momentum, so a change of `lr` takes effect at once.

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = mg.optim.SGD([w], lr=0.1, momentum=0.9)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8000, 1.6000], requires_grad=True)
    """

    def check_together(self, hyper: Mapping[str, Any]) -> None:
        if hyper["nesterov"] and (hyper["momentum"] <= 0 or hyper["dampening"] != 0):
            raise ValueError(
                "Nesterov momentum requires a momentum and zero dampening: SGD needs a "
                "momentum and no dampening, got "
                f"momentum={hyper['momentum']}, dampening={hyper['dampening']}"
            )
