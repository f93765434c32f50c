"""How long the arrays of a recorded step are needed, and how many bytes that is at most at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.tape import Entry
from minigrad.engine.graph import Value
from minigrad.tensor.memory import owner_of

Array = np.ndarray[Any, Any]


class Lifetimes:
    """From which to which entry each array is needed that a range of entries makes.

    `lasting` are arrays that are needed afterwards.
    """

    def __init__(self, entries: Sequence[Entry], numbers: range, lasting: Iterable[Array]) -> None:
        self._numbers = numbers
        self._last: dict[int, int] = {}
        self._first: dict[int, int] = {}  # by the id of an owner of memory
        self._owners: dict[int, Array] = {}
        for number in numbers:
            entry = entries[number]
            given = {id(owner_of(array)) for array in arrays_in([entry.args, entry.settings])}
            for array in arrays_in(entry):
                owner = owner_of(array)
                self._last[id(owner)] = number
                is_new = id(owner) not in given and id(owner) not in self._owners
                if entry.kind == "call" and is_new:
                    self._owners[id(owner)], self._first[id(owner)] = owner, number
        for array in lasting:
            self._last[id(owner_of(array))] = numbers.stop
        # A gradient that a leaf is given lives longer than the step.
        for number in numbers:
            if entries[number].kind == "gradients":
                for array in arrays_in(entries[number].args):
                    self._last[id(owner_of(array))] = numbers.stop

    def last_use(self, array: Array) -> int:
        """The number of the last entry that needs the memory of an array."""
        return self._last.get(id(owner_of(array)), self._numbers.stop)

    def knows(self, array: Array) -> bool:
        """Return whether an entry reads or makes an array."""
        return id(owner_of(array)) in self._last

    def made_at(self, array: Array) -> int | None:
        """The number of the entry that makes the memory of an array, all of it; None for others."""
        owner = owner_of(array)
        is_whole = owner.base is None and owner.nbytes == array.nbytes
        return self._first.get(id(owner)) if is_whole else None

    def most_bytes(
        self, without: Iterable[int] = (), taken: Mapping[int, int] | None = None
    ) -> int:
        """The most bytes that are needed at once.

        Results whose ids are `without` need no memory; those in `taken` have that of another one.
        """
        ends, left_out = dict(self._last), set(without)
        for result, other in (taken or {}).items():
            root = other
            while taken and root in taken:
                root = taken[root]
            ends[root] = max(ends[root], self._last[result])
            left_out.add(result)
        start, stop = self._numbers.start, self._numbers.stop
        changes = [0] * (len(self._numbers) + 2)
        for key, owner in self._owners.items():
            if key not in left_out:
                changes[self._first[key] - start] += owner.nbytes
                changes[min(ends[key], stop) - start + 1] -= owner.nbytes
        return int(np.max(np.cumsum(changes)))


def arrays_in(given: Any) -> list[Array]:
    """The arrays of an entry or of nested structures, those of tensors too."""
    if isinstance(given, np.ndarray):
        return [given]
    if isinstance(given, Value):
        return [given.array]
    if isinstance(given, Entry):
        return arrays_in([given.args, given.settings, given.result])
    if isinstance(given, tuple | list):
        return [array for each in given for array in arrays_in(each)]
    return arrays_in(list(given.values())) if isinstance(given, dict) else []
