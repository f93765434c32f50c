"""What a shortcut is, and what several families of them share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.replay.task_list import TaskList
from minigrad.kernels.simd.math import FLOATS

Array = np.ndarray[Any, Any]

# Adds tasks to a list, for the arguments (and named settings) and the results.  Gives the number of
# the task that stops the list where the call itself would raise an error, if there is one.
Tasks = Callable[[TaskList, Sequence[Any], Sequence[Array]], int | None]


class Shortcut(NamedTuple):
    """Lines in which `{0}`, `{1}` ... are the arguments, and `{out0}`, `{out1}` ... the results.

    Without lines a call is shorter as native tasks alone.
    """

    lines: tuple[str, ...] | None
    objects: Mapping[str, Any]  # what the lines name besides, in braces
    named: tuple[str, ...] = ()  # settings that follow the arguments, in this order
    tasks: Tasks | None = None  # adds the same as native tasks, if the call can run as such
    takes_numbers: bool = False  # the tasks take numbers that are others in each call
    changes: tuple[int, ...] = ()  # the positions of arguments that are changed in place
    fills: bool = False  # and whether nothing is left of what they were


# The shortcut of a call, by its arguments and settings, or None if there is none.
Rule = Callable[[Sequence[Any], Mapping[str, Any]], Shortcut | None]


def placeholder(number: int) -> str:
    """What stands for an argument in a line."""
    return f"{{{number}}}"


def is_dense(*arrays: Any) -> bool:
    """True for C-contiguous arrays of one floating dtype."""
    return all(
        isinstance(a, np.ndarray)
        and a.dtype in FLOATS
        and a.dtype is arrays[0].dtype
        and a.flags.c_contiguous
        for a in arrays
    )
