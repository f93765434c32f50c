"""Random numbers for the texts of rules: they follow from a seed, a step and a position."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from minigrad.kernels.fused_optimizer.philox import normal
from minigrad.optim.fused.trace import Symbol


class _Draws:
    """The parameter whose step a text takes, and how many draws it has made."""

    def __init__(self, parameter: int) -> None:
        self.parameter = parameter
        self.made = 0


_current: ContextVar[_Draws | None] = ContextVar("_Draws", default=None)


@contextmanager
def draws_of(parameter: int) -> Iterator[None]:
    """Draw for the parameter with this number among all of an optimizer."""
    token = _current.set(_Draws(parameter))
    try:
        yield
    finally:
        _current.reset(token)


def normal_like(x: Any, seed: Any, t: Any) -> Any:
    """A standard normal number for each element of `x`, drawn anew in each step `t`.

    For the text of a rule or of a transformation.  The numbers follow from the seed, the step, the
    number of the parameter in its optimizer and the element's position, so a run that is repeated
    or resumed draws the same ones, on any number of threads.  Outside of an optimizer they are
    those of its first parameter.
    """
    if isinstance(x, Symbol):
        made = sum(op.startswith("normal:") for op, *_ in x.tape.instructions)
        operands = x.tape.operand(seed), x.tape.operand(t)
        return x.tape.record(Symbol, f"normal:{made}", *operands)
    draws = _current.get()
    made = 0 if draws is None else draws.made
    if draws is not None:
        draws.made += 1
    word = np.uint64
    elements = np.arange(x.size, dtype=word)
    parameter = word(0 if draws is None else draws.parameter)
    drawn = normal(word(int(seed)), word(int(t)), parameter, word(made), elements)
    return drawn.reshape(x.shape).astype(x.dtype)
