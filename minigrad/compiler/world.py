"""The Python objects that a step can reach, and whether they are as they were.

A recording holds for the values that it was made with: flags of modules, numbers in closures and
globals, which tensors are where.  From the step's function all of these are found by following
closures, globals, attributes, dicts and sequences; then a look at each is some 30 ns a call.
Objects of libraries are looked at by identity, as are optimizers and schedules, also those of
users, whose steps are repeated whole: what is in them may change.
"""

import sys
import types
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import numpy as np

from minigrad.compiler.breaks import GraphBreak
from minigrad.engine.graph import Value
from minigrad.kernels.compiler.numpy_abi import are_same
from minigrad.kernels.replay.guards import Versions, dicts_are_known
from minigrad.kernels.replay.watched_words import CannotWatchError, Watch
from minigrad.nn.module import Module

# More objects than this are not looked at in every call.
MOST = 20_000

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type, np.dtype, np.generic)
# What is looked at of each tensor.
_OF_TENSORS = {
    name: attrgetter(name)
    for name in ("array", "_requires_grad", "node", "_hooks", "_post_accumulate_hooks")
}
_LIBRARIES = ("minigrad", "numpy", "torch")


class Reachable:
    """The objects that functions can reach, and where they are."""

    def __init__(self, *roots: Any) -> None:
        self.tensors: dict[int, Value] = {}
        self.arrays: dict[int, np.ndarray] = {}
        self.optimizers: list[Any] = []  # whose steps are repeated whole
        self._places: list[tuple[Any, Any, str]] = []  # (container, key, what it is called)
        self._sized: list[Any] = []
        self._cells: list[tuple[Any, str]] = []
        self._tensor_names: list[str] = []
        self._seen_names: dict[int, str] = {}
        self._seen: dict[Any, Any] = {}
        for root in roots:
            self._visit(root, getattr(root, "__name__", type(root).__name__))
        self._leave_settings_out()

    def _leave_settings_out(self) -> None:
        """Look at no settings of optimizers: they are inputs, wherever somebody holds them."""
        groups = [each for o in self.optimizers for each in (o.param_groups, *o.param_groups)]
        known = {*map(id, groups)}
        self._places = [place for place in self._places if id(place[0]) not in known]
        self._sized = [each for each in self._sized if id(each) not in known]

    def _visit(self, found: Any, name: str) -> None:
        if isinstance(found, _PLAIN) or id(found) in self._seen:
            return
        if len(self._places) > MOST:
            raise GraphBreak(f"it can reach more than {MOST} Python objects, through {name}")
        self._seen[id(found)] = found
        if isinstance(found, Value):
            self._visit_tensor(found, name)
        elif isinstance(found, np.ndarray):
            self.arrays[id(found)] = found
        elif isinstance(found, dict):
            self._visit_items(found, found.items(), name, "{0}[{1!r}]")
        elif isinstance(found, list | tuple):
            self._visit_items(found, list(enumerate(found)), name, "{0}[{1}]")
        elif isinstance(found, types.FunctionType):
            self._visit_function(found, name)
        elif isinstance(found, types.MethodType):
            self._visit(found.__self__, name)
            self._visit(found.__func__, name)
        elif not isinstance(found, types.ModuleType | type):
            self._visit_instance(found, name)

    def _visit_instance(self, found: Any, name: str) -> None:
        """Visit an object of a class of a library, or of the program."""
        kind = type(found)
        if getattr(kind, "is_repeated_whole", False):
            if hasattr(found, "param_groups"):
                self.optimizers.append(found)
            elif hasattr(found, "optimizer"):
                self._visit(found.optimizer, f"{name}.optimizer")
        elif watched := getattr(kind, "watched_by_steps", ()):
            self._places += [(vars(found), each, f"{name}.{each}") for each in watched]
        elif isinstance(found, Module) or not _is_of_library(kind):
            self._visit_object(found, name)

    def _visit_items(self, container: Any, items: Any, name: str, words: str) -> None:
        if not isinstance(container, tuple):
            self._note_size(container, name)
        for key, value in items:
            called = words.format(name, key)
            if not isinstance(container, tuple):
                self._places.append((container, key, called))
            self._visit(value, called)

    def _note_size(self, container: Any, name: str) -> None:
        self._seen_names[id(container)] = name
        self._sized.append(container)

    def _visit_tensor(self, tensor: Value, name: str) -> None:
        self.tensors[id(tensor)] = tensor
        self.arrays[id(tensor.array)] = tensor.array
        self._tensor_names.append(name)
        for hooks in (tensor._hooks, tensor._post_accumulate_hooks):
            if hooks:
                self._visit(hooks, f"the hooks of {name}")

    def _visit_object(self, found: Any, name: str) -> None:
        attributes = getattr(found, "__dict__", None)
        if isinstance(attributes, dict):
            self._seen[id(attributes)] = attributes
            self._visit_items(attributes, list(attributes.items()), name, "{0}.{1}")
        for kind in type(found).__mro__:
            if not _is_of_library(kind) and kind is not object:
                for method in vars(kind).values():
                    inner = getattr(method, "__func__", getattr(method, "fget", method))
                    if isinstance(inner, types.FunctionType):
                        self._visit(inner, inner.__name__)
        inner_call = getattr(found, "__wrapped__", None)
        if inner_call is not None:
            self._visit(inner_call, name)

    def _visit_function(self, function: types.FunctionType, name: str) -> None:
        if _is_library(function.__module__ or ""):
            return
        for cell, free in zip(
            function.__closure__ or (), function.__code__.co_freevars, strict=True
        ):
            try:
                self._visit(cell.cell_contents, free)
            except ValueError:  # it is empty yet
                continue
            self._cells.append((cell, free))
        for default in (function.__defaults__, function.__kwdefaults__):
            self._visit(default, f"the defaults of {name}")
        for code in _codes(function.__code__):
            self._visit_globals(code.co_names, function.__globals__)

    def _visit_globals(self, names: tuple[str, ...], namespace: Mapping[str, Any]) -> None:
        for name in names:
            if name not in namespace or (id(namespace), name) in self._seen:
                continue
            value = namespace[name]
            self._seen[id(namespace), name] = name
            self._places.append((namespace, name, name))
            if isinstance(value, types.ModuleType):
                if not _is_library(value.__name__):
                    self._visit_globals(names, vars(value))
            else:
                self._visit(value, name)


class World(Reachable):
    """The objects that functions can reach, and what they are."""

    def __init__(self, *roots: Any) -> None:
        super().__init__(*roots)
        self._pairs = [(container, key) for container, key, _ in self._places]
        self._lengths = [len(container) for container in self._sized]
        self._watched = list(self.tensors.values())
        self._watch_dicts()
        self._values = self._now()
        self._others = self._now_of(self._other_pairs)

    def _watch_dicts(self) -> None:
        """Watch dicts by their versions, where they have some: what is in them needs no look."""
        dicts = [d for d in self._sized if type(d) is dict] if dicts_are_known() else []
        known = set(map(id, dicts))
        self._versions = Versions(dicts)
        self._other_pairs = [pair for pair in self._pairs if id(pair[0]) not in known]
        self._other_sized = [each for each in self._sized if id(each) not in known]
        self._other_lengths = list(map(len, self._other_sized))

    # --- looking again ---

    def _now(self) -> tuple[Any, ...]:
        """All values; a tuple of other length if something is missing."""
        return self._now_of(self._pairs)

    def _now_of(self, pairs: list[tuple[Any, Any]]) -> tuple[Any, ...]:
        """The values in these containers, in cells and of tensors."""
        try:
            values = [container[key] for container, key in pairs]
            values += [cell.cell_contents for cell, _ in self._cells]
            for of_tensor in _OF_TENSORS.values():
                values += map(of_tensor, self._watched)
        except (KeyError, IndexError, ValueError):
            return ()
        return tuple(values)

    def holds(self) -> bool:
        """True if everything is as it was."""
        if (
            self._versions.hold()
            and are_same(self._now_of(self._other_pairs), self._others)
            and [len(container) for container in self._other_sized] == self._other_lengths
        ):
            return True
        self._versions.note()  # before the look: what changes during it is seen the next time
        now = self._now()
        if not are_same(now, self._values):
            if len(now) != len(self._values) or not all(map(_are_equal, now, self._values)):
                self._versions.forget()
                return False
            self._values = now
        self._others = self._now_of(self._other_pairs)
        is_same = [len(container) for container in self._sized] == self._lengths
        if not is_same:
            self._versions.forget()
        return is_same

    def watch(self, watch: Watch) -> list[tuple[Any, Any, Any]]:
        """Watch everything by words of memory; entries of dicts that are left to be looked at.

        Raises CannotWatchError for what cannot be watched.
        """
        for each in self._versions.dicts:
            watch.version(each)
        entries = []
        for container, key in self._other_pairs:
            if type(container) is list:
                watch.item(container, key)
            elif type(container) is dict:
                entries.append((container, key, container[key]))
            else:
                raise CannotWatchError(type(container).__name__)
        for sized in self._other_sized:
            if type(sized) is not list:
                raise CannotWatchError(type(sized).__name__)
            watch.size(sized)
        for cell, _ in self._cells:
            watch.cell(cell)
        for tensor in self._watched:
            for name in _OF_TENSORS:
                watch.attribute(tensor, name)
        return entries

    def changed(self) -> str | None:
        """The name of a value that is no longer what it was, or None."""
        names = [name for _, _, name in self._places] + [name for _, name in self._cells]
        names += len(_OF_TENSORS) * [f"the tensor {name}" for name in self._tensor_names]
        now = self._now()
        if len(now) != len(self._values):
            return "what it can reach"
        for name, value, before in zip(names, now, self._values, strict=True):
            if not _are_equal(value, before):
                return name
        for container, length in zip(self._sized, self._lengths, strict=True):
            if len(container) != length:
                return self._seen_names[id(container)]
        return None


def _codes(code: types.CodeType) -> list[types.CodeType]:
    """The code and that of the functions in it."""
    inner = [each for each in code.co_consts if isinstance(each, types.CodeType)]
    return [code, *(c for each in inner for c in _codes(each))]


def _are_equal(a: Any, b: Any) -> bool:
    """True for the same object, or equal plain values of one type."""
    if a is b:
        return True
    if type(a) is not type(b) or not isinstance(a, _PLAIN):
        return False
    return bool(a == b)


def _is_of_library(kind: Callable[..., Any] | type) -> bool:
    return _is_library(getattr(kind, "__module__", "") or "")


def _is_library(module: str) -> bool:
    top = module.partition(".")[0]
    return top in _LIBRARIES or (top != "__main__" and top in sys.stdlib_module_names)
