"""A recording: a call of a function while a tape was running, and what has to be known of it."""

import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.arguments import Arguments, objects_in
from minigrad.compiler.breaks import GraphBreak
from minigrad.compiler.checking_state import State, generators_of
from minigrad.compiler.region import Region, outputs_of, targets_below
from minigrad.compiler.results import Results, is_spent, tensors_in
from minigrad.compiler.source import Writer
from minigrad.compiler.tape import ReadFloat, ReadInt, Tape
from minigrad.compiler.trace import Trace
from minigrad.compiler.world import World
from minigrad.engine.graph import Value
from minigrad.ops.generator import Generator


class Recording:
    """A step that ran while a tape was running: the tape, and everything around it."""

    def __init__(
        self,
        tape: Tape,
        arguments: Arguments,
        world: World,
        returned: Any,
        versions: list[Any],
        region: Region | None,
    ) -> None:
        names = {
            id(tensor): ("argument", number) for number, tensor in enumerate(arguments.tensors)
        }
        self.name = ""  # what the function is called
        self.flags: dict[int, bool] = {}  # requires_grad of arguments, where the call has set it
        self.tape = tape
        self.arguments = arguments
        self.world = world
        self.region = region
        cotangents = [] if region is None else region.arrays
        self.trace = Trace(tape, [*arguments.arrays, *cotangents], names)
        self.results = Results(returned, self.trace, tape, arguments.tensors, world.tensors)
        self.symbols = self.results.symbols, self._region_symbols(region)
        given = [each for e in tape.entries for each in (*e.args, *e.settings.values())]
        self.generators = [each for each in given if isinstance(each, Generator)]
        self.changed = versions  # the tensors that were changed in place, arguments by number

    def let_go(self) -> None:
        """Let go of the arrays that recorded calls took and gave, once there is a plan."""
        for entry in self.tape.entries:
            if entry.kind == "call":
                entry.args, entry.settings, entry.result = (), {}, None
        self.trace.forget_arrays()

    def forget_arrays(self) -> None:
        """Let go of all arrays that the step has made."""
        self.tape = None  # type: ignore[assignment]
        self.region = self.results = None  # type: ignore[assignment]
        self.arguments = self.arguments._replace(arrays=[], tensors=[])
        self.trace.forget_arrays()

    def tensors_read(self, variables: Sequence[str], writer: Writer) -> list[Any]:
        """The tensors that were there before, or returned, whose memory a backward reads.

        Arguments are given by their numbers.
        """
        names = [name for name, variable in writer.expressions() if variable in variables]
        found: list[Any] = [name[1] for name in names if name[0] == "input"]
        kept = {id(array) for name, array in self.trace.objects.items()}
        return found + [t for t in self.world.tensors.values() if id(t.array) in kept]

    def varying_floats(self, other: "Recording") -> dict[int, tuple[str, str]]:
        """The arguments that are floats and others in another recording, by their number."""
        pairs = zip(self.arguments.floats, other.arguments.floats, strict=True)
        return {n: (a.hex(), b.hex()) for n, (a, b) in enumerate(pairs) if a.hex() != b.hex()}

    def _region_symbols(self, region: Region | None) -> Any:
        if region is None:
            return None
        targets = tuple(self.trace.leaf_name(target) for target in region.targets)
        gradients = tuple(
            tuple(None if g is None else self.trace.name_of(g) for g in each)
            for each in region.gradients
        )
        return targets, tuple(region.starts), gradients


class Session:
    """One recorded call: what is looked at before it, the call, and what is made of it."""

    def __init__(self, roots: Sequence[Any], arguments: Arguments, given: Sequence[Any]) -> None:
        self._roots = roots
        self.arguments = arguments
        self.world = World(*roots, *given)
        values = [*self.world.tensors.values(), *arguments.tensors]
        self._tensors = [value for value in values if isinstance(value, Value)]
        self._given = [value for value in arguments.tensors if isinstance(value, Value)]
        self._leaves = [t for t in self._tensors if t._requires_grad and t.node is None]
        # Which gradients there are decides what is done with them.
        self.gradients = tuple([None if t._grad is None else t._grad.array.shape
                                for t in self._leaves])  # fmt: skip

    def run(self, function: Callable[[], Any], earlier: "Recording | None") -> Any:
        """Call the function while a tape is running; after a recording, for a check too."""
        watched: list[np.ndarray] = []
        generators: list[Generator] = []
        if earlier is not None:
            watched = [*all_arrays(earlier.trace, self.world), *self.arguments.arrays]
            generators = earlier.generators
        groups = [group for each in self.world.optimizers for group in each.param_groups]
        self._tape = Tape(self._leaves, watched, _code_of(self._roots[0]), groups)
        self.before = State(watched, generators_of(generators))
        versions = [_version(tensor) for tensor in self._tensors]
        flags = [(t._requires_grad, t.node) for t in self._given]
        self._tape.start()
        try:
            self._returned = function()
        finally:
            self._tape.stop()
        self._changed = [
            t for t, v in zip(self._tensors, versions, strict=True) if _version(t) != v
        ]
        self._flags = {
            number: tensor._requires_grad
            for number, (tensor, (before, _)) in enumerate(zip(self._given, flags, strict=True))
            if tensor._requires_grad != before
        }
        if any(t.node is not node for t, (_, node) in zip(self._given, flags, strict=True)):
            self._tape.refuse("it gives an argument another place in the graph")
        return self._returned

    def let_go(self) -> None:
        """Let go of the state before the call, once a replay was compared with it."""
        del self.before, self._tape, self._returned

    def recording(self, name: str) -> "Recording":
        """What was recorded.  Raises GraphBreak if it cannot be replayed."""
        tape = self._tape
        if tape.reason is not None:
            raise tape.reason
        if (changed := self.world.changed()) is not None:
            raise GraphBreak(f"the step changes a Python object in each call: {changed}")
        check_reads(tape, _reads_in(self._returned))
        known = dict.fromkeys({*map(id, self.arguments.tensors), *self.world.tensors})
        live = [t for t in tensors_in(self._returned) if not is_spent(t)]
        region = None
        if outputs := outputs_of(live, known):
            region = Region(outputs, targets_below(outputs, self.arguments.tensors))
            region.record(tape, self.arguments.tensors)
        numbers = {id(tensor): n for n, tensor in enumerate(self.arguments.tensors)}
        changed_tensors = [numbers.get(id(t), t) for t in self._changed]
        recording = Recording(
            tape, self.arguments, self.world, self._returned, changed_tensors, region
        )
        recording.name = name
        recording.flags = {numbers[id(self._given[k])]: flag for k, flag in self._flags.items()}
        return recording


def given_objects(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """The arguments that are Python objects, which a recording depends on."""
    return list(objects_in(args, kwargs))


def _code_of(function: Any) -> types.CodeType | None:
    """The code of a function as it was written, within its decorators."""
    return getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None


def _version(tensor: Value) -> int:
    return 0 if tensor._storage is None else tensor._storage.version


def _reads_in(returned: Any) -> set[int]:
    if isinstance(returned, ReadFloat | ReadInt):
        return {id(returned)}
    if isinstance(returned, tuple | list):
        return set[int]().union(*map(_reads_in, returned))
    if isinstance(returned, dict):
        return _reads_in(list(returned.values()))
    return set()


def check_reads(tape: Tape, returned_reads: set[int]) -> None:
    """Raise GraphBreak if Python has read a number other than to return it at the end."""
    last_call = max(
        (k for k, e in enumerate(tape.entries) if e.kind in ("call", "repeat")), default=-1
    )
    for number, entry in enumerate(tape.entries):
        if entry.kind != "read":
            continue
        if number < last_call or not entry.kept or id(entry.result) not in returned_reads:
            what = "a number" if entry.args[0].size == 1 else "an array"
            raise GraphBreak(
                f"Python reads {what} of a tensor, and what it does then may depend on it",
                entry.where,
            )


def all_arrays(trace: Trace, world: World) -> list[np.ndarray]:
    """The arrays that were there before and that a step may change."""
    found = {id(array): array for array in trace.objects.values()}
    found.update(world.arrays)
    for name, (leaf, _) in trace.leaves.items():
        grad = leaf._grad
        if grad is not None and trace.mentions(("gradient", name)):
            found[id(grad.array)] = grad.array
    return list(found.values())
