"""What a step consists of that one native call can run, and the source of what it returns.

Such a step is made of runs of native tasks and steps of optimizers.  Before them gradients are
dropped at most; after them leaves get new gradients, schedules and others are called, and results
are wrapped.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.recording import Recording
from minigrad.compiler.shortcuts import Shortcut
from minigrad.compiler.source import Writer
from minigrad.compiler.tape import Entry
from minigrad.compiler.trace import Name, Trace
from minigrad.engine.graph import Value

_FRESH = re.compile(r"\bv\d+_\d+\b")
_OTHERS = re.compile(r"\b(tensors\[|floats\[|[wxkg]\d)")
_INPUT = re.compile(r"x(\d+)")


class Gradient(NamedTuple):
    """A gradient that the step makes: whose it is, and the variable that its memory has."""

    leaf: Value
    kind: type[Value]
    variable: str
    made_as: tuple[tuple[int, ...], Any]  # its shape and dtype
    had_one: bool  # the leaf has a gradient before, which the step drops
    keeps: bool  # it is the leaf's gradient after the step


class OldGradient(NamedTuple):
    """A gradient that is there before the step, whose memory the step reads or changes."""

    leaf: Value
    variable: str
    strides: tuple[int, ...]


class StepParts(NamedTuple):
    """The parts of a step of native tasks."""

    order: list[Any]  # runs of tasks, and the numbers of repeated calls between and after them
    optimizers: dict[int, Any]  # by the number of a repeated call: whose step it is
    inputs: dict[str, int]  # variables of the runs, and the numbers of the arguments
    gradients: list[Gradient]
    old: list[OldGradient]
    made: dict[str, tuple[tuple[int, ...], Any]]  # the other fresh results: shapes and dtypes
    results: Callable[..., Any]  # of the arrays in `made`


def step_parts_of(
    recording: Recording, writer: Writer, lines: Sequence[str], returned: str
) -> StepParts | None:
    """The parts of a step; None if it has others than these.

    `lines` make what the step returns, the expression `returned`.
    """
    order = _order_of(recording, writer)
    if order is None:
        return None
    fresh = {v: kind for run in writer.runs for v, kind in run.fresh.items()}
    used = {v for run in writer.runs for v in run.variables}
    gradients = _gradients(recording, writer, fresh)
    old = _old_gradients(recording, writer, used)
    if gradients is None or old is None:
        return None
    inputs = {v: int(found[1]) for v in used if (found := _INPUT.fullmatch(v))}
    held = {gradient.variable for gradient in gradients}
    made = {variable: kind for variable, kind in fresh.items() if variable not in held}
    text = " ".join((*lines, returned))
    are_known = inputs.keys() | fresh.keys() | {each.variable for each in old} >= used
    are_known &= {*_FRESH.findall(text)} <= made.keys() and not _OTHERS.search(text)
    if not are_known or len(held) != len(gradients):
        return None
    results = writer.compiled(f"results({', '.join(made)})", [*lines, f"return {returned}"])
    repeats = [entry for entry in recording.tape.entries if entry.kind == "repeat"]
    optimizers = {k: e.args[0] for k, e in enumerate(repeats) if _is_optimizers(e)}
    return StepParts(order, optimizers, inputs, gradients, old, made, results)


def _is_optimizers(entry: Any) -> bool:
    return len(entry.args) == 1 and hasattr(entry.args[0], "_native_step")


def _order_of(recording: Recording, writer: Writer) -> list[Any] | None:
    """The runs, and the numbers of repeated calls, in their order; None if there is more."""
    entries = recording.tape.entries
    if recording.region is not None or recording.flags or not writer.runs:
        return None
    if any(run.may_need_python for run in writer.runs):
        return None
    if not all(isinstance(tensor, Value) for tensor in recording.arguments.tensors):
        return None
    runs = {run.number: run for run in writer.runs}
    order: list[Any] = []
    changes = Changes(recording.trace)
    repeats = 0
    for number, entry in enumerate(entries):
        if number in runs:
            order.append(runs[number])
        if entry.kind == "repeat":
            order.append(repeats)
            repeats += 1
        elif entry.kind == "setting":
            return None
        elif entry.kind == "call":
            found = writer.native.calls.get(number)
            if found is None or (changes.are_lasting and number in writer.stops):
                return None
            changes.note(entry, found)
    return order


class Changes:
    """Whether tasks have changed memory that lasts, so that a step cannot be begun again.

    Where memory is filled at first, whatever is done to it then can be done again.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._filled: set[Name] = set()
        self.are_lasting = False

    def note(self, entry: Entry, found: Shortcut) -> None:
        """Note what a call changes."""
        for position in found.changes:
            name = self._trace.name_of(entry.args[position])
            if found.fills:
                self._filled.add(name)
            elif name[0] not in ("result", "constant") and name not in self._filled:
                self.are_lasting = True


def _gradients(
    recording: Recording, writer: Writer, fresh: Mapping[str, Any]
) -> list[Gradient] | None:
    """The gradients that a step makes in fresh memory; None if it does anything else with one."""
    made: dict[Name, tuple[Name, Any]] = {}
    last: dict[Name, bool] = {}
    for step, entry in zip(recording.trace.steps, recording.tape.entries, strict=True):
        if entry.kind != "gradients":
            continue
        for (leaf, name), (_, grad) in zip(step.args, entry.args, strict=True):
            last[leaf] = name is not None
            if name is None:
                continue
            if leaf in made or leaf[0] != "leaf":
                return None
            made[leaf] = name, grad
    found = []
    for leaf, is_kept in last.items():
        if leaf not in made:  # dropped, and none comes
            return None
        name, grad = made[leaf]
        owner, first = recording.trace.leaves[leaf]
        variable = writer.array(name)
        if variable not in fresh or (first is not None and not is_kept):
            return None
        if not isinstance(grad.array, np.ndarray) or grad._is_complex:
            return None
        found.append(
            Gradient(owner, type(grad), variable, fresh[variable], first is not None, is_kept)
        )
    return found


def _old_gradients(
    recording: Recording, writer: Writer, used: set[str]
) -> list[OldGradient] | None:
    """The gradients before the step that native tasks take; None if a step also drops one."""
    found = []
    for name, (leaf, grad) in recording.trace.leaves.items():
        variable = writer.old_gradient(name)
        if variable is None or variable not in used:
            continue
        if name[0] != "leaf" or leaf._grad is not grad:
            return None
        found.append(OldGradient(leaf, variable, grad.array.strides))
    return found
