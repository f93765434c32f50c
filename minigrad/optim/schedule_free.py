"""Schedule-free SGD and AdamW: averaging in place of a schedule of the learning rate.

Gradients are computed at `theta`, between the fast iterate z and its mean x.  The mean is the
result of the training.
"""

# mypy: allow-untyped-defs

from collections.abc import Callable
from typing import Any, overload

from numpy import sqrt

from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer
from minigrad.optim.optimizer import ParamGroup
from minigrad.optim.optimizer.optimizer import Loss


def _averaging(
    weight_sum: Any, lr_max: Any, t: Any, lr: Any, warmup_steps: Any, r: Any, weight_lr_power: Any
) -> tuple[Any, Any, Any, Any]:
    """The rate after warm-up, the weight of z in the mean, and the new weight_sum and lr_max."""
    lr = lr * t / warmup_steps if t < warmup_steps else lr
    lr_max = max(lr, lr_max)
    weight = t**r * lr_max**weight_lr_power
    weight_sum = weight_sum + weight
    return lr, weight / weight_sum if weight_sum else 0, weight_sum, lr_max


@rule(
    paper="Defazio et al. 2024, The road less scheduled, arXiv:2405.15682",
    numbers=["weight_sum", "lr_max"],
    start={"z": "theta"},
    legal={
        "lr": "[0, inf]", "momentum": "(0, 1)", "weight_decay": "[0, inf]",
        "warmup_steps": "[0, inf]",
    },
)  # fmt: skip
def schedule_free_sgd(
    theta, g, z, weight_sum, lr_max, t, *,
    lr=1.0, momentum=0.9, weight_decay=0, warmup_steps=0, r=0, weight_lr_power=2,
):  # fmt: skip
    lr, c, weight_sum, lr_max = _averaging(
        weight_sum, lr_max, t, lr, warmup_steps, r, weight_lr_power
    )
    if weight_decay:
        g = g + weight_decay * theta
    theta = (1 - c) * theta + c * z - lr * (1 - momentum * (1 - c)) * g
    return theta, z - lr * g, weight_sum, lr_max


@rule(
    paper="Defazio et al. 2024, Algorithm 1, arXiv:2405.15682",
    state={"v": "exp_avg_sq"},
    numbers=["weight_sum", "lr_max"],
    start={"z": "theta"},
    legal={
        "lr": "[0, inf]", "betas": "(0, 1)", "eps": "[0, inf]", "weight_decay": "[0, inf]",
        "warmup_steps": "[0, inf]",
    },
)  # fmt: skip
def schedule_free_adamw(
    theta, g, z, v, weight_sum, lr_max, t, *,
    lr=2.5e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, warmup_steps=0, r=0,
    weight_lr_power=2,
):  # fmt: skip
    beta1, beta2 = betas
    lr, c, weight_sum, lr_max = _averaging(
        weight_sum, lr_max, t, lr, warmup_steps, r, weight_lr_power
    )
    v = beta2 * v + (1 - beta2) * g * g
    step = g / (sqrt(v / (1 - beta2**t)) + eps)
    if weight_decay:
        step = step + weight_decay * theta
    theta = (1 - c) * theta + c * z - lr * (1 - beta1 * (1 - c)) * step
    return theta, z - lr * step, v, weight_sum, lr_max


class ScheduleFree(RuleOptimizer):
    """The base of both: `train()` puts theta into the parameters, `eval()` the mean x."""

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Add parameters, in training mode."""
        group = {"train_mode": True} | param_group if isinstance(param_group, dict) else param_group
        super().add_param_group(group)

    def _with_defaults(self, settings: ParamGroup) -> ParamGroup:
        return {"train_mode": True} | super()._with_defaults(settings)

    def train(self) -> None:
        """Put the points at which gradients are computed into the parameters, for steps."""
        self._switch(True)

    def eval(self) -> None:
        """Put the mean into the parameters, to evaluate or save the model."""
        self._switch(False)

    def _switch(self, train: bool) -> None:
        for group in self.param_groups:
            if group["train_mode"] == train:
                continue
            momentum = group["betas"][0] if "betas" in group else group["momentum"]
            weight = 1 - momentum if train else 1 - 1 / momentum  # of z in the new values
            for p in group["params"]:
                if "z" in self.state[p]:
                    p.array[...] += weight * (self.state[p]["z"].array - p.array)
                    p.bump_version()
            group["train_mode"] = train

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Loss] | None = None) -> Loss | None:
        """Update the parameters.  Raises RuntimeError between `eval()` and `train()`."""
        if not all(group["train_mode"] for group in self.param_groups):
            raise RuntimeError(
                f"{type(self).__name__}.step() in evaluation mode: call train() before a step"
            )
        return super().step(closure) if closure is not None else super().step()


class SGDScheduleFree(ScheduleFree, rule=schedule_free_sgd):
    """Momentum without a schedule: `optimizer.eval()` before evaluation, `train()` after it."""


class AdamWScheduleFree(ScheduleFree, rule=schedule_free_adamw):
    """AdamW without a schedule: `optimizer.eval()` before evaluation, `train()` after it."""
