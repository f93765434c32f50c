"""Losses of numbers, of distributions and of counts."""

import math
import warnings
from typing import Any

from minigrad import ops
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.nn.functional.reduction import reduced, require_reduction, warn_if_broadcast, weighted


def smooth_l1_loss(input: Any, target: Any, *, reduction: str = "mean", beta: float = 1.0) -> Any:
    """d^2 / (2 beta) for d = |input - target| below beta, d - beta / 2 above.

    Raises ValueError if beta < 0.
    """
    require_reduction(reduction)
    require_tensor("smooth_l1_loss", input=input, target=target)
    warn_if_broadcast("smooth_l1_loss", input, target)
    if beta < 0:
        raise ValueError(f"smooth_l1_loss expects beta >= 0, got {beta}")
    d = input - target
    return reduced(ops.huber(d, beta=beta) if beta else ops.abs(d), reduction)


def huber_loss(
    input: Any, target: Any, *, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Any:
    """d^2 / 2 for d = |input - target| up to delta, delta (d - delta / 2) above (Huber 1964).

    weight multiplies each loss; the mean divides by the sum of the weights.  Raises ValueError
    unless delta > 0, and if the weight's shape is not the input's.
    """
    require_reduction(reduction)
    require_tensor("huber_loss", input=input, target=target)
    warn_if_broadcast("huber_loss", input, target)
    if delta <= 0:
        raise ValueError(f"huber_loss expects delta > 0, got {delta}")
    losses = delta * ops.huber(input - target, beta=delta)
    return weighted(losses, weight, input, reduction)


def kl_div(input: Any, target: Any, *, reduction: str = "mean", log_target: bool = False) -> Any:
    """target (log(target) - input): the Kullback-Leibler divergence of log-probabilities `input`.

    With log_target the target holds logarithms too.  reduction may also be "batchmean", the sum
    over the first dimension's size, which is the divergence as mathematics has it.
    """
    if reduction != "batchmean":
        require_reduction(reduction)
    require_tensor("kl_div", input=input, target=target)
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition.",
            stacklevel=2,
        )
    if log_target:
        losses = ops.exp(target) * (target - input)
    else:
        losses = ops.xlogy(target, target) - target * input
    if reduction == "batchmean":
        return losses.sum() / input.shape[0]
    return reduced(losses, reduction)


def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:
    """The loss of a Poisson rate, or of its logarithm, for counts: rate - target log(rate).

    full adds Stirling's approximation of log(target!) where target > 1.
    """
    require_reduction(reduction)
    require_tensor("poisson_nll_loss", input=input, target=target)
    rate, log_rate = (ops.exp(input), input) if log_input else (input, ops.log(input + eps))
    losses = rate - target * log_rate
    if full:
        count = ops.where(target > 1, target, 1.0)
        stirling = count * ops.log(count) - count + 0.5 * ops.log(2 * math.pi * count)
        losses = losses + ops.where(target > 1, stirling, 0.0)
    return reduced(losses, reduction)


def gaussian_nll_loss(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Any:
    """(log(var) + (input - target)^2 / var) / 2: the loss of a mean and a variance.

    var has the input's shape, or lacks its last dimension, or has size 1 there, or is a number; eps
    bounds it from below, unseen by the gradient.  full adds log(2 pi) / 2.  Raises ValueError for
    a negative or misshapen var.
    """
    require_reduction(reduction)
    require_tensor("gaussian_nll_loss", input=input, target=target)
    require_floating("gaussian_nll_loss", input)
    if isinstance(var, int | float):
        var = input.new_full(input.shape, var)
    if var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = ops.unsqueeze(var, dim=-1)
        elif not (var.ndim == input.ndim and var.shape == (*input.shape[:-1], 1)):
            raise ValueError(
                f"var is of incorrect size: {list(var.shape)} for an input of {list(input.shape)}"
            )
    if (var.array < 0).any():
        raise ValueError("var has negative entry/entries")
    seen = var.detach()
    var = var + (seen.clamp(min=eps) - seen)
    losses = 0.5 * (ops.log(var) + ops.square(input - target) / var)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)
