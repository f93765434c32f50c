"""Changes of whole gradients, which come before the text of a rule."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from minigrad.core.types import Array

OfMany = Callable[[tuple[Array, ...]], tuple[Array, ...] | None]
"""A change of all gradients in one call; None where it has to be made one by one."""


class GradientChange(NamedTuple):
    """A change of the gradient of a parameter.

    `of_one` takes an array or a tensor, and the hyper-parameters.  `of_many`, if there is one,
    makes a function of all gradients from the arrays of all parameters.
    """

    of_one: Callable[[Any, Mapping[str, Any]], Any]
    of_many: Callable[[Sequence[Array]], OfMany] | None = None


class GradientChanges:
    """The changes that a rule makes to the gradients of a batch of parameters."""

    def __init__(self, changes: Sequence[GradientChange], arrays: Sequence[Array]) -> None:
        self._changes = [
            (change.of_one, None if change.of_many is None else change.of_many(arrays))
            for change in changes
        ]

    def __call__(self, gradients: tuple[Array, ...], hyper: Mapping[str, Any]) -> tuple[Array, ...]:
        """The gradients as the text takes them."""
        for of_one, of_many in self._changes:
            together = None if of_many is None else of_many(gradients)
            if together is None:
                together = tuple([of_one(g, hyper) for g in gradients])
            gradients = together
        return gradients
