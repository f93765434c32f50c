"""The tape: everything that a step computes on arrays, in order, while the step runs as usual.

All operations, rules over arrays and changes in place run by `mode.ignore_fp_errors`; while a tape
is running, that is `Tape.call`.  Between two of them the engine may give a leaf a gradient or take
it away, which the tape sees at the next call.  What it cannot see it is told of, or finds out by
comparing two recordings (`trace.py`).
"""

import hashlib
import time
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compiler.breaks import GraphBreak
from minigrad.compiler.recorded_memory import RecordedMemory
from minigrad.compiler.where import calling_line, only_returns
from minigrad.engine.backward import Walk
from minigrad.engine.grad_mode import Mode, thread
from minigrad.engine.graph import Node, Value

_ndarray = np.ndarray


@dataclass(slots=True)
class Entry:
    """One thing that a step did.

    kind is "call" (a function of arrays), "repeat" (a call that is repeated whole), "gradients"
    (leaves that were given gradients: `args` are pairs), "setting" (of an optimizer: `args` are the
    number of its group, the name and the value; the group itself is kept), "constant" (an array
    made of numbers) or "read" (a number that Python has read).
    """

    kind: str
    function: Any
    args: tuple[Any, ...]
    settings: dict[str, Any]
    result: Any
    where: str
    called: str = ""  # what the function is called
    seconds: float = 0.0
    in_backward: bool = False  # a backward pass was running
    gave_scalars: bool = False  # the function's result has NumPy's scalars in place of arrays
    kept: Any = None  # for checks: of a constant its content, of a repeated call arrays around it


@dataclass
class Snapshot:
    """Copies of arrays, to compare with and to restore."""

    pairs: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    @classmethod
    def of(cls, arrays: Iterable[np.ndarray]) -> "Snapshot":
        return cls([(array, array.copy()) for array in arrays])

    def restore(self) -> None:
        for array, copy in self.pairs:
            if array.flags.writeable:
                np.copyto(array, copy)

    def holds(self) -> bool:
        """True if the arrays have the bits that were copied."""
        return all(same_bits(array, copy) for array, copy in self.pairs)


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """True if two arrays have equal layouts and the same bits."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def digest(array: np.ndarray) -> tuple[Any, ...]:
    """What arrays with the same bits have in common: a copy of a large one would take memory."""
    elements = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return array.shape, array.dtype, hashlib.blake2b(elements.data, digest_size=16).digest()


class Tape:
    """Records what the current thread does, between `start` and `stop`."""

    def __init__(
        self,
        leaves: Iterable[Value],
        watched: Iterable[np.ndarray] = (),
        code: types.CodeType | None = None,
        groups: Iterable[dict[str, Any]] = (),
    ) -> None:
        self.entries: list[Entry] = []
        self.reason: GraphBreak | None = None  # the first thing that rules a replay out
        self.first_grads: dict[int, tuple[Value, Any]] = {}  # by id: a leaf, its first gradient
        self.first_arrays: dict[int, np.ndarray] = {}  # the arrays of these gradients
        self.watched = list(watched)  # arrays whose contents are kept around repeated calls
        self.has_drawn = False
        self.node = ""  # the name of the node that backward visits now
        self._code = code  # of the function that is recorded
        self._grads: dict[int, Any] = {}
        self._depth = 0
        self._groups = list(groups)  # of optimizers, whose settings the step may change
        self._settings = [dict(group) for group in self._groups]
        self._memory = RecordedMemory()
        for leaf in leaves:
            self.add_leaf(leaf)

    # --- what is recorded ---

    def call(self, function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
        """Call a function of arrays and write it down; in place of `mode.ignore_fp_errors`."""
        if self._depth or function is int:  # which asks if an operation is being interrupted
            return self._untaped(function, *args, **settings)
        self.note_gradients()
        self._memory.give_back()
        self._depth = 1
        try:
            began = time.perf_counter()
            given = self._untaped(function, *args, **settings)
        finally:
            self._depth = 0
        seconds = time.perf_counter() - began
        result = as_arrays(given)
        entry = Entry("call", function, args, settings, result, calling_line())
        entry.called, entry.seconds = self._name_of(function), seconds
        entry.gave_scalars = result is not given
        entry.in_backward = self._mode.walk is not None
        self.entries.append(entry)
        if isinstance(result, tuple | list):
            entry.result = [*result]  # a list of the tape's own: the engine may keep the other
        self._memory.note([*args, *settings.values(), *results_of(entry)])
        return result

    def _name_of(self, function: Callable[..., Any]) -> str:
        """The name of a function; of a rule that of the node that it belongs to."""
        name = getattr(function, "__name__", "function").strip("_")
        return self.node if self.node and name in ("<lambda>", "rule", "backward") else name

    def add_leaf(self, leaf: Value) -> None:
        """Watch the gradient of a leaf."""
        if id(leaf) not in self.first_grads:
            grad = leaf._grad
            self.first_grads[id(leaf)] = leaf, grad
            self._grads[id(leaf)] = grad
            if grad is not None:
                self.first_arrays[id(leaf)] = grad.array

    def note_gradients(self) -> None:
        """Write down which leaves have other gradients than before."""
        changed = []
        for key, before in self._grads.items():
            leaf = self.first_grads[key][0]
            if leaf._grad is not before:
                changed.append((leaf, leaf._grad))
        if changed:
            self._grads.update((id(leaf), grad) for leaf, grad in changed)
            entry = Entry("gradients", None, tuple(changed), {}, None, calling_line())
            self.entries.append(entry)

    def note_settings(self) -> None:
        """Write down which settings of optimizers are others than before."""
        for number, (group, before) in enumerate(zip(self._groups, self._settings, strict=True)):
            if group.keys() != before.keys():
                self.refuse("it changes the groups of an optimizer")
            for name, value in group.items():
                if value is not before.get(name):
                    if not isinstance(value, bool | int | float | str | tuple | None):
                        self.refuse(f"it gives an optimizer another {name}")
                    entry = Entry("setting", None, (number, name, value), {}, None, calling_line())
                    entry.kept = group
                    self.entries.append(entry)
            self._settings[number] = dict(group)

    def read(self, array: np.ndarray, number: Any) -> Any:
        """Write down that Python has read a number; a `float` can be told apart afterwards."""
        if self._depth:
            return number
        if type(number) in _READ:
            number = _READ[type(number)](number)
        entry = Entry("read", None, (array,), {}, number, calling_line())
        entry.kept = only_returns(self._code)
        self.entries.append(entry)
        return number

    def created(self, array: np.ndarray) -> None:
        """Write down that an array was made of numbers."""
        if not self._depth:
            where = calling_line()
            entry = Entry("constant", None, (), {}, array, where, kept=array.copy())
            self.entries.append(entry)

    def drawn(self) -> None:
        """Refuse random numbers that no recorded function draws."""
        self.has_drawn = True
        if not self._depth:
            self.refuse("it draws random numbers in a way that is not recorded")

    def repeat(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function that replays call again, whole."""
        if self._depth:
            return function(*args)
        self.note_gradients()
        self.note_settings()
        where, kept = calling_line(), None
        if self.watched:
            grads = [leaf._grad for leaf, _ in self.first_grads.values()]
            kept = [None if g is None else digest(g.array) for g in grads]
        with self.paused():
            result = function(*args)
        self._settings = [dict(group) for group in self._groups]
        after = Snapshot.of(self.watched) if self.watched else None
        self.entries.append(Entry("repeat", function, args, {}, result, where, kept=(kept, after)))
        return result

    def refuse(self, reason: str) -> None:
        """Note why the step cannot be replayed; the first reason counts."""
        if self.reason is None:
            self.reason = GraphBreak(reason, calling_line())

    # --- switching on and off ---

    def start(self) -> None:
        """Record this thread from now on."""
        self._mode: Mode = thread.mode
        self._untaped = self._mode.ignore_fp_errors
        self._before = self._mode.walk_type
        self._walk_type = _walk_type(self)
        self._switch(True)

    def stop(self) -> None:
        """Stop recording, and note the last changes."""
        self._switch(False)
        self.note_gradients()
        self.note_settings()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A block in which nothing is recorded."""
        self._switch(False)
        try:
            yield
        finally:
            self._switch(True)

    def _switch(self, is_on: bool) -> None:
        mode = self._mode
        mode.ignore_fp_errors = self.call if is_on else self._untaped  # type: ignore[assignment]
        mode.step_recorder = self if is_on else None
        mode.walk_type = self._walk_type if is_on else self._before


class ReadFloat(float):
    """A number that Python has read of a tensor while a step was recorded."""


class ReadInt(int):
    """The same for integers."""


_READ: dict[type, type] = {float: ReadFloat, int: ReadInt}


def as_arrays(result: Any) -> Any:
    """The result of a function with arrays for NumPy's scalars, as operations wrap them anyway."""
    if isinstance(result, tuple):
        if not any(isinstance(r, np.generic) for r in result):
            return result
        return tuple([np.asarray(r) if isinstance(r, np.generic) else r for r in result])
    return np.asarray(result) if isinstance(result, np.generic) else result


def results_of(entry: Entry) -> list[Any]:
    """The results of a call."""
    if entry.result is None:
        return []
    return list(entry.result) if isinstance(entry.result, tuple | list) else [entry.result]


def _walk_type(recorded_by: Tape) -> type[Walk]:
    # A class refers to itself: the tape would live until the next collection, with all its arrays.
    tape = weakref.proxy(recorded_by)

    class WatchedWalk(Walk):
        """A backward pass that tells of the leaves that it reaches."""

        def accumulate(self, edge: Any, g: Any, owned: bool) -> None:
            if isinstance(edge, Value):
                tape.add_leaf(edge)
            super().accumulate(edge, g, owned)

        def _array_vjp(self, node: Node, g: Any) -> None:
            tape.node = node.name()
            try:
                super()._array_vjp(node, g)
            finally:
                tape.node = ""

    return WatchedWalk
