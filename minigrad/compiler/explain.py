"""What a compiled function does, in words: tasks with times and bytes, and why it recorded."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.arguments import Arguments
from minigrad.compiler.tape import Entry

# Of the last recordings so many are remembered.
MOST_EVENTS = 20


class Events:
    """Why calls were recorded, the last ones."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note_recording(self, call: int, arguments: Arguments, case: Any, gradients: Any) -> None:
        """Note that a call is recorded, and what is new about it.

        `gradients` says which there are before the call, and of which shape.
        """
        changes = [plan.world.changed() for plan in case.plans]
        if gradients in case.waiting:
            why = "it is compared with the recording before"
        elif changes and None not in changes:
            why = f"{changes[0]} has changed"
        elif changes or case.waiting:
            why = "there are other gradients than before"
        else:
            why = f"arguments of a new kind: {describe(arguments)}"
        self.lines = [*self.lines[1 - MOST_EVENTS :], f"call {call}: {why}"]


def describe(arguments: Arguments) -> str:
    """The shapes and dtypes of the tensors among the arguments."""
    found = [f"{list(array.shape)} {array.dtype}" for array in arguments.arrays]
    return ", ".join(found) or "no tensors"


class Task:
    """A recorded call: its name, time and bytes, and how often such a one occurs."""

    def __init__(self, entry: Entry) -> None:
        self.name = entry.called
        self.where = entry.where
        self.seconds = entry.seconds
        self.bytes = sum(
            array.nbytes for array in _arrays([entry.args, entry.settings, entry.result])
        )


def _arrays(given: Any) -> list[np.ndarray]:
    if isinstance(given, np.ndarray):
        return [given]
    if isinstance(given, tuple | list):
        return [array for each in given for array in _arrays(each)]
    if isinstance(given, dict):
        return _arrays(list(given.values()))
    return []


class Drawn(NamedTuple):
    """A task as it is drawn: its number, name and result, and the tasks whose results it takes."""

    number: int
    called: str
    shape: str
    takes: list[int]
    in_backward: bool


def flow_of(trace: Any, entries: Sequence[Entry]) -> list[Drawn]:
    """The tasks of a trace, and which of them takes what from which."""
    found = []
    for number, (step, entry) in enumerate(zip(trace.steps, entries, strict=True)):
        if step.kind == "call":
            shapes = [str(list(layout[0])) for layout in step.layouts[:1] if layout is not None]
            takes = sorted(set(_makers([step.args, step.settings])))
            found.append(Drawn(number, step.called, "".join(shapes), takes, entry.in_backward))
    return found


def _makers(symbols: Any) -> Iterator[int]:
    """The numbers of the tasks whose results occur in symbols, or views of these."""
    if isinstance(symbols, tuple | list):
        if len(symbols) == 3 and symbols[0] == "result":
            yield symbols[1]
        else:
            for each in symbols:
                yield from _makers(each)


def drawn(compiled: Any) -> str:
    """The tasks of all plans as a graph in Graphviz's language: arrows are arrays.

    A box has the name of a task and the shape of its result.  The forward goes down, and backward,
    in grey, goes up beside it, so that an array which backward takes has a short way.
    """
    lines = ["digraph step {", "  rankdir=TB; node [shape=box, fontname=Helvetica];"]
    plans = [plan for case in compiled.cases.values() for plan in case.plans]
    for number, plan in enumerate(plans):
        lines.append(f"  subgraph cluster_{number} {{ label={_quoted(plan.kind)};")
        lines += [f"    {line}" for line in _lines_of(plan.flow, f"t{number}_")]
        lines.append("  }")
    return "\n".join([*lines, "}"])


def _lines_of(flow: list[Drawn], name: str) -> Iterator[str]:
    """The boxes and arrows of a plan's tasks, whose names begin with `name`."""
    in_backward = {task.number: task.in_backward for task in flow}
    for task in flow:
        label = _quoted(f"{task.called}\\n{task.shape}" if task.shape else task.called)
        grey = ", style=filled" if task.in_backward else ""
        yield f"{name}{task.number} [label={label}{grey}];"
        for k in task.takes:
            if in_backward[k] and task.in_backward:  # upward
                yield f"{name}{task.number} -> {name}{k} [dir=back];"
            elif in_backward[k] or task.in_backward:
                yield f"{name}{k} -> {name}{task.number} [constraint=false, color=grey];"
            else:
                yield f"{name}{k} -> {name}{task.number};"
    turn = next((k for k, task in enumerate(flow) if task.in_backward), 0)
    if turn:
        last, first = flow[turn - 1].number, flow[turn].number
        yield f"{{ rank=same; {name}{last}; {name}{first}; }}"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "'") + '"'


def explained(compiled: Any) -> str:
    """The text of `CompiledFunction.explain`."""
    lines = [
        f"{compiled.name}: {compiled.calls} calls, {compiled.replays} replayed, "
        f"{compiled.recordings} recorded"
    ]
    for case in compiled.cases.values():
        for plan in case.plans:
            lines += ["", *_of_plan(plan)]
        if case.broken is not None:
            lines += ["", f"Runs as it is written: {case.broken}"]
    if compiled.events.lines:
        lines += ["", "Recorded:", *(f"  {line}" for line in compiled.events.lines)]
    return "\n".join(lines)


def _of_whole(whole: Any) -> list[str]:
    if whole is None:
        return []
    steps = ", and so is the optimizer's step" if whole.takes_step else ""
    return [f"  a replay is one native call{steps}"]


def _of_memory(fused: Any) -> list[str]:
    """The most memory at once, and what was fused."""
    lines = [
        f"  at most {fused.bytes / 1024:.1f} KiB of results are needed at once, in the recorded "
        f"step {fused.recorded_bytes / 1024:.1f} KiB"
    ]
    if fused.chains:
        lines.append("  fused, block by block:")
    counts = {words: fused.chains.count(words) for words in fused.chains}
    return lines + [f"    {count} x {words}" for words, count in counts.items()]


def _of_plan(plan: Any) -> list[str]:
    total: dict[tuple[str, str], list[float]] = {}
    for task in plan.tasks:
        sums = total.setdefault((task.name, task.where), [0, 0.0, 0])
        sums[0] += 1
        sums[1] += task.seconds
        sums[2] += task.bytes
    writer, native = plan.writer, plan.writer.native
    lines = [
        f"Plan for {plan.kind}: {len(plan.tasks)} tasks, {len(plan.repeated)} calls repeated "
        f"whole, replayed {plan.replays} times",
        f"  {len(native.calls)} tasks are native, in {len(writer.runs)} runs without Python; "
        f"{len(plan.tasks) - len(native.calls)} are called from Python, {writer.shortcuts} of them "
        f"written shorter",
        *_of_whole(plan.whole),
        f"  memory: {len(native.memory)} results of {native.bytes_of_results / 1024:.1f} KiB in an "
        f"arena of {native.bytes / 1024:.1f} KiB; the others are fresh in each replay",
        *_of_memory(native.fused),
        f"  {'task':<28}{'count':>6}{'us':>10}{'KiB':>10}  line",
    ]
    for (name, where), (count, seconds, size) in total.items():
        lines.append(f"  {name:<28}{count:>6}{seconds * 1e6:>10.1f}{size / 1024:>10.1f}  {where}")
    return lines
