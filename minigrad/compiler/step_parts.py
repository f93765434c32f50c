"""What a step consists of that one native call can run, and the source of what it returns.

Such a step makes one run of native tasks.  Before it gradients are dropped at most; after it leaves
get new gradients, an optimizer may take its step, and results are wrapped.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.native import Run
from minigrad.compiler.recording import Recording
from minigrad.compiler.source import Writer
from minigrad.compiler.trace import Name
from minigrad.engine.graph import Value

_FRESH = re.compile(r"\bv\d+_\d+\b")
_OTHERS = re.compile(r"\b(tensors\[|[wxkg]\d)")
_INPUT = re.compile(r"x(\d+)")


class Gradient(NamedTuple):
    """A gradient that the step makes: whose it is, and the variable that its memory has."""

    leaf: Value
    kind: type[Value]
    variable: str
    had_one: bool  # the leaf has a gradient before, which the step drops
    keeps: bool  # it is the leaf's gradient after the step


class StepParts(NamedTuple):
    """The parts of a step that is one run of native tasks."""

    run: Run
    inputs: dict[str, int]  # variables of the run, and the numbers of the arguments
    gradients: list[Gradient]
    made: list[str]  # the other variables of fresh results
    optimizer: Any  # whose step follows, or None
    results: Callable[..., Any]  # of the arrays in `made`


def step_parts_of(
    recording: Recording, writer: Writer, lines: Sequence[str], returned: str
) -> StepParts | None:
    """The parts of a step; None if it has others than these.

    `lines` make what the step returns, the expression `returned`.
    """
    if not _is_one_run(recording, writer):
        return None
    run = writer.runs[0]
    gradients = _gradients(recording, writer, run)
    if gradients is None:
        return None
    inputs = {v: int(found[1]) for v in run.variables if (found := _INPUT.fullmatch(v))}
    held = {gradient.variable for gradient in gradients}
    made = [variable for variable in run.fresh if variable not in held]
    text = " ".join((*lines, returned))
    are_known = inputs.keys() | run.fresh.keys() == run.variables.keys()
    are_known &= set(_FRESH.findall(text)) <= set(made) and not _OTHERS.search(text)
    if not are_known or len(held) != len(gradients):
        return None
    results = writer.compiled(f"results({', '.join(made)})", [*lines, f"return {returned}"])
    optimizer = next((e.args[0] for e in recording.tape.entries if e.kind == "repeat"), None)
    return StepParts(run, inputs, gradients, made, optimizer, results)


def _is_one_run(recording: Recording, writer: Writer) -> bool:
    """True if there are native tasks and at most one call of a method without arguments."""
    entries = recording.tape.entries
    if recording.region is not None or recording.flags or len(writer.runs) != 1:
        return False
    if not all(isinstance(tensor, Value) for tensor in recording.arguments.tensors):
        return False
    kinds = {number: entry.kind for number, entry in enumerate(entries)}
    repeats = [entry for entry in entries if entry.kind == "repeat"]
    if "read" in kinds.values() or len(repeats) > 1 or any(len(e.args) != 1 for e in repeats):
        return False
    return all(number in writer.native.calls for number, kind in kinds.items() if kind == "call")


def _gradients(recording: Recording, writer: Writer, run: Run) -> list[Gradient] | None:
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
        if variable not in run.fresh or (first is not None and not is_kept):
            return None
        if not isinstance(grad.array, np.ndarray) or grad._is_complex:
            return None
        found.append(Gradient(owner, type(grad), variable, first is not None, is_kept))
    return found
