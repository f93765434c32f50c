"""Losses of regression: of real numbers, distributions and counts."""

import math
import warnings

from minigrad import ops
from minigrad.core.types import Number, Shape
from minigrad.engine.half_precision import in_float32
from minigrad.engine.op import labelled
from minigrad.engine.step_recorder import numbers_read
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.nn.functional.reduction import (
    reduced,
    require_reduction,
    takes_old_reduction,
    warn_if_broadcast,
    weighted,
)
from minigrad.tensor import Tensor


@takes_old_reduction
@labelled("SmoothL1LossBackward0")
@in_float32
def smooth_l1_loss(
    input: Tensor, target: Tensor, *, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """d^2 / (2 beta) for d = |input - target| below beta, d - beta / 2 above.

    Raises RuntimeError if beta < 0.
    """
    require_reduction(reduction)
    require_tensor("smooth_l1_loss", input=input, target=target)
    warn_if_broadcast("smooth_l1_loss", input, target)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    d = input - target
    return reduced(ops.huber(d, beta=beta) if beta else ops.abs(d), reduction)


@labelled("HuberLossBackward0")
@in_float32
def huber_loss(
    input: Tensor,
    target: Tensor,
    *,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """d^2 / 2 for d = |input - target| up to delta, delta (d - delta / 2) above (Huber 1964).

    weight multiplies each loss; the mean divides by the sum of the weights.  Raises RuntimeError
    unless delta > 0, ValueError if the weight's shape is not the input's.
    """
    require_reduction(reduction)
    require_tensor("huber_loss", input=input, target=target)
    warn_if_broadcast("huber_loss", input, target)
    if delta <= 0:
        raise RuntimeError(
            f"huber_loss does not support non-positive values for delta, got {delta}"
        )
    losses = delta * ops.huber(input - target, beta=delta)
    return weighted(losses, weight, input, reduction)


@takes_old_reduction
@in_float32
def kl_div(
    input: Tensor, target: Tensor, *, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """target (log(target) - input): the Kullback-Leibler divergence from log-probabilities input.

    log_target=True: the target holds logarithms too.  reduction may also be "batchmean", the sum
    divided by the size of the first dimension, which is the mathematical definition.
    Raises RuntimeError unless both are floating.
    """
    if reduction != "batchmean":
        require_reduction(reduction)
    require_tensor("kl_div", input=input, target=target)
    require_floating("kl_div", input)
    require_floating("kl_div", target)
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
        return losses.sum() / (input.shape[0] if input.ndim else 1)
    return reduced(losses, reduction)


@takes_old_reduction
@in_float32
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    *,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """rate - target log(rate): the loss of a Poisson rate for counts.

    input is log(rate), or with log_input=False rate, to which eps is added in log(rate + eps).
    full=True adds Stirling's approximation of log(target!) where target > 1.
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


@in_float32
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | Number,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(log(var) + (input - target)^2 / var) / 2: the loss of a normal distribution.

    input is its mean.  var has the input's shape, or that with one of its sizes 1, or without the
    last one, or is a number; it is clamped to at least eps, and its gradient is that without the
    clamp.  full=True adds log(2 pi) / 2.  Raises ValueError for a negative var or another shape.
    """
    require_reduction(reduction)
    require_tensor("gaussian_nll_loss", input=input, target=target)
    variance = _variance(input, var)
    detached = variance.detach()
    variance = variance + (detached.clamp(min=eps) - detached)
    losses = 0.5 * (ops.log(variance) + ops.square(input - target) / variance)
    return reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _variance(input: Tensor, var: Tensor | Number) -> Tensor:
    """var with the number of dimensions of the input.  Raises ValueError for one that is unfit."""
    variance = input.new_full(input.shape, var) if isinstance(var, int | float) else var
    if variance.shape != input.shape:
        if variance.shape == input.shape[:-1]:
            variance = ops.unsqueeze(variance, dim=-1)
        elif not _differ_in_one_size(variance.shape, input.shape):
            raise ValueError(
                f"var is of incorrect size: {list(variance.shape)} for an input of "
                f"{list(input.shape)}"
            )
    if numbers_read(variance.array, (variance.array < 0).any()):
        raise ValueError("var has negative entry/entries")
    require_floating("gaussian_nll_loss", variance)
    return variance


def _differ_in_one_size(given: Shape, wanted: Shape) -> bool:
    """Whether a shape is the wanted one but for a single size, of 1."""
    if len(given) != len(wanted):
        return False
    return [a for a, b in zip(given, wanted, strict=True) if a != b] == [1]
