"""Functions of MyGrad."""

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.testing.frameworks.bridge import Pullback, as_list

mygrad = importlib.import_module("mygrad")


def adapt(what: Any) -> "MyGradFunction":
    """A function of MyGrad's tensors as a function of arrays."""
    return MyGradFunction(what, str(getattr(what, "__name__", type(what).__name__)))


class MyGradFunction:
    """A function whose backward clears its graph, so that it is called again for each."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function = function
        self.name = name
        self.cannot = ["second order and forward mode: MyGrad has neither"]

    def record(
        self, arguments: Sequence[Any], needs: Sequence[bool]
    ) -> tuple[list[Array], Pullback]:
        """Call it; on the way back again, with tensors."""
        with mygrad.no_autodiff:
            results = [np.asarray(r) for r in as_list(self.function(*arguments))]

        def pullback(cotangents: Sequence[Array]) -> list[Array | None]:
            given = [mygrad.tensor(a) if needed else a
                     for a, needed in zip(arguments, needs, strict=True)]  # fmt: skip
            outputs = as_list(self.function(*given))
            pairs = zip(outputs, cotangents, strict=True)
            total: Any = sum(((o * np.asarray(c)).sum() for o, c in pairs), start=0.0)
            total.backward()
            return [
                None if not needed else _gradient(x) for x, needed in zip(given, needs, strict=True)
            ]

        return results, pullback

    def gradient(self, count: int) -> None:
        """MyGrad has no second order."""

    def tangents(self, arguments: Sequence[Any], tangents: Sequence[Array | None]) -> None:
        """MyGrad has no forward mode."""


def _gradient(tensor: Any) -> Array:
    return np.zeros(tensor.shape) if tensor.grad is None else np.asarray(tensor.grad)
