"""Norms and sums over all parameters of an optimizer, for the texts of rules."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from minigrad.optim.fused.trace import Symbol, global_reduction


class GlobalSums:
    """What texts that NumPy runs have summed so far, one parameter after another.

    A text that asks for a total that is not known yet gets nan, and is run again later.
    """

    def __init__(self, totals: Mapping[int, float]) -> None:
        self._totals = totals
        self.partial: dict[int, float] = {}
        self._asked = 0

    @contextmanager
    def of_one_parameter(self) -> Iterator[None]:
        """Sum for the next parameter."""
        self._asked = 0
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def total(self, part: float) -> float:
        """The total of what this is a part of."""
        number, self._asked = self._asked, self._asked + 1
        self.partial[number] = self.partial.get(number, 0.0) + part
        return self._totals.get(number, np.nan)


_current: ContextVar[GlobalSums] = ContextVar("GlobalSums")


def global_sum(x: Any) -> Any:
    """The sum of the elements of `x` over all parameters that an optimizer updates in a step.

    For the text of a rule.  Outside of an optimizer it is the sum of `x`.
    """
    if isinstance(x, Symbol):
        return global_reduction(x, "global_sum")
    part = float(np.sum(x))
    sums = _current.get(None)
    return part if sums is None else sums.total(part)


def global_mean(x: Any) -> Any:
    """The mean of the elements of `x` over all parameters that an optimizer updates in a step.

    For the text of a rule.  Outside of an optimizer it is the mean of `x`.
    """
    return global_sum(x) / global_sum(np.where(x > 0, 1.0, 1.0))


def global_norm(x: Any) -> Any:
    """The Euclidean norm of `x` over all parameters that an optimizer updates in a step.

    For the text of a rule.  Outside of an optimizer it is the norm of `x`.
    """
    if isinstance(x, Symbol):
        return global_reduction(x, "global_norm")
    return np.sqrt(global_sum(np.square(x)))
