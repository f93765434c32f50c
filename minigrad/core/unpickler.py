"""A pickle machine that calls nothing: the base of readers of pickles that come from strangers.

Python's unpickler imports and calls whatever a file names.  This one interprets the opcodes itself
and builds only None, numbers, strings, bytes, lists, tuples, dicts and sets.  Names, calls, states
and persistent ids are handed to methods of a subclass, which compares names as text and imports
nothing.  Opcodes that only serve to run code or to reach shared registries are not in the table.
"""

import pickletools
import warnings
from collections.abc import Callable
from typing import Any, ClassVar, Protocol


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        ...

    def readline(self) -> bytes:
        """The bytes up to the end of the line."""
        ...

    def tell(self) -> int:
        """The position."""
        ...


_MARK = object()
# Memory that a pickle may take: this many bytes, and so many more for each byte of the pickle.
# A list of empty lists takes 60 for each byte as Python writes it, a usual checkpoint under 10.
_ALLOWANCE, _PER_BYTE = 8 << 20, 64
_SET, _ENTRY, _PAIR = 160, 96, 128  # of a set, its entries, and of those of a dict


class Unpickler:
    """The pickle machine.  `load` raises ValueError for whatever it and its subclass do not know.

    Nothing is compared, hashed or shown that the file itself could have made expensive: keys are
    plain values, and messages name types only.
    """

    opcodes: ClassVar[frozenset[str] | None] = None
    """The opcodes that are read, or None for all in the table."""
    key_types: ClassVar[tuple[type, ...]] = (str, int, float, bool, bytes, type(None))
    """The types of the keys of dicts and of elements of sets; tuples of these, too."""
    where = "no file of this kind"
    needs = "no file of this kind needs"

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self._taken = self._position = 0

    # --- what a subclass decides --------------------------------------------------------------

    def find(self, name: str) -> Any:
        """The value for "module name"."""
        raise ValueError(f"it refers to {name.replace(' ', '.')!r}, which {self.needs}")

    def call(self, called: Any, arguments: Any) -> Any:
        """The value for a call of what `find` or `call` gave."""
        raise ValueError("it calls something with unexpected arguments")

    def new(self, kind: Any, arguments: Any) -> Any:
        """The value for an object of a class whose __init__ is not called."""
        return self.call(kind, arguments)

    def build(self, made: Any, state: Any) -> None:
        """Set the state of what `call` gave."""
        raise ValueError("it sets the state of something that has none")

    def persistent(self, pid: Any) -> Any:
        """The value for a persistent id."""
        raise ValueError("it refers to something outside the file")

    # --- the machine --------------------------------------------------------------------------

    def load(self, content: bytes | Readable) -> Any:
        """The object of one pickle; a file is left behind its end."""
        frame_end = 0
        with warnings.catch_warnings():
            # pickletools warns of an escape sequence in a damaged string.
            warnings.simplefilter("ignore", DeprecationWarning)
            for opcode, argument, position in pickletools.genops(content):  # type: ignore[arg-type]
                name = opcode.name
                if name not in _OPCODES or (self.opcodes is not None and name not in self.opcodes):
                    raise ValueError(f"opcode {name} at byte {position} is in {self.where}")
                self._position = position or 0
                self.take(72)  # a place on the stack, and an empty list or dict
                if name == "FRAME":
                    frame_end = self._position + 9 + (argument or 0)
                _OPCODES[name](self, argument)
        if self._position + 1 < frame_end:
            raise ValueError("it ends inside of a frame")
        result = self.pop()
        if self.stack:
            raise ValueError("values are left over at the end")
        return result

    def take(self, size: int) -> None:
        """Count memory that is about to be used.  Raises ValueError if it comes to far too much.

        What is copied from the memo counts, since a short pickle can ask for it again and again.
        """
        self._taken += size
        if self._taken > _ALLOWANCE + _PER_BYTE * self._position:
            raise ValueError("it would take far more memory than its size")

    def pop(self) -> Any:
        """The uppermost value, taken off."""
        if not self.stack or self.stack[-1] is _MARK:
            raise ValueError("a value is missing")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        """The values above the uppermost mark, taken off with it."""
        values = []
        while self.stack and self.stack[-1] is not _MARK:
            values.append(self.stack.pop())
        if not self.stack:
            raise ValueError("a mark is missing")
        self.stack.pop()
        return values[::-1]

    def top(self, kind: type) -> Any:
        """The uppermost value, left there.  Raises ValueError if it is of another type."""
        if not self.stack or self.stack[-1] is _MARK or not isinstance(self.stack[-1], kind):
            noun = "value" if kind is object else kind.__name__.strip("_").lower()
            raise ValueError(f"a {noun} is missing")
        return self.stack[-1]

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def push_tuple(self, count: int) -> None:
        """Replace the uppermost values by a tuple of them."""
        self.push(tuple([self.pop() for _ in range(count)][::-1]))

    def remember(self, index: int | None) -> None:
        """Store the uppermost value under a number."""
        self.take(_ENTRY)
        self.memo[len(self.memo) if index is None else index] = self.top(object)

    def recall(self, index: int) -> None:
        """Put what was stored under a number on the stack."""
        if index not in self.memo:
            raise ValueError(f"nothing was stored under number {index}")
        self.push(self.memo[index])

    def key(self, value: Any) -> Any:
        """A key of a dict or element of a set.  Raises ValueError for other than plain ones."""
        of = value if type(value) is tuple else (value,)
        self.take(8 * len(of) + sum(p.bit_length() // 8 for p in of if type(p) is int))  # to hash
        if not all(type(part) in self.key_types for part in of):
            kinds = " and ".join(kind.__name__ for kind in self.key_types if kind is not type(None))
            raise ValueError(f"a dict should have {kinds} for keys, and a value for each")
        return value

    def append(self, values: list[Any]) -> None:
        """Append to the uppermost list."""
        self.take(16 * len(values))
        self.top(list).extend(values)

    def set_items(self, values: list[Any]) -> None:
        """Set items of the uppermost dict, given keys and values in turn."""
        if len(values) % 2:
            raise ValueError("a dict should have a value for each key")
        self.take(_PAIR * len(values) // 2)
        items = self.top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            items[self.key(key)] = value

    def push_dict(self) -> None:
        """Replace what is above the uppermost mark by a dict of it."""
        values = self.pop_to_mark()
        self.push({})
        self.set_items(values)

    def add_items(self, values: list[Any]) -> None:
        """Add to the uppermost set."""
        self.top(set).update(self.elements(values))

    def elements(self, values: list[Any]) -> list[Any]:
        """Elements of a new set, or of one that is there, checked."""
        self.take(_SET + _ENTRY * len(values))
        return [self.key(value) for value in values]

    def reduce(self, call: Callable[[Any, Any], Any]) -> None:
        """Replace the uppermost two values by what a call of the one with the other gives."""
        self.take(512)
        arguments, called = self.pop(), self.pop()
        self.push(call(called, arguments))

    def set_state(self) -> None:
        """Set the state of the uppermost value but one, and take the state off."""
        state = self.pop()
        self.build(self.top(object), state)

    def find_pair(self) -> None:
        """Replace the uppermost two strings by the value of that name."""
        name, module = self.pop(), self.pop()
        if type(name) is not str or type(module) is not str:
            raise ValueError("a name is missing")
        self.push(self.find(f"{module} {name}"))

    def push_text(self, text: str) -> None:
        """Put a string of Python 2 on the stack."""
        self.push(self.text(text.encode("latin-1")))

    def text(self, content: bytes) -> Any:
        """The value for a string of Python 2."""
        return content.decode("utf-8")


def _push(machine: Unpickler, value: Any) -> None:
    machine.stack.append(value)


def _nothing(machine: Unpickler, _: Any) -> None:
    """Change nothing: a header, the end, or a hint of how much comes next."""


_OPCODES: dict[str, Callable[[Unpickler, Any], Any]] = {
    **dict.fromkeys(("PROTO", "FRAME", "STOP"), _nothing),
    **dict.fromkeys(
        ("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        _push,
    ),
    **dict.fromkeys(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), _push),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), _push),
    **dict.fromkeys(
        ("STRING", "BINSTRING", "SHORT_BINSTRING"), lambda machine, text: machine.push_text(text)
    ),
    "NONE": lambda machine, _: machine.push(None),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "EMPTY_SET": lambda machine, _: machine.push(set(machine.elements([]))),
    "MARK": lambda machine, _: machine.push(_MARK),
    "POP": lambda machine, _: machine.stack.pop() if machine.stack else machine.pop(),
    "POP_MARK": lambda machine, _: machine.pop_to_mark(),
    "DUP": lambda machine, _: machine.push(machine.top(object)),
    "DICT": lambda machine, _: machine.push_dict(),
    "LIST": lambda machine, _: machine.push(machine.pop_to_mark()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.push_tuple(1),
    "TUPLE2": lambda machine, _: machine.push_tuple(2),
    "TUPLE3": lambda machine, _: machine.push_tuple(3),
    "FROZENSET": lambda machine, _: machine.push(
        frozenset(machine.elements(machine.pop_to_mark()))
    ),
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.pop_to_mark()),
    "SETITEM": lambda machine, _: machine.set_items([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "ADDITEMS": lambda machine, _: machine.add_items(machine.pop_to_mark()),
    "MEMOIZE": lambda machine, _: machine.remember(None),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "PUT"), lambda machine, i: machine.remember(i)),
    **dict.fromkeys(("BINGET", "LONG_BINGET", "GET"), lambda machine, i: machine.recall(i)),
    "GLOBAL": lambda machine, name: machine.push(machine.find(name)),
    "STACK_GLOBAL": lambda machine, _: machine.find_pair(),
    "REDUCE": lambda machine, _: machine.reduce(machine.call),
    "NEWOBJ": lambda machine, _: machine.reduce(machine.new),
    "BUILD": lambda machine, _: machine.set_state(),
    "BINPERSID": lambda machine, _: machine.push(machine.persistent(machine.pop())),
}
