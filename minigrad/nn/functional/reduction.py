"""The reduction of losses to their mean or their sum."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from minigrad.core.warn import warn_caller
from minigrad.engine.complex_form import refusal
from minigrad.engine.overrides import SWITCH, ask, ask_or_raise, mark_asking, overriding
from minigrad.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])

OLD_NAMES = frozenset({"size_average", "reduce"})


def takes_old_reduction(function: F) -> F:
    """Decorate a loss: it takes torch's deprecated size_average and reduce, with a warning.

    They are looked for when the function has failed, so that other calls pay next to nothing.
    """

    @functools.wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        if SWITCH.on and (asked := overriding(args, settings)):
            return ask(call, asked, args, settings)
        try:
            return function(*args, **settings)
        except AttributeError:
            return ask_or_raise(call, args, settings)
        except TypeError:
            if OLD_NAMES.isdisjoint(settings):
                return ask_or_raise(call, args, settings)
        return function(*args, **in_current_names(settings))

    mark_asking(call)
    return call  # type: ignore[return-value]


def in_current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with `reduction` in place of size_average and reduce; they win if all are given."""
    found = {name: value for name, value in settings.items() if name not in OLD_NAMES}
    old = [settings.get("size_average"), settings.get("reduce")]
    if old != [None, None]:
        size_average, reduce = (True if given is None else given for given in old)
        found["reduction"] = ("mean" if size_average else "sum") if reduce else "none"
        warn_caller(
            f"size_average and reduce args will be deprecated, please use "
            f"reduction='{found['reduction']}' instead."
        )
    return found


def require_reduction(reduction: str, known: tuple[str, ...] = ("none", "mean", "sum")) -> None:
    """Raise ValueError unless reduction is "none", "mean" or "sum", or one of those `known`."""
    if reduction not in known:
        expected = f"{', '.join(known[:-1])} or {known[-1]}"
        raise ValueError(f"{reduction!r} is not a valid value for reduction: {expected}")


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """The losses themselves, their mean, or their sum."""
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses


def weighted(losses: Tensor, weight: Tensor | None, input: Tensor, reduction: str) -> Tensor:
    """The losses times their weights, if there are any; the mean divides by the sum of the weights.

    Raises ValueError if the weights' shape is not the input's.
    """
    if losses._is_complex:
        raise refusal("a loss that is complex")
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
        warn_caller(
            f"{name}: using a target size {list(target.shape)} that is different to the input size "
            f"{list(input.shape)}. This will likely lead to incorrect results due to broadcasting. "
            f"Please ensure they have the same size."
        )
