"""The reduction of losses to their mean or their sum."""

import warnings

from minigrad.tensor import Tensor


def require_reduction(reduction: str) -> None:
    """Raise ValueError unless reduction is "none", "mean" or "sum"."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction!r} is not a valid value for reduction: none, mean or sum")


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """The losses themselves, their mean, or their sum."""
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses


def weighted(losses: Tensor, weight: Tensor | None, input: Tensor, reduction: str) -> Tensor:
    """The losses times their weights, if there are any; the mean divides by the sum of the weights.

    Raises ValueError if the weights' shape is not the input's.
    """
    if weight is None:
        return reduced(losses, reduction)
    if weight.shape != input.shape:
        raise ValueError(
            f"Weights and input must have the same size, got {list(weight.shape)} and "
            f"{list(input.shape)}"
        )
    losses = losses * weight
    return losses.sum() / weight.sum() if reduction == "mean" else reduced(losses, reduction)


def warn_if_broadcast(name: str, input: Tensor, target: Tensor) -> None:
    """Warn that shapes differ: broadcasting in a loss is rarely intended."""
    if input.shape != target.shape:
        warnings.warn(
            f"{name}: using a target size {list(target.shape)} that is different to the input size "
            f"{list(input.shape)}. This will likely lead to incorrect results due to broadcasting. "
            f"Please ensure they have the same size.",
            stacklevel=3,
        )
