"""Functions of HIPS autograd, of one result."""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.testing.frameworks.bridge import Pullback, is_floating

autograd = importlib.import_module("autograd")
differential = importlib.import_module("autograd.differential_operators")
tracer = importlib.import_module("autograd.tracer")


def adapt(what: Any) -> "HipsFunction":
    """A function of autograd.numpy as a function of NumPy's arrays."""
    return HipsFunction(what, str(getattr(what, "__name__", type(what).__name__)))


class HipsFunction:
    """A function whose gradients autograd makes, one argument tuple at a time."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function = function
        self.name = name
        self.cannot = ["forward mode: not of every function of autograd"]

    def record(
        self, arguments: Sequence[Any], needs: Sequence[bool]
    ) -> tuple[list[Array], Pullback]:
        """Call it; on the way back its vjp is made."""
        result = self.function(*arguments)
        if isinstance(result, list | tuple):
            raise ValueError(
                f"{self.name} gives {len(result)} results; autograd derives functions of one"
            )
        places = tuple(i for i, a in enumerate(arguments) if is_floating(a))

        def pullback(cotangents: Sequence[Array]) -> list[Array | None]:
            found: list[Array | None] = [None] * len(arguments)
            for place in places:
                back = differential.make_vjp(self.function, place)(*arguments)[0]
                found[place] = np.asarray(back(cotangents[0]))
            return found

        return [np.asarray(result)], pullback

    def gradient(self, count: int) -> "HipsFunction | None":
        """By make_vjp, which autograd can derive again; of functions of one argument."""
        if count != 1:
            return None

        def of(x: Any, g: Any) -> Any:
            return differential.make_vjp(self.function, 0)(x)[0](g)

        return HipsFunction(of, f"gradient of {self.name}")

    def tangents(self, arguments: Sequence[Any], tangents: Sequence[Array | None]) -> None:
        """Left out: autograd has no forward mode of many functions."""
