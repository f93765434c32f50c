"""Search of a learning rate: the loss while the rate grows from tiny to huge."""

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.public_names import show_public_names
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.visualize import axes_or_new
from minigrad.tensor import Tensor


class LRCurve(NamedTuple):
    """Losses along growing rates, and the rate that is suggested."""

    rates: list[float]
    losses: list[float]
    suggestion: float

    def plot(self, axes: Any = None) -> Any:
        """Draw the loss over the rate; the result is the axes.  Raises ImportError without
        matplotlib.
        """
        axes = axes_or_new(axes)
        axes.plot(self.rates, self.losses, lw=1.5)
        axes.axvline(self.suggestion, ls="--", color="k", lw=1, label=f"{self.suggestion:.1e}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        axes.grid(alpha=0.25)
        axes.legend()
        return axes


def lr_finder(
    optimizer: Optimizer,
    closure: Callable[[], Tensor | float],
    low: float = 1e-7,
    high: float = 10.0,
    steps: int = 100,
) -> LRCurve:
    """Take `steps` steps while the rate of all groups grows from `low` to `high`.

    `closure` computes the loss of the next batch and its gradients, as for `step`.  The search
    ends early when the loss is four times its smallest.  Parameters, their gradients, the
    optimizer and its rates are afterwards as they were.  The suggestion is the rate at which the
    smoothed loss falls fastest, and at most a third of the rate at which it is least.

    Raises ValueError unless 0 < low < high and steps >= 10.
    Paper: Smith 2017, arXiv:1506.01186.
    """
    if not 0 < low < high or steps < 10:
        raise ValueError(f"lr_finder needs 0 < low < high and 10 steps, got {low, high, steps}")
    params = [p for group in optimizer.param_groups for p in group["params"]]
    arrays = [p.array.copy() for p in params]
    gradients = [p.grad for p in params]
    saved = copy.deepcopy(optimizer.state_dict())
    rates: list[float] = []
    losses: list[float] = []
    try:
        for rate in np.geomspace(low, high, steps).tolist():
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = float(optimizer.step(closure))
            rates.append(rate)
            losses.append(loss)
            if not np.isfinite(loss) or loss > 4 * max(min(losses), 1e-12):
                break
    finally:
        for p, array, gradient in zip(params, arrays, gradients, strict=True):
            p.array[...] = array
            p.bump_version()
            p.grad = gradient
        optimizer.load_state_dict(saved)
    return LRCurve(rates, losses, _suggestion(rates, losses))


def _suggestion(rates: list[float], losses: list[float]) -> float:
    """The rate at which the smoothed loss falls fastest, or a third of that of its least."""
    finite = [loss for loss in losses if np.isfinite(loss)]
    smooth = [float(np.mean(finite[max(0, k - 4) : k + 1])) for k in range(len(finite))]
    if len(smooth) < 3:
        return rates[0]
    least = max(int(np.argmin(smooth)), 2)
    steepest = int(np.argmin(np.gradient(smooth[: least + 1])))
    return min(rates[steepest], rates[least] / 3)


__all__ = ["LRCurve", "lr_finder"]

show_public_names(__name__)
