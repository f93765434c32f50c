"""What the recorder of a step is told of, besides operations: see `minigrad.compiler`.

Operations, rules over arrays and changes in place all run by `mode.ignore_fp_errors`, which is
another function while a step is recorded.  What happens beside it, a recorder cannot see: so these
say that Python has read a number, that a tensor was made of numbers, or that random numbers were
drawn.  Nothing is recorded as a rule, and then each of them costs one look at the mode.
"""

import functools
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np

from minigrad.engine.grad_mode import thread

F = TypeVar("F", bound=Callable[..., Any])


class StepRecorder(Protocol):
    """What records the operations of a thread."""

    def read(self, array: "np.ndarray[Any, Any]", number: Any) -> Any:
        """Note that Python has read an array's elements; the result is what Python gets."""

    def created(self, array: "np.ndarray[Any, Any]") -> None:
        """Note that an array was made of Python's numbers and of no other array."""

    def drawn(self) -> None:
        """Note that a stream of random numbers was taken."""

    def refuse(self, reason: str) -> None:
        """Note why the step cannot be recorded."""

    def repeat(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function that is called again, whole, in each replay; the result is its own."""


def numbers_read(array: "np.ndarray[Any, Any]", numbers: Any) -> Any:
    """The numbers that Python reads of an array, of which a recorder is told."""
    recorder = thread.mode.step_recorder
    return numbers if recorder is None else recorder.read(array, numbers)


def made_of_numbers(array: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """An array that was made of Python's numbers alone, of which a recorder is told."""
    recorder = thread.mode.step_recorder
    if recorder is not None:
        recorder.created(array)
    return array


def repeated_whole(method: F) -> F:
    """A method whose calls, which may change Python's objects, are repeated whole in replays."""

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorder = thread.mode.step_recorder
        if recorder is None:
            return method(self, *args, **kwargs)
        return recorder.repeat(functools.partial(call, **kwargs) if kwargs else call, self, *args)

    return call  # type: ignore[return-value]
