"""Cotangents of an operation by the record of others, for derivatives of its gradient."""

from collections.abc import Callable, Sequence
from typing import Any

from minigrad.engine.backward import backward
from minigrad.engine.grad_mode import enable_grad
from minigrad.engine.graph import V


def recorded_cotangents(
    function: Callable[..., V], g: V, inputs: Sequence[Any], wanted: Sequence[int], **settings: Any
) -> list[Any]:
    """The cotangents of a function's inputs, from the record of the function itself."""
    # One tensor may be given twice: each place gets a node of its own.
    with enable_grad():
        own = [x if x is None else x.reshape((1, *x.shape)).reshape(x.shape) for x in inputs]
        targets: list[Any] = [own[i] for i in wanted]
        for target in targets:
            target._requires_grad = True  # for forward mode, which asks for more than is recorded
        result = function(*own, **settings)
    found = backward([result], [g], targets=targets, retain_graph=True, create_graph=True)
    cotangents: list[Any] = [None] * len(inputs)
    for i, cotangent in zip(wanted, found, strict=True):
        cotangents[i] = cotangent
    return cotangents
