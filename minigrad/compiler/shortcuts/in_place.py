"""Shortcuts of changes in place: arithmetic, copies, and numbers that are written."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.shortcuts.declaration import (
    Array,
    Rule,
    Shortcut,
    blocks_of,
    is_dense,
)
from minigrad.kernels.compiler.kernel import GRAIN_SIZE
from minigrad.kernels.replay.task_list import TaskList
from minigrad.tensor.methods.inplace import assign_number

# Results of so many elements are written by one thread.
_MOST = 8 * GRAIN_SIZE


def _by_ufunc(ufunc: np.ufunc) -> Rule:
    """The rule of `ufunc(x, y, x)`, for y of the shape of x, or a number."""

    def rule(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
        if settings or len(args) != 3 or args[2] is not args[0]:
            return None
        x, y, _ = args
        if not is_dense(x) or not x.flags.writeable or not x.size:
            return None
        if isinstance(y, np.ndarray):
            if not is_dense(x, y) or y.shape != x.shape:
                return None
        elif type(y) not in (int, float):
            return None

        def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
            y = given[1]
            other = y if isinstance(y, np.ndarray) else tasks.number(y, given[0].dtype)
            tasks.ufunc(ufunc, given[0], other, given[0])

        lines = ("{ufunc}({0}, {1}, {0})",)
        blocks = blocks_of(ufunc, (0, 1), (x, y))
        return Shortcut(
            lines, {"ufunc": ufunc}, tasks=run, takes_numbers=True, changes=(0,), blocks=blocks
        )  # fmt: skip

    return rule


def _copied(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """What `np.copyto(x, y)` is for arrays of one shape."""
    if settings or len(args) != 2 or not is_dense(*args) or args[0].shape != args[1].shape:
        return None
    x = args[0]
    if not x.flags.writeable or not x.size or x.size >= _MOST:
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        tasks.ufunc(np.positive, given[1], given[0])

    return Shortcut(None, {}, tasks=run, changes=(0,), fills=True)


def _number_assigned(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """What `x.fill_(2.0)` and `x.zero_()` are."""
    x, index, value = args
    if settings or tuple(index) != (Ellipsis,) or not is_dense(x) or not x.flags.writeable:
        return None
    if not x.size or type(value) not in (int, float):
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        tasks.ufunc(np.positive, tasks.number(given[2], given[0].dtype), given[0])

    return Shortcut(None, {}, tasks=run, takes_numbers=True, changes=(0,), fills=True)


RULES: dict[int, Rule] = {
    id(np.add): _by_ufunc(np.add),
    id(np.subtract): _by_ufunc(np.subtract),
    id(np.multiply): _by_ufunc(np.multiply),
    id(np.divide): _by_ufunc(np.divide),
    id(np.copyto): _copied,
    id(assign_number): _number_assigned,
}
