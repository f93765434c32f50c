"""What a shortcut is, and what several families of them share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.replay.chains import BlockCall
from minigrad.kernels.replay.task_list import TaskList, flat
from minigrad.kernels.simd.math import FLOATS

Array = np.ndarray[Any, Any]

# Adds tasks to a list, for the arguments (and named settings) and the results.  Gives the number of
# the task that stops the list where the call itself would raise an error, if there is one.
Tasks = Callable[[TaskList, Sequence[Any], Sequence[Array]], int | None]
# The same as calls that can be made for some rows of the arrays at a time.
Blocks = Callable[[Sequence[Any], Sequence[Array]], list[BlockCall]]


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
    blocks: Blocks | None = None  # and these, if it can run as a part of a chain
    # An element that is not 0 after it has run as such says that its results are wrong: the call
    # is then made from Python.
    fails: Array | None = None


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


def blocks_of(function: Any, positions: Sequence[int], operands: Sequence[Any]) -> Blocks | None:
    """The parts of a ufunc or a loop over dense arrays of one shape; None for others."""
    if not is_dense(*operands) or len({a.shape for a in operands}) > 1:
        return None
    is_ufunc = isinstance(function, np.ufunc)

    def blocks(given: Sequence[Any], out: Sequence[Array]) -> list[BlockCall]:
        chosen = [flat(given[k]) for k in positions]
        result = flat(out[0])
        return [BlockCall(function, (*chosen, result) if is_ufunc else (0, result, *chosen))]

    return blocks
