"""The reduction of losses to their mean or their sum."""

import warnings
from typing import Any


def require_reduction(reduction: str) -> None:
    """Raise ValueError unless it is "none", "mean" or "sum"."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction!r} is not a valid value for reduction: none, mean or sum")


def reduced(losses: Any, reduction: str) -> Any:
    """The losses themselves, their mean, or their sum."""
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses


def weighted(losses: Any, weight: Any, input: Any, reduction: str) -> Any:
    """The losses times their weights, if there are any; their mean is over the sum of the weights.

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


def warn_if_broadcast(name: str, input: Any, target: Any) -> None:
    """Say that a loss of different shapes is rarely what is meant."""
    if input.shape != target.shape:
        warnings.warn(
            f"{name}: using a target size {list(target.shape)} that is different to the input size "
            f"{list(input.shape)}. This will likely lead to incorrect results due to broadcasting. "
            f"Please ensure they have the same size.",
            stacklevel=3,
        )
