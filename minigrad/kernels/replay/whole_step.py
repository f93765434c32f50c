"""A whole call as one native call: is everything as it was, then all tasks.

`run_step` is given the arguments of a Python call, which are tensors.  It looks at them and at all
that the call depends on, before it changes anything, and then runs the tasks of a `TaskList`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel
from minigrad.kernels.compiler.numpy_abi import write_addresses
from minigrad.kernels.compiler.plan_record import record_dtype
from minigrad.kernels.compiler.pointers import pointer_at
from minigrad.kernels.replay.guards import Headers, current_threads, match_headers
from minigrad.kernels.replay.task_list import COLUMNS, Place, Seen, TaskList, run_rows
from minigrad.kernels.replay.watched_words import (
    DICT,
    VALUES,
    VALUES_IN_DICT,
    CannotWatchError,
    Watch,
    attribute_offset,
    unchanged,
    values_of,
    word_at,
)

Array = np.ndarray[Any, Any]

# What `run_step` returns if it has run no task: other arguments than before, something else is not
# what it was, settings are not, or somebody holds memory that the step writes to.  And if it has
# run all of them.
OTHER_ARGUMENTS, CHANGED, OTHER_SETTINGS, HELD, DONE = -5, -4, -3, -2, -1

# Offsets in bytes: of an object's type; of a tuple's size and items; of an array's elements.
_TYPE, _TUPLE_SIZE, _TUPLE_ITEMS = 8, 16, 24
_ARRAY_DATA = object.__basicsize__


class Words(NamedTuple):
    """The tables of a `Watch`, by their addresses."""

    direct: int
    directs: int
    indirect: int
    indirects: int


class StepRecord(NamedTuple):
    """What `run_step` reads; tables are given by their addresses."""

    world: Words  # what the call depends on
    settings: Words  # numbers that the call takes, which may be others
    memory: Words  # that nobody else holds the memory that the step writes to
    threads: int
    made: int  # the number of the first base that a call makes


RECORD = record_dtype(StepRecord)


@device_function
def _are_unchanged(words):
    return unchanged(words.direct, words.directs, words.indirect, words.indirects)


@device_function
def _values_of(owner):
    """The address of the values of an object's attributes; 0 if they lie elsewhere."""
    values = pointer_at(np.int64, owner + VALUES)[0]
    if values == 0:
        taken = pointer_at(np.int64, owner + DICT)[0]
        if taken != 0:
            values = pointer_at(np.int64, taken + VALUES_IN_DICT)[0]
    return values


@device_function
def _gradient_of(leaf):
    """The address of a leaf's gradient, or 0; a row of `leaves` tells of the leaf."""
    values = _values_of(leaf[0])
    return pointer_at(np.int64, values + leaf[1])[0] if values != 0 else values


@device_function
def _are_plain(row, values):
    """True if attributes are what they may be; `row` is one of `arguments`."""
    match = True
    for j in range(2, row.size, 2):
        word = pointer_at(np.int64, values + row[j])[0] if row[j] >= 0 else 0
        match &= word == 0 or word == row[j + 1]
    return match


@device_function
def _take_arguments(arguments, given, leaves, arrays):
    """Write the arrays of tensors; True if each is of its type and has no other attributes.

    The tensors are those of a tuple, and the gradients of leaves.  A row of `arguments` is the
    type, the place of the array, and then pairs: the place of an attribute, and what it may be if
    there is one.  A row of `leaves` is a leaf and the place of its gradient; and, of a gradient
    whose attributes lie elsewhere, itself and its array.
    """
    count = arguments.shape[0] - leaves.shape[0]
    if pointer_at(np.int64, given + _TUPLE_SIZE)[0] != count:
        return False
    items = pointer_at(np.int64, given + _TUPLE_ITEMS)
    for k in range(arguments.shape[0]):
        row = arguments[k]
        tensor = items[k] if k < count else _gradient_of(leaves[k - count])
        if tensor == 0 or pointer_at(np.int64, tensor + _TYPE)[0] != row[0]:
            return False
        values = _values_of(tensor)
        if values != 0 and _are_plain(row, values):
            arrays[k] = pointer_at(np.int64, values + row[1])[0]
        elif values == 0 and k >= count and tensor == leaves[k - count, 2]:
            arrays[k] = leaves[k - count, 3]
        else:
            return False
        if arrays[k] == 0:
            return False
    return True


@kernel
def run_step(
    records: Array, arguments: Array, leaves: Array, headers: Array, spans: Array, arrays: Array,
    bases: Array, places: Array, tasks: Array, given: int, made: int,
) -> int:  # fmt: skip
    """Run all tasks, if everything is as it was; the number of the one that stopped, or a code.

    `given` and `made` are the ids of tuples: of tensors, and of arrays.  `bases` are the addresses
    of all arrays that the tasks work on: those of `given`, of gradients, fixed ones, and those of
    `made`.
    """
    record = records[0]
    count = arguments.shape[0]
    if not _take_arguments(arguments, given, leaves, arrays):
        return OTHER_ARGUMENTS
    if not match_headers(headers, spans, arrays):
        return OTHER_ARGUMENTS
    if current_threads() != record.threads or not _are_unchanged(record.world):
        return CHANGED
    if not _are_unchanged(record.settings):
        return OTHER_SETTINGS
    if not _are_unchanged(record.memory):
        return HELD
    for k in range(count):
        bases[k] = pointer_at(np.int64, arrays[k] + _ARRAY_DATA)[0]
    write_addresses(bases[record.made :], made, bases.size - record.made)
    stopped: int = run_rows(tasks, places, bases)
    return stopped


class NativeCall:
    """The tables of `run_step` for lists of tasks, one after the other.

    The call takes tensors of some types, whose attributes are `plain`, and the gradients of
    `leaves`; the arrays of all of them have these headers.  Arrays of the tasks lie at `bases`,
    addresses with numbers: the first ones are those of the arguments and gradients, those from
    `made` on are made by each call, and those between are set by `set_base`.
    """

    def __init__(
        self, kinds: Sequence[type], plain: Mapping[str, Any], leaves: Sequence[Any],
        headers: Headers, made: int, bases: int,
    ) -> None:  # fmt: skip
        self._record = np.zeros(1, RECORD)
        self._record["made"], self._record["threads"] = made, headers.threads
        self._alive = list(leaves)
        # Gradients that are to have these arrays in each call: only Python can look at them.
        grads = [leaf._grad for leaf in leaves]
        self.unseen = [(each, each.array) for each in grads if not values_of(each)]
        rows = [
            (id(leaf), _place_of(type(leaf), "_grad"))
            + ((0, 0) if values_of(leaf._grad) else (id(leaf._grad), id(leaf._grad.array)))
            for leaf in leaves
        ]
        self._leaves = np.array(rows, np.int64).reshape(-1, 4)
        gradients = [(type(leaf._grad), dict.fromkeys(plain, ...)) for leaf in leaves]
        self._arguments = _argument_rows([*((kind, plain) for kind in kinds), *gradients])
        self._headers = headers
        self._rows = np.zeros((0, COLUMNS), np.int64)
        self._places = np.zeros((0, 3), np.int64)
        self._bases = np.zeros(bases, np.int64)
        self._lists: list[Any] = []  # they keep memory alive
        self._watches: dict[str, Any] = {}
        if made > len(self._arguments):  # there are bases that `set_base` is to set first
            self._set("memory", np.array([[self._bases.ctypes.data, -1]]), np.zeros((0, 4)))

    @property
    def tasks(self) -> int:
        """How many there are."""
        return len(self._rows)

    def add_list(self, tasks: TaskList, numbers: Sequence[int]) -> None:
        """Add tasks; `numbers` say for each array that they are given which base it is."""
        rows, words, places, _ = tasks.arguments(0)
        places[:, 1] = np.array(numbers, np.int64)[places[:, 1]]
        self._places = np.concatenate([self._places, places])
        self._rows = np.concatenate([self._rows, rows])
        self._lists.append((tasks, words))

    def add(self, add_tasks: Callable[[TaskList], None]) -> None:
        """Let a function add tasks on fixed memory."""
        fixed: list[Array] = []

        def place(seen: Seen) -> Place:
            fixed.append(seen.array)
            return Place(None, seen.view.ctypes.data)

        tasks = TaskList(place)
        add_tasks(tasks)
        rows, words, _, _ = tasks.arguments(0)
        self._rows = np.concatenate([self._rows, rows])
        self._lists.append((tasks, words, fixed))

    def add_places(self, words: Array, numbers: Sequence[int]) -> None:
        """Let each call write the addresses of bases into some words of memory."""
        start, step = words.ctypes.data, words.strides[0]
        rows = [(start + k * step, number, 0) for k, number in enumerate(numbers)]
        self._places = np.concatenate([self._places, np.array(rows, np.int64).reshape(-1, 3)])
        self._lists.append(words)

    def set_base(self, number: int, array: Array) -> None:
        """Set the memory of a base that calls neither give nor make."""
        self._bases[number] = array.ctypes.data

    def watch_world(self, watch: Watch) -> None:
        """Run no task if something is not what it was."""
        self._set("world", *watch.tables(), watch)

    def watch_settings(self, watch: Watch) -> None:
        """Run no task if a setting is not what it was."""
        self._set("settings", *watch.tables(), watch)

    def note_settings(self) -> bool:
        """Take the settings as they are now for what they were; whether some are others."""
        table, changed = self._watches["settings"][0], False
        for number, (address, word) in enumerate(table.tolist()):
            now = word_at(address)
            if now != word:
                table[number, 1], changed = now, True
        return changed

    def watch_memory(self, watch: Watch) -> None:
        """Run no task if somebody holds the memory of bases that were set."""
        self._set("memory", *watch.tables(), watch)

    def _set(self, name: str, direct: Array, indirect: Array, watch: Watch | None = None) -> None:
        direct, indirect = direct.astype(np.int64), indirect.astype(np.int64)
        self._watches[name] = direct, indirect, watch
        self._record[name] = direct.ctypes.data, len(direct), indirect.ctypes.data, len(indirect)

    def bound(self) -> Callable[[int, int], int]:
        """`run_step` with these tables, of the ids of the arguments and of the arrays made."""
        headers = self._headers
        arrays = np.zeros(len(self._arguments), np.int64)
        return partial(
            run_step.run, self._record, self._arguments, self._leaves, headers.table,
            headers.spans, arrays, self._bases, self._places, self._rows,
        )  # fmt: skip


def _argument_rows(given: Sequence[tuple[type, Mapping[str, Any]]]) -> Array:
    """The rows of tensors of these types, whose attributes are these or missing.

    Attributes whose value is given as `...` may be anything.
    """
    rows = []
    for kind, attributes in given:
        row = [id(kind), _place_of(kind, "array")]
        for name, value in attributes.items():
            place = None if value is ... else attribute_offset(kind, name)
            row += [-1 if place is None else place, id(value)]
        rows.append(row)
    return np.array(rows, np.int64).reshape(len(rows), len(rows[0]) if rows else 2)


def _place_of(kind: type, name: str) -> int:
    place = attribute_offset(kind, name)
    if place is None:
        raise CannotWatchError(name)
    return place
