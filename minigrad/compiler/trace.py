"""Traces: tapes whose arrays have names that two recordings of one step share.

A name says where an array comes from: an argument, the result of an earlier call, a view of one of
these, the gradient that a leaf had before, or memory that was there before the step.  Fresh memory
of unknown origin has a name too, its address; the next recording has another, and so they differ.
"""

import functools
import types
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.breaks import GraphBreak
from minigrad.compiler.tape import Entry, Tape, same_bits
from minigrad.engine.graph import Value
from minigrad.engine.saved import ShapeDtype
from minigrad.tensor.memory import owner_of, place_in

Name = tuple[Any, ...]


class Output(NamedTuple):
    """How a tensor that the step returned is made: from an array's name, or an object as it is."""

    name: Name
    kind: type[Value]
    requires_grad: bool


class Step(NamedTuple):
    """An entry of a tape, with names for arrays."""

    kind: str
    function: Any
    args: Any
    settings: Any
    results: tuple[Any, ...]  # of a call: a name for each result, None for what is no array
    layouts: tuple[Any, ...]  # and its shape, strides and dtype
    where: str
    called: str  # what the function is called


def layout(array: np.ndarray) -> tuple[Any, ...]:
    """Shape, strides and dtype."""
    return array.shape, array.strides, array.dtype


class Trace:
    """A tape with names."""

    def __init__(self, tape: Tape, inputs: Sequence[np.ndarray], leaf_names: dict[int, Name]):
        self.has_drawn = tape.has_drawn
        self.objects: dict[Name, np.ndarray] = {}  # memory that was there before, by name
        self.constants: dict[Name, tuple[np.ndarray, bool]] = {}  # content, and if it was changed
        self.leaves: dict[Name, tuple[Value, Any]] = {}  # leaves, and their gradients at first
        self._leaf_names = leaf_names
        self._names: dict[int, Name] = {}
        # By the id of an owner: the first array in its memory, and its name.
        self._owners: dict[int, tuple[Name, np.ndarray]] = {}
        self._where = ""
        self._open: list[types.FunctionType] = []
        self._alive: list[Any] = [tape]
        self._others: list[Any] = []  # objects that are known by their ids
        for number, array in enumerate(inputs):
            self._name(array, ("input", number))
        for key, (leaf, grad) in tape.first_grads.items():
            self.leaves[self.leaf_name(leaf)] = leaf, grad
            if grad is not None:
                self._name(tape.first_arrays[key], ("gradient", self.leaf_name(leaf)))
        self._settle_constants(tape)
        self.steps = [self._step(number, entry) for number, entry in enumerate(tape.entries)]

    def forget_arrays(self) -> None:
        """Keep what another trace can be compared with, not the arrays that the step has made."""
        self._names, self._owners, self.constants = {}, {}, {}
        self.leaves = {name: (leaf, None) for name, (leaf, _) in self.leaves.items()}
        self._alive = self._others

    # --- names ---

    def name_of(self, array: np.ndarray) -> Name:
        """The name of an array."""
        known = self._names.get(id(array))
        if known is not None:
            return known
        found = self._owners.get(id(owner_of(array)))
        if found is not None:  # an argument may lie elsewhere in its owner, the next time
            return ("view", found[0], place_in(found[1], array))
        name = ("memory", array.__array_interface__["data"][0], *layout(array))
        self.objects.setdefault(name, array)
        self._names[id(array)] = name
        self._alive.append(array)
        return name

    def leaf_name(self, leaf: Value) -> Name:
        """The name of a leaf: an argument's number, or the object itself."""
        return self._leaf_names.get(id(leaf), ("leaf", id(leaf)))

    def _name(self, array: np.ndarray, name: Name) -> Name:
        known = self._names.get(id(array))
        if known is not None:
            return known
        self._names[id(array)] = name
        self._owners.setdefault(id(owner_of(array)), (name, array))
        self._alive.append(array)
        return name

    def _settle_constants(self, tape: Tape) -> None:
        """Note which arrays made of numbers were changed in place later."""
        self._changed = {
            id(entry.result)
            for entry in tape.entries
            if entry.kind == "constant" and not same_bits(entry.result, entry.kept)
        }

    def mentions(self, name: Name) -> bool:
        """Return whether a step reads, changes or hands on an array, or a view of it."""
        return any(_occurs(name, [s.args, s.settings, s.results]) for s in self.steps)

    # --- entries ---

    def _step(self, number: int, entry: Entry) -> Step:
        if entry.kind == "constant":
            name = self._name(entry.result, ("constant", number))
            changed = id(entry.result) in self._changed
            self.constants[name] = entry.kept, changed
            content = (*layout(entry.kept), entry.kept.tobytes())
            return Step("constant", None, content, None, (name,), (), entry.where, "")
        if entry.kind == "gradients":
            pairs = tuple(
                (self.leaf_name(leaf), None if grad is None else self.name_of(grad.array))
                for leaf, grad in entry.args
            )
            return Step("gradients", None, pairs, None, (), (), entry.where, "")
        self._where = f"{entry.where} in {entry.function}"
        args, settings = self.symbols(entry.args), self.symbols(entry.settings)
        results: tuple[Any, ...] = ()
        layouts: tuple[Any, ...] = ()
        if entry.kind == "call":
            several = isinstance(entry.result, tuple | list)
            given = entry.result if several else (entry.result,)
            results = tuple(self._result(number, k, each) for k, each in enumerate(given))
            layouts = tuple(layout(e) if isinstance(e, np.ndarray) else None for e in given)
            if several:
                results = ("several", *results)
        return Step(
            entry.kind, function_of(entry.function, self), args, settings, results, layouts,
            entry.where, entry.called,
        )  # fmt: skip

    def _result(self, number: int, k: int, given: Any) -> Any:
        if isinstance(given, np.ndarray):
            return self._name(given, ("result", number, k))
        return None if given is None else ("number", self.symbols(given))

    def symbols(self, given: Any) -> Any:  # noqa: PLR0911
        """The same structure with names for arrays, that can be compared with another."""
        if isinstance(given, np.ndarray):
            return ("array", self.name_of(given))
        if isinstance(given, Value):
            return ("tensor", type(given), self.name_of(given.array))
        kind = type(given)
        if kind in (tuple, list) or isinstance(given, tuple):
            return ("sequence", kind, tuple([self.symbols(each) for each in given]))
        if kind is dict:
            return ("dict", tuple([(key, self.symbols(each)) for key, each in given.items()]))
        if kind is float:
            return ("float", given.hex())
        if given is None or kind in (int, bool, str, complex) or isinstance(given, np.dtype):
            return ("value", kind, given)
        if isinstance(given, ShapeDtype):
            return ("shape", given.shape, given.dtype)
        if isinstance(given, np.generic):
            return ("scalar", given.dtype, given.tobytes())
        if kind is slice:
            return ("slice", self.symbols([given.start, given.stop, given.step]))
        return ("object", function_of(given, self))

    def closure(self, given: types.FunctionType) -> Any:
        """The code and the contents of a function that may be made anew in each call."""
        if given in self._open:
            return "itself"
        self._open.append(given)
        try:
            cells = [cell.cell_contents for cell in given.__closure__ or ()]
            defaults = [given.__defaults__, given.__kwdefaults__]
            return "closure", given.__code__, self.symbols(cells), self.symbols(defaults)
        finally:
            self._open.pop()


def function_of(given: Any, trace: Trace) -> Any:
    """What two functions have in common that do the same: code and contents, or the object."""
    if isinstance(given, functools.partial):
        return (
            "partial", function_of(given.func, trace), trace.symbols(given.args),
            trace.symbols(given.keywords),
        )  # fmt: skip
    if isinstance(given, types.FunctionType) and given.__closure__:
        return trace.closure(given)
    if isinstance(given, types.MethodType):
        trace._others.append(given.__self__)
        return "method", given.__func__, id(given.__self__)
    trace._others.append(given)
    return id(given)


def difference(
    first: Trace, second: Trace, floats: Mapping[int, tuple[str, str]]
) -> GraphBreak | None:
    """Where two recordings differ, or None; `floats` are arguments that differ themselves."""
    for a, b in zip(first.steps, second.steps, strict=False):
        if a[:6] == b[:6]:
            continue
        if floats and _with_floats(a, floats, 0)[:6] == _with_floats(b, floats, 1)[:6]:
            continue
        return GraphBreak(_words(a, b), b.where)
    if len(first.steps) != len(second.steps):
        longer = first if len(first.steps) > len(second.steps) else second
        extra = longer.steps[min(len(first.steps), len(second.steps))]
        return GraphBreak(
            f"two calls did not do the same: {len(first.steps)} operations, then "
            f"{len(second.steps)}",
            extra.where,
        )
    if first.leaves.keys() != second.leaves.keys():
        return GraphBreak("the tensors that get gradients are others in each call")
    return None


def differing_steps(first: Trace, second: Trace) -> set[int]:
    """The numbers of the steps that take other numbers."""
    pairs = zip(first.steps, second.steps, strict=True)
    return {number for number, (a, b) in enumerate(pairs) if a[:6] != b[:6]}


def _with_floats(step: Step, floats: Mapping[int, tuple[str, str]], which: int) -> Step:
    """The step with the numbers of arguments in place of their values."""
    values = {each[which]: number for number, each in floats.items()}

    def replaced(symbols: Any) -> Any:
        if not isinstance(symbols, tuple):
            return symbols
        if len(symbols) == 2 and symbols[0] == "float" and symbols[1] in values:
            return "argument", values[symbols[1]]
        return tuple(map(replaced, symbols))

    return step._replace(args=replaced(step.args), settings=replaced(step.settings))


def _words(a: Step, b: Step) -> str:
    if a.kind != b.kind or a.function != b.function:
        return "two calls did not do the same operations in the same order"
    if a.kind == "constant":
        return "a tensor is made of numbers that are others in each call"
    if a.args != b.args or a.settings != b.settings:
        if _has_memory(a.args) or _has_memory(a.settings):
            return (
                f"`{b.called}` takes an array whose origin is not recorded, made by NumPy or kept "
                f"from the call before"
            )
        return f"`{b.called}` takes a number that is another one in each call"
    return f"`{b.called}` gives other shapes in each call"


def _occurs(name: Name, symbols: Any) -> bool:
    """Return whether a name is among symbols, or in one of them."""
    if symbols == name:
        return True
    return isinstance(symbols, tuple | list) and any(_occurs(name, each) for each in symbols)


def _has_memory(symbols: Any) -> bool:
    if isinstance(symbols, tuple):
        return (len(symbols) > 0 and symbols[0] == "memory") or any(map(_has_memory, symbols))
    return False
