"""A reader for the pickles of CIFAR-10 that runs no code from them.

Python's unpickler calls any function that a file names.  This one has the opcodes of the published
files only, and builds bytes, ints, lists, dicts, tuples and uint8 arrays itself; the three NumPy
names in the files are compared as text, never imported.  Anything else raises ValueError.
"""

import math
import pickletools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.types import Array

_MARK = object()


class _Name:
    """A name in a pickle; with `of`, the arguments with which the pickle calls it."""

    def __init__(self, name: str, of: Any = None) -> None:
        self.name, self.of = name, of


_NAMES = {
    "numpy.core.multiarray _reconstruct": "reconstruct",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
}


class _Array:
    """An array that the pickle has made and not yet filled."""

    content: Array | None = None


class _Machine:
    """The pickle machine's stack and memo."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise ValueError("a value is missing")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        values = []
        while self.stack and self.stack[-1] is not _MARK:
            values.append(self.stack.pop())
        if not self.stack:
            raise ValueError("a mark is missing")
        self.stack.pop()
        return values[::-1]

    def top(self, kind: type) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise ValueError(f"a {kind.__name__.strip('_').lower()} is missing")
        return self.stack[-1]

    def tuple_of(self, count: int) -> None:
        self.stack.append(tuple([self.pop() for _ in range(count)][::-1]))

    def remember(self, index: int) -> None:
        self.memo[index] = self.top(object)

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise ValueError(f"nothing was stored under number {index}")
        self.stack.append(self.memo[index])

    def name(self, name: str) -> None:
        if name not in _NAMES:
            raise ValueError(f"it refers to {name.replace(' ', '.')!r}, which no batch needs")
        self.stack.append(_Name(_NAMES[name]))

    def append_all(self) -> None:
        values = self.pop_to_mark()
        self.top(list).extend(values)

    def set_all(self) -> None:
        values = self.pop_to_mark()
        keys = values[::2]
        if len(values) % 2 or not all(isinstance(key, bytes) for key in keys):
            raise ValueError("a dict should have bytes for keys, and a value for each")
        self.top(dict).update(zip(keys, values[1::2], strict=True))

    def reduce(self) -> None:
        """A call: of `_reconstruct(ndarray, (0,), b'b')` or `dtype('u1', 0, 1)`, and no other."""
        arguments, called = self.pop(), self.pop()
        name = called.name if isinstance(called, _Name) and called.of is None else None
        if name == "reconstruct" and isinstance(arguments, tuple) and len(arguments) == 3:
            of, *rest = arguments
            if isinstance(of, _Name) and of.name == "ndarray" and _same(rest, [(0,), b"b"]):
                self.stack.append(_Array())
                return
        if name == "dtype" and _same(arguments, (b"u1", 0, 1)):
            self.stack.append(_Name("dtype", of=arguments))
            return
        raise ValueError(f"it calls {name or 'something'} with unexpected arguments")

    def build(self) -> None:
        """Set the state of the last object: a dtype's, always the same, or an array's."""
        state = self.pop()
        made = self.top(object)
        if isinstance(made, _Name) and made.of is not None:
            if not _same(state, (3, b"|", None, None, None, -1, -1, 0)):
                raise ValueError("it gives a dtype an unexpected state")
        elif isinstance(made, _Array) and made.content is None:
            made.content = _array_from(state)
        else:
            raise ValueError("it sets the state of something that is no array")


def _same(found: Any, expected: Any) -> bool:
    """Equality of plain values; it calls no method of objects of other types."""
    if type(found) is not type(expected):
        return False
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(_same, found, expected))
    return bool(found == expected)


def _array_from(state: object) -> Array:
    if not isinstance(state, tuple) or len(state) != 5:
        raise ValueError("an array should have a state of five values")
    version, shape, dtype, fortran_order, content = state
    if not (isinstance(dtype, _Name) and dtype.of is not None) or fortran_order is not False:
        raise ValueError("an array should hold uint8 values in C order")
    if version != 1 or type(shape) is not tuple or len(shape) != 2:
        raise ValueError("an array should have a shape of two integers")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("an array should have a shape of two integers >= 0")
    if type(content) is not bytes or len(content) != math.prod(shape):
        raise ValueError(f"the array's content does not have the length of its shape {shape}")
    return np.frombuffer(content, np.uint8).reshape(shape)


_OPCODES: dict[str, Callable[[_Machine, Any], Any]] = {
    "PROTO": lambda machine, version: None,
    "STOP": lambda machine, _: None,
    "MARK": lambda machine, _: machine.stack.append(_MARK),
    "EMPTY_DICT": lambda machine, _: machine.stack.append({}),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "NONE": lambda machine, _: machine.stack.append(None),
    "NEWFALSE": lambda machine, _: machine.stack.append(False),
    "BININT": lambda machine, number: machine.stack.append(number),
    "BININT1": lambda machine, number: machine.stack.append(number),
    "BININT2": lambda machine, number: machine.stack.append(number),
    "BINSTRING": lambda machine, text: machine.stack.append(text.encode("latin-1")),
    "SHORT_BINSTRING": lambda machine, text: machine.stack.append(text.encode("latin-1")),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPENDS": lambda machine, _: machine.append_all(),
    "SETITEMS": lambda machine, _: machine.set_all(),
    "BINPUT": lambda machine, index: machine.remember(index),
    "LONG_BINPUT": lambda machine, index: machine.remember(index),
    "BINGET": lambda machine, index: machine.recall(index),
    "LONG_BINGET": lambda machine, index: machine.recall(index),
    "GLOBAL": lambda machine, name: machine.name(name),
    "REDUCE": lambda machine, _: machine.reduce(),
    "BUILD": lambda machine, _: machine.build(),
}


def unpickle(content: bytes) -> Any:
    """The content of a pickle of CIFAR-10, strings as bytes; ValueError for any other pickle."""
    machine = _Machine()
    with warnings.catch_warnings():
        # pickletools warns of an escape sequence in a damaged batch.
        warnings.simplefilter("ignore", DeprecationWarning)
        for opcode, argument, position in pickletools.genops(content):
            if opcode.name not in _OPCODES:
                raise ValueError(f"opcode {opcode.name} at byte {position} is in no batch")
            _OPCODES[opcode.name](machine, argument)
    result = machine.pop()
    if machine.stack:
        raise ValueError("values are left over at the end")
    return _with_arrays(result)


def _with_arrays(result: Any) -> Any:
    """The result with arrays in place of `_Array`, at the positions where batches have them."""
    if not isinstance(result, dict):
        return result
    return {
        key: value.content if isinstance(value, _Array) else value for key, value in result.items()
    }
