"""A plan: the replay of a recorded call, for arguments of one kind, and what it holds for."""

import threading
from collections.abc import Collection, Sequence
from typing import Any

from minigrad.compiler.arguments import Arguments
from minigrad.compiler.explain import Task, describe, flow_of
from minigrad.compiler.floats import FloatArguments
from minigrad.compiler.lifetimes import arrays_in
from minigrad.compiler.native import NativeCalls
from minigrad.compiler.options import Options
from minigrad.compiler.quick import QuickArguments
from minigrad.compiler.recording import Recording
from minigrad.compiler.region import Backward, Region, RegionOp, connect
from minigrad.compiler.results import tensors_in
from minigrad.compiler.source import Writer
from minigrad.compiler.step_parts import StepParts, step_parts_of
from minigrad.compiler.trace import Trace
from minigrad.compiler.whole_step import WholeStep
from minigrad.engine.grad_mode import Mode, quiet_context
from minigrad.engine.graph import bump_versions
from minigrad.kernels.replay.task_list import CannotRunError
from minigrad.kernels.replay.watched_words import CannotWatchError

# From this replay on, one native call is tried.
FIRST = 2
# After so many calls in a row in which something else had changed it is not tried any more.
MOST_CHANGES = 8


class Plan:
    """The replay of a recorded step."""

    def __init__(
        self, recording: Recording, varying_floats: Collection[int], varying: set[int],
        options: Options, native: bool = True,
    ) -> None:  # fmt: skip
        self.world = recording.world
        self.lock = threading.Lock()
        self.replays = 0
        trace, tape = recording.trace, recording.tape
        self.floats = FloatArguments(recording.arguments.floats, varying_floats)
        region = recording.region
        end = len(tape.entries) if region is None else region.starts[0]
        calls = _native_calls(recording, end, varying, options.fuse) if native else NativeCalls()
        if options.reuse_outputs and region is None:
            calls.keep_results(tensors_in(recording.results.returned), tape.entries)
        inputs = len(recording.arguments.arrays)
        writer = Writer(trace, self.floats, varying, inputs, calls)
        for number, entry in enumerate(tape.entries[:end]):
            writer.add(number, entry)
        writer.end_run()
        first = len(writer.lines)
        expression = recording.results.write(writer)
        count = len(writer.lines)
        saved = [] if region is None else self._add_backwards(writer, recording, region)
        if region is not None:
            outputs = "".join(f"{recording.results.written(out)}, " for out in region.outputs)
            expression = f"({expression}, ({outputs}), ({''.join(f'{v}, ' for v in saved)}))"
        self._replay = writer.function(expression, count)
        self.writer = writer
        self._op: RegionOp | None = None
        self._edges: list[Any] = []
        self._watched: list[Any] = []
        if region is not None:
            functions = iter(writer.backwards(saved))
            strides = [array.strides for array in region.arrays]
            self.backwards = [
                Backward(quick, plain, [strides[i] for i in chosen])
                for chosen, quick, plain in zip(region.sets, functions, functions, strict=True)
            ]
            self._op = RegionOp(recording.name, region.sets, self.backwards)
            numbers = {id(t): k for k, t in enumerate(recording.arguments.tensors)}
            self._edges = [numbers.get(id(target), target) for target in region.targets]
            self._watched = recording.tensors_read(saved, writer)
        self.repeated = tuple(writer.repeated)
        self.tasks = [Task(entry) for entry in tape.entries if entry.kind == "call"]
        self.flow = flow_of(trace, tape.entries)
        self.kind = describe(recording.arguments)
        self.recording = recording
        self._note_gradients(trace, writer)
        # A repeated step of an optimizer notes itself that it has changed these.
        repeated = {id(t) for entry in tape.entries if entry.kind == "repeat"
                    for t in _updated(entry.args)}  # fmt: skip
        self.changed = [t for t in recording.changed if type(t) is int or id(t) not in repeated]
        self.parts: StepParts | None = None  # where one native call can run all of them
        self.whole: WholeStep | None = None  # the replay as one native call, once it was tried
        if not any(type(t) is int for t in self.changed):
            lines = writer.lines[first:count]
            self.parts = step_parts_of(recording, writer, lines, expression)
        calls.let_go()
        self._flags = list(recording.flags.items())
        self._context = quiet_context()

    def _note_gradients(self, trace: Trace, writer: Writer) -> None:
        """Note which leaves have gradients, and how those lie in memory that are read."""
        touched = [
            (leaf if name[0] == "leaf" else name[1], grad is None)
            for name, (leaf, grad) in trace.leaves.items()
            if name in writer._leaves or self.repeated  # which take all gradients that there are
        ]
        # Gradients that the step reads or adds to, and their strides.
        self._read_gradients = [
            (leaf if name[0] == "leaf" else name[1], grad.array.strides)
            for name, (leaf, grad) in trace.leaves.items()
            if grad is not None and ("gradient", name) in writer._expressions
        ]
        self.leaves = [leaf for leaf, _ in touched if type(leaf) is not int]
        self._lack_gradients = [lacks for leaf, lacks in touched if type(leaf) is not int]
        self._given_leaves = [(leaf, lacks) for leaf, lacks in touched if type(leaf) is int]

    def holds(self, arguments: Arguments) -> bool:
        """True if the recording was made for such arguments, in such a world."""
        if arguments.floats and not self.floats.hold(arguments.floats):
            return False
        # A gradient has its leaf's shape, which the key and the world hold for.
        if [leaf._grad is None for leaf in self.leaves] != self._lack_gradients:
            return False
        tensors = arguments.tensors
        if any((tensors[n]._grad is None) is not lacks for n, lacks in self._given_leaves):
            return False
        for leaf, strides in self._read_gradients:
            array = (tensors[leaf] if type(leaf) is int else leaf)._grad.array
            if array.strides != strides or not array.flags.behaved:
                return False
        return self.world.holds()

    def run(self, arguments: Arguments, repeated: tuple[Any, ...] | None = None) -> Any:
        """Replay the step.  The caller holds the lock."""
        result = self._context.run(
            self._replay, arguments.arrays, arguments.tensors, arguments.floats,
            self.repeated if repeated is None else repeated,
        )  # fmt: skip
        tensors = arguments.tensors
        for number, flag in self._flags:
            tensors[number]._requires_grad = flag
        if self.changed:
            bump_versions([tensors[t] if type(t) is int else t for t in self.changed])
        if self._op is not None:
            result, outputs, saved = result
            targets = [tensors[t] if type(t) is int else t for t in self._edges]
            edges = tuple([target.node or target for target in targets])
            read = [tensors[t] if type(t) is int else t for t in self._watched]
            connect(self._op, edges, outputs, saved, read)
        return result

    def whole_step(
        self, quick: QuickArguments | None, mode: Mode, options: Options
    ) -> WholeStep | None:
        """The replay as one native call, after one from Python; None where it needs Python."""
        whole = self.whole
        if self.parts is None or not quick or self.replays < FIRST or options.verify_every:
            return None
        if whole is not None and not whole.is_stale:
            return whole
        try:
            if whole is None:
                whole = WholeStep(self, self.parts, quick)
            whole.changes += 1
            if whole.changes > MOST_CHANGES:
                raise CannotWatchError("something changes in each call")
            whole.refresh(mode)
        except (CannotWatchError, CannotRunError):
            self.parts = whole = None
        self.whole = whole
        return whole

    def _add_backwards(self, writer: Writer, recording: Recording, region: Region) -> list[str]:
        """Write each backward; the variables of the forward that they read."""
        tape, trace = recording.tape, recording.trace
        saved: set[str] = set()
        backwards = zip(region.sets, _ranges(recording, region), region.gradients, strict=True)
        for chosen, numbers, gradients in backwards:
            for writer.is_plain in (False, True):
                first = len(writer.lines)
                with writer.scope():
                    for number in numbers:
                        writer.add(number, tape.entries[number])
                    writer.end_run()
                    found = ["None" if g is None else writer.array(trace.name_of(g))
                             for g in gradients]  # fmt: skip
                    results = f"({''.join(f'{each}, ' for each in found)})"
                    saved.update(writer.backward(first, len(writer.lines), chosen, results))
        return sorted(saved)


def _updated(given: Sequence[Any]) -> list[Any]:
    """The parameters of optimizers among the arguments of a call."""
    groups = [group for each in given for group in getattr(each, "param_groups", ())]
    return [param for group in groups for param in group["params"]]


def _ranges(recording: Recording, region: Region) -> list[range]:
    """The numbers of the entries of each backward."""
    ends = [*region.starts[1:], len(recording.tape.entries)]
    return [range(start, end) for start, end in zip(region.starts, ends, strict=False)]


def _native_calls(recording: Recording, end: int, varying: set[int], fuses: bool) -> NativeCalls:
    """The native calls of the forward, which ends with this entry, and of each backward."""
    entries, found = recording.tape.entries, NativeCalls()
    # What a backward reads lives longer than the replay of the forward.
    lasting = arrays_in([recording.results.returned, entries[end:]])
    found.add(entries, range(end), lasting, varying, fuses=fuses)
    if region := recording.region:
        gradients = arrays_in(region.gradients)
        for numbers in _ranges(recording, region):
            found.add(entries, numbers, gradients, varying, shared=True, fuses=fuses)
    return found
