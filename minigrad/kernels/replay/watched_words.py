"""Words of memory that tell whether Python's objects are what they were, and where they are.

A call that is replayed depends on attributes of tensors, items of lists, contents of cells and of
dicts.  Each is a word of memory whose place CPython 3.11 does not move as long as a second word
says so; comparing all of them takes less time than asking Python for one.  Where the places are is
found out by looking for an object that was put there, so that another interpreter is refused.
"""

import ctypes
import sys
from functools import cache
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import pointer_at
from minigrad.kernels.replay.guards import DICT_VERSION, dicts_are_known

Array = np.ndarray[Any, Any]

_WORD = ctypes.sizeof(ctypes.c_void_p)
# Offsets in bytes: of the values of an object's attributes, before it, and of the dict that has
# them once somebody has asked for it; of the values in that dict; of a cell's content; of a list's
# size and the address of its items; of the count of references.
VALUES, DICT = -4 * _WORD, -3 * _WORD
VALUES_IN_DICT = object.__basicsize__ + 3 * _WORD
_CONTENT = object.__basicsize__
_SIZE, _ITEMS = object.__basicsize__, object.__basicsize__ + _WORD
_REFERENCES = 0
# In the word before the values, and in this byte of it: how many of them there are.
_COUNTS, _COUNT_SHIFT = -_WORD, 48
# So many attributes at most have a place among the values.
_MOST_SHARED = 30


class CannotWatchError(Exception):
    """The place of something is unknown in this interpreter."""


def word_at(address: int) -> int:
    """The word of memory at an address."""
    return ctypes.c_int64.from_address(address).value


def values_of(owner: Any) -> int:
    """The address of the values of an object's attributes; 0 if they lie in a dict of its own."""
    values = word_at(id(owner) + VALUES)
    taken = word_at(id(owner) + DICT)
    return values or (word_at(taken + VALUES_IN_DICT) if taken else 0)


@cache
def attribute_offset(kind: type, name: str) -> int | None:
    """The offset in bytes of an attribute among the values of an object of this type.

    None if an object that has such an attribute has no values, but a dict.  The places are shared
    by all objects of a type, and only ever become more; each object has room for all of them.
    Raises CannotWatchError where objects keep their attributes elsewhere.
    """
    if sys.version_info[:2] != (3, 11) or sys.implementation.name != "cpython":
        raise CannotWatchError("objects of this Python have another layout")
    if kind.__dictoffset__ >= 0:  # less than zero: before the object
        raise CannotWatchError(f"{kind.__name__} keeps its attributes elsewhere")
    probe: Any = object.__new__(kind)
    marker = object()
    setattr(probe, name, marker)
    values = word_at(id(probe) + VALUES)
    if values == 0:
        return None
    if word_at(values + _COUNTS) >> _COUNT_SHIFT & 0xFF == 1:
        for number in range(_MOST_SHARED):
            if word_at(values + number * _WORD) == id(marker):
                return number * _WORD
    raise CannotWatchError(name)


class Watch:
    """Words that are compared with what they were when they were noted.

    Objects that are watched are kept alive, unless their references are watched, which that would
    change.  Raises CannotWatchError for what cannot be watched.
    """

    def __init__(self, keeps_alive: bool = True) -> None:
        self._keeps_alive = keeps_alive
        self._direct: list[tuple[int, int]] = []  # (address, word)
        # (address of an address, offset from it, word, other word that will do)
        self._indirect: list[tuple[int, int, int, int]] = []
        self._alive: list[Any] = []

    def version(self, watched: dict[Any, Any]) -> None:
        """Watch a dict by its version."""
        if not dicts_are_known():
            raise CannotWatchError("dicts have no versions")
        self._note(watched, DICT_VERSION)

    def size(self, watched: list[Any]) -> None:
        """Watch the length of a list."""
        self._note(watched, _SIZE, expected=len(watched))

    def item(self, watched: list[Any], number: int) -> None:
        """Watch which object is at a place in a list."""
        content = watched[number]
        self._note_indirect(watched, _ITEMS, number * _WORD, id(content), id(content))
        self._keep(content)

    def cell(self, watched: Any) -> None:
        """Watch the content of a cell."""
        content = watched.cell_contents
        self._note(watched, _CONTENT, expected=id(content))
        self._keep(content)

    def attribute(self, owner: Any, name: str) -> None:
        """Watch which object an attribute is; the class may have it too, as a default."""
        kind: type = type(owner)
        content = getattr(owner, name)
        is_default = getattr(kind, name, Watch) is content
        place = attribute_offset(kind, name)
        if place is not None:
            other = 0 if is_default else id(content)
            self._note_value(owner, place, id(content), other)
            self._keep(content)
        elif not is_default:
            raise CannotWatchError(name)

    def lone_attribute(self, owner: Any, name: str) -> None:
        """Watch an attribute, which is the only one that the object has by itself."""
        self.attribute(owner, name)
        counts = word_at(word_at(id(owner) + VALUES) + _COUNTS)
        if counts >> _COUNT_SHIFT & 0xFF != 1:
            raise CannotWatchError("it has other attributes")
        self._note_value(owner, _COUNTS, counts, counts)

    def references(self, watched: Any, count: int) -> None:
        """Watch that there are so many references to an object."""
        self._direct.append((id(watched) + _REFERENCES, count))

    def _keep(self, watched: Any) -> None:
        if self._keeps_alive:
            self._alive.append(watched)

    def _note(self, watched: Any, place: int, expected: int | None = None) -> None:
        found = word_at(id(watched) + place)
        if expected is not None and found != expected:
            raise CannotWatchError(type(watched).__name__)
        self._direct.append((id(watched) + place, found))
        self._keep(watched)

    def _note_value(self, owner: Any, offset: int, word: int, other: int) -> None:
        """Note a word among the values of an object, or in the dict that has taken them over."""
        if word_at(id(owner) + VALUES) != 0:
            self._note_indirect(owner, VALUES, offset, word, other)
            return
        taken = word_at(id(owner) + DICT)
        if taken == 0:
            raise CannotWatchError(type(owner).__name__)
        self._direct.append((id(owner) + DICT, taken))
        self._note_indirect(vars(owner), VALUES_IN_DICT, offset, word, other)
        self._keep(owner)

    def _note_indirect(self, owner: Any, place: int, offset: int, word: int, other: int) -> None:
        base = word_at(id(owner) + place)
        if base == 0 or word_at(base + offset) not in (word, other):
            raise CannotWatchError(type(owner).__name__)
        self._indirect.append((id(owner) + place, offset, word, other))
        self._keep(owner)

    def tables(self) -> tuple[Array, Array]:
        """The words for `unchanged`."""
        direct = np.array(self._direct, np.int64).reshape(-1, 2)
        return direct, np.array(self._indirect, np.int64).reshape(-1, 4)


@device_function
def unchanged(direct, directs, indirect, indirects):
    """Whether all words are as they were; the tables of `Watch` are given by their addresses."""
    words, places = pointer_at(np.int64, direct), pointer_at(np.int64, indirect)
    match = True
    for k in range(directs):
        match &= pointer_at(np.int64, words[2 * k])[0] == words[2 * k + 1]
    for k in range(indirects):
        base = pointer_at(np.int64, places[4 * k])[0]
        if base == 0:
            return False
        word = pointer_at(np.int64, base + places[4 * k + 1])[0]
        match &= word == places[4 * k + 2] or word == places[4 * k + 3]
    return match
