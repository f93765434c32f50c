"""A function of NumPy arrays with a gradient, or a tangent, that was written by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.testing.frameworks.bridge import Pullback, as_list, is_floating


class Pair:
    """A function and its `vjp(g, *inputs)`, its `jvp(t, *inputs)`, or both."""

    def __init__(
        self,
        function: Callable[..., Any],
        vjp: Callable[..., Any] | None,
        jvp: Callable[..., Any] | None,
    ) -> None:
        self.function, self.vjp, self.jvp = function, vjp, jvp
        self.name = str(getattr(function, "__name__", type(function).__name__))
        self.cannot = ["second order: a gradient of arrays has none"]
        if vjp is None:
            self.cannot = ["second order and reverse mode: there is a jvp alone"]

    def record(
        self, arguments: Sequence[Any], needs: Sequence[bool]
    ) -> tuple[list[Array], Pullback]:
        """Call the function; vjp is called on the way back."""
        results = [np.asarray(r) for r in as_list(self.function(*arguments))]

        def pullback(cotangents: Sequence[Array]) -> list[Array | None]:
            if self.vjp is None:
                raise NotImplementedError(f"{self.name} has no vjp")
            g = cotangents[0] if len(cotangents) == 1 else tuple(cotangents)
            return _for_each(arguments, as_list(self.vjp(g, *arguments)), self.name)

        return results, pullback

    def gradient(self, count: int) -> None:
        """There is none."""

    def tangents(
        self, arguments: Sequence[Any], tangents: Sequence[Array | None]
    ) -> list[Array] | None:
        """By jvp, where it was given."""
        if self.jvp is None:
            return None
        floating = [
            np.zeros_like(a) if t is None else t
            for a, t in zip(arguments, tangents, strict=True)
            if is_floating(a)
        ]
        t = floating[0] if len(floating) == 1 else tuple(floating)
        return [np.asarray(r) for r in as_list(self.jvp(t, *arguments))]


def _for_each(arguments: Sequence[Any], found: list[Any], name: str) -> list[Array | None]:
    """The gradients at their arguments' places; vjp gives one for each array, or each argument."""
    floating = [is_floating(a) for a in arguments]
    if len(found) == sum(floating) != len(arguments):
        given = iter(found)
        found = [next(given) if f else None for f in floating]
    if len(found) != len(arguments):
        raise ValueError(
            f"the vjp of {name} gives {len(found)} gradients, expected {sum(floating)}: one for "
            f"each array"
        )
    return [g if f and g is not None else None for g, f in zip(found, floating, strict=True)]
