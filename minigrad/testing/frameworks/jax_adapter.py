"""Functions of JAX; 64-bit numbers are turned on while one is called."""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.testing.frameworks.bridge import Pullback, as_list, is_floating

jax = importlib.import_module("jax")


def adapt(what: Any) -> "JaxFunction":
    """A function of JAX's arrays as a function of NumPy's."""
    return JaxFunction(what, str(getattr(what, "__name__", type(what).__name__)))


class JaxFunction:
    """A pure function: it is called again for its gradient."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function = function
        self.name = name
        self.cannot: list[str] = []

    def _of_floating(self, arguments: Sequence[Any]) -> tuple[Callable[..., Any], list[Any]]:
        """The function of its floating arrays alone, and these."""
        places = [i for i, a in enumerate(arguments) if is_floating(a)]

        def function(*floating: Any) -> tuple[Any, ...]:
            given = [jax.numpy.asarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
            for place, value in zip(places, floating, strict=True):
                given[place] = value
            return tuple(as_list(self.function(*given)))

        return function, [jax.numpy.asarray(arguments[i]) for i in places]

    def record(
        self, arguments: Sequence[Any], needs: Sequence[bool]
    ) -> tuple[list[Array], Pullback]:
        """Call it; on the way back its vjp is made."""
        with jax.enable_x64(True):
            function, floating = self._of_floating(arguments)
            results = function(*floating)

        def pullback(cotangents: Sequence[Array]) -> list[Array | None]:
            with jax.enable_x64(True):
                starts = tuple(
                    jax.numpy.asarray(c, r.dtype) for c, r in zip(cotangents, results, strict=True)
                )
                found = iter(jax.vjp(function, *floating)[1](starts))
            return [np.asarray(next(found)) if is_floating(a) else None for a in arguments]

        return [np.array(r) for r in results], pullback

    def gradient(self, count: int) -> "JaxFunction":
        """By vjp, which JAX can derive again."""

        def of(*values: Any) -> tuple[Any, ...]:
            inputs, starts = values[:count], values[count:]
            floating = [i for i, x in enumerate(inputs) if hasattr(x, "dtype") and
                        jax.numpy.issubdtype(x.dtype, jax.numpy.floating)]  # fmt: skip

            def function(*given: Any) -> tuple[Any, ...]:
                whole = list(inputs)
                for place, value in zip(floating, given, strict=True):
                    whole[place] = value
                return tuple(as_list(self.function(*whole)))

            return tuple(jax.vjp(function, *(inputs[i] for i in floating))[1](tuple(starts)))

        return JaxFunction(of, f"gradient of {self.name}")

    def tangents(self, arguments: Sequence[Any], tangents: Sequence[Array | None]) -> list[Array]:
        """By jvp."""
        with jax.enable_x64(True):
            function, floating = self._of_floating(arguments)
            places = [i for i, a in enumerate(arguments) if is_floating(a)]
            along = [
                jax.numpy.zeros_like(x) if tangents[i] is None else jax.numpy.asarray(tangents[i])
                for i, x in zip(places, floating, strict=True)
            ]
            return [np.array(t) for t in jax.jvp(function, tuple(floating), tuple(along))[1]]
