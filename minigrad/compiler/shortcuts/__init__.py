"""Shorter lines for common calls: what an operation decides by shapes was decided in the recording.

A replay repeats calls on arrays of the same layouts, so that checks and choices among kernels need
not be made again.  A shortcut (`declaration.py`) gives the lines that compute the same bits by the
same kernel, and native tasks; like everything in a plan, they are compared with the step before
they are used.  Each family of operations has a table of rules, by the ids of functions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from minigrad.compiler.shortcuts import (
    clipping,
    elementwise,
    in_place,
    losses,
    pooling,
    products,
    reductions,
)
from minigrad.compiler.shortcuts.declaration import Shortcut
from minigrad.compiler.tape import Entry
from minigrad.ops.nn.softmax import cross_entropy

_RULES = (
    products.RULES
    | elementwise.RULES
    | in_place.RULES
    | clipping.RULES
    | reductions.RULES
    | losses.RULES
    | pooling.RULES
)


def shortcut(function: Any, args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """The shortcut of a call, if there is one."""
    rule = _RULES.get(id(function))
    return None if rule is None else rule(args, settings)


def arguments_of(function: Any, args: Sequence[Any]) -> Sequence[Any]:
    """The arguments that the lines of a shortcut number: arrays, also where tensors were given."""
    if id(function) == id(cross_entropy.op.array_vjp[0]):
        return args[0], args[1][0].array
    return args


def given_to(entry: Entry, found: Shortcut) -> list[Any]:
    """What the tasks of a call are given."""
    given = [*arguments_of(entry.function, entry.args)]
    return given + [entry.settings[name] for name in found.named]
