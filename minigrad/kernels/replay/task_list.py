"""Lists of tasks, kept as C functions and words of memory, and the compiled loop that runs them."""

import ctypes
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import Kernel, device_function, kernel
from minigrad.kernels.compiler.numpy_abi import headers_are_known, write_addresses
from minigrad.kernels.compiler.pointers import call, pointer_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, launch_tasks
from minigrad.kernels.compiler.workspace import ALIGNMENT, scratch
from minigrad.kernels.replay.entry_points import (
    ARRAY_DATA,
    CODE,
    FAILED,
    RETURNED,
    entry_of,
    words_of,
)
from minigrad.kernels.replay.ufunc_loops import loop_of, operands_of

Array = np.ndarray[Any, Any]

# The columns of the table of tasks: a C function, its four arguments, and the address of a word
# that is not 0 if the list is to stop after the task, or 0.
_FIRST_ARGUMENT, _STOP, COLUMNS = 1, 5, 6


class Place(NamedTuple):
    """Where an array's elements are: at an address, or at an offset in an array of each call."""

    number: int | None  # of the array among those that each call is given
    offset: int  # in bytes from its first element; the address itself if there is no number


class Seen(NamedTuple):
    """An array with another shape or other strides: `view` is a view of `array`."""

    array: Array
    view: Array


class Returned(NamedTuple):
    """A number that an earlier task has returned, as an array with one element."""

    word: int
    dtype: type


class Shared(NamedTuple):
    """Memory for the use of one task, which the others use too."""

    bytes: int


class Number(NamedTuple):
    """A number that is another one in each call: in float64, where Python writes it before."""

    memory: Array


class CannotRunError(Exception):
    """A task that only Python can run."""


@device_function
def run_rows(tasks, places, bases):
    """Run the tasks on arrays at these addresses; the number of the one that stopped, or -1."""
    for k in range(places.shape[0]):
        pointer_at(np.int64, places[k, 0])[0] = bases[places[k, 1]] + places[k, 2]
    for k in range(tasks.shape[0]):
        call(tasks[k, 0], tasks[k, 1], tasks[k, 2], tasks[k, 3], tasks[k, 4])
        if tasks[k, 5] != 0 and pointer_at(np.int64, tasks[k, 5])[0] != 0:
            return k
    return -1


@kernel
def run_tasks(tasks: Array, places: Array, bases: Array, arrays: int) -> int:
    """Run all tasks; the number of the one that stopped the list, or -1.

    `arrays` is the id of a tuple of as many arrays as there are `bases`.  Each row of `places` is
    the address of a word that is to be the address of an array, the number of the array, and the
    offset in it.
    """
    write_addresses(bases, arrays, bases.size)
    stopped: int = run_rows(tasks, places, bases)
    return stopped


@kernel
def _begin_reduction(out: Array, first: Array) -> None:
    """out[0] = first[0]."""
    out[0] = first[0]


@kernel
def _set_number(out: Array, number: Array) -> None:
    """out[0] = number[0], in the type of out."""
    out[0] = number[0]


@kernel
def _forget_taken(taken: Array) -> None:
    """Let the tasks of a kernel be taken again, from the first one on."""
    for k in range(taken.size):
        taken[k] = 0


class TaskList:
    """Tasks in their order; `place` says where the elements of arrays are that they are given."""

    def __init__(self, place: Callable[[Seen], Place]) -> None:
        if not headers_are_known():
            raise CannotRunError("the memory layout of arrays is unknown")
        self._place = place
        self._rows: list[list[int]] = []
        self._words: list[int] = []
        # Words that are addresses of arrays of each call: (word, number of the array, offset); and
        # the addresses of such words that are outside of the list's own.
        self._places: list[tuple[int, int, int]] = []
        self._outside: list[tuple[int, int, int]] = []
        # Memory that all tasks share: where its addresses are to be written, and their offsets.
        self._shared_words: list[tuple[int, int]] = []
        self._shared_outside: list[tuple[int, int]] = []
        self.shared_size = 0
        self._shared: Array | None = None
        # Cells of the table, and words, that are the addresses of words.
        self._cells: list[tuple[int, int]] = []
        self._references: list[tuple[int, int]] = []
        self._kept: list[Any] = []

    def __len__(self) -> int:
        return len(self._rows)

    def scratch(self, size: int, dtype: Any) -> Array:
        """Memory for the tasks' own use, as long as the list is."""
        made = np.empty(size, dtype)
        self.keep(made)
        return made

    def keep(self, array: Array) -> None:
        """Keep an array alive, as long as the list is."""
        self._kept.append(array)

    def number(self, given: Any, dtype: Any) -> Array:
        """A number as an array of no axes, or of one element that a task sets."""
        if not isinstance(given, Number):
            return np.array(given, dtype)
        made = self.scratch(1, dtype)
        self.kernel(_set_number, made, given.memory)
        return made

    def ufunc(self, ufunc: np.ufunc, *operands: Array | Seen) -> None:
        """Add a ufunc, or a product of matrices; the last operand is the result.

        Raises CannotRunError where its loop is unknown.
        """
        seen = [seen_as(operand) for operand in operands]
        views = tuple(each.view for each in seen)
        loop = loop_of(ufunc, views[0].dtype)
        if loop is None:
            raise CannotRunError(ufunc.__name__)
        sizes, strides = operands_of(ufunc, views)
        first = len(self._words)
        for each in seen:
            self._add_address(each)
        self._words += [*sizes, *strides]
        after = first + len(seen)
        self._add_row(loop.address, first, after, after + len(sizes), data=loop.data)

    def reduction(self, ufunc: np.ufunc, out: Array, given: Array | Seen) -> None:
        """Add `ufunc.reduce` of all elements of a C-contiguous array.

        Raises CannotRunError where the ufunc's loop is unknown.
        """
        x = seen_as(given).view
        loop = loop_of(ufunc, x.dtype)
        if loop is None:
            raise CannotRunError(ufunc.__name__)
        first = ufunc.reduce(np.zeros(0, x.dtype))  # what a reduction begins with
        beginning = np.full(1, first, x.dtype)
        if ufunc is np.add:  # of negative zeros it is one
            beginning = -beginning if np.signbit(np.add.reduce(-np.zeros(1))) else beginning
        self.keep(beginning)
        self.kernel(_begin_reduction, flat(out), beginning)
        at = len(self._words)
        for operand in (out, given, out):
            self._add_address(seen_as(operand))
        self._words += [x.size, 0, x.itemsize, 0]
        self._add_row(loop.address, at, at + 3, at + 4, data=loop.data)

    def kernel(self, kernel: Kernel, *arguments: Any, stops: bool = False) -> tuple[int, list[int]]:
        """Add a kernel; the number of the task, and of the words with the numbers it returns.

        With `stops` it stops the list if it returns a number other than 0; else if it fails.
        Raises CannotRunError where only Python can call it.
        """
        entry = entry_of(kernel, tuple(map(_plain, arguments)))
        if entry is None:
            raise CannotRunError(kernel.function.__name__)
        first = len(self._words)
        self._words += [0] * (RETURNED + entry.returned)
        self._words[first + CODE] = entry.code
        for argument in arguments:
            self._add_argument(argument)
        stop = first + (RETURNED if stops else FAILED)
        number = self._add_row(entry.address, first, stop=stop)
        return number, list(range(first + RETURNED, first + RETURNED + entry.returned))

    def launch(self, prepared: PreparedTasks[Any], *arrays: Array | Seen | Shared) -> None:
        """Add the tasks of a kernel that is cut into many, on arrays of its plan's shapes.

        Those that are `Shared` are for the tasks' own use.
        """
        fields, counts = prepared._fields.copy(), prepared._phases
        self.keep(fields)
        threads = prepared.threads()
        end = threads * prepared._slot_size
        for number, array in enumerate(arrays):
            address = fields.ctypes.data + number * fields.itemsize
            if isinstance(array, Shared):
                at = -(-end // ALIGNMENT) * ALIGNMENT
                self._shared_outside.append((address, at))
                end = at + array.bytes
            else:
                self.write_address(address, array)
        self.kernel(_forget_taken, fields[-counts - 1 : -1])
        self.kernel(
            launch_tasks, prepared._work, fields, 0, 0, counts, prepared._function, 0, threads
        )  # fmt: skip
        workspace = len(self._words) - 2
        self._shared_words.append((workspace, 0))
        self.shared_size = max(self.shared_size, end)

    def write_address(self, target: int, operand: Array | Seen) -> None:
        """Let the word at an address outside of the list be the address of an array's elements."""
        place = self._place(seen_as(operand))
        if place.number is None:
            ctypes.c_int64.from_address(target).value = place.offset
        else:
            self._outside.append((target, place.number, place.offset))

    def _add_row(self, function: int, *words: int, data: int = 0, stop: int | None = None) -> int:
        number = len(self._rows)
        row = [function, *words, *[0] * (_STOP - 1 - len(words)), 0]
        self._cells += [(number, _FIRST_ARGUMENT + k) for k in range(len(words))]
        if data:
            row[_STOP - 1] = data
        if stop is not None:
            row[_STOP] = stop
            self._cells.append((number, _STOP))
        self._rows.append(row)
        return number

    def _add_argument(self, argument: Any) -> None:
        first = len(self._words)
        self._words += words_of(_plain(argument))
        if isinstance(argument, Returned):
            self._references.append((first + ARRAY_DATA, argument.word))
        elif isinstance(argument, Seen | np.ndarray):
            self._note_place(first + ARRAY_DATA, seen_as(argument))

    def _add_address(self, seen: Seen) -> None:
        self._words.append(0)
        self._note_place(len(self._words) - 1, seen)

    def _note_place(self, word: int, seen: Seen) -> None:
        place = self._place(seen)
        if place.number is None:
            self._words[word] = place.offset
        else:
            self._places.append((word, place.number, place.offset))

    # --- running ---

    def share(self, number: int) -> None:
        """Let the array of each call with this number be the memory that all tasks share."""
        self._places += [(word, number, at) for word, at in self._shared_words]
        self._outside += [(address, number, at) for address, at in self._shared_outside]
        self._shared_words, self._shared_outside, self.shared_size = [], [], 0

    def arguments(self, arrays: int) -> tuple[Array, ...]:
        """Tables for calls with so many arrays: tasks, their words, places, and bases."""
        words = np.array(self._words, np.int64)
        tasks = np.array(self._rows, np.int64).reshape(-1, COLUMNS)
        start, size = words.ctypes.data, words.itemsize
        for row, column in self._cells:
            tasks[row, column] = start + tasks[row, column] * size
        for word, other in self._references:
            words[word] = start + other * size
        rows = [(start + word * size, *place) for word, *place in self._places]
        places = np.array([*rows, *self._outside], np.int64).reshape(-1, 3)
        self._place_shared(words)
        return tasks, words, places, np.zeros(arrays, np.int64)

    def _place_shared(self, words: Array) -> None:
        """Write the addresses of the memory that all tasks share."""
        if self._shared is None:
            self._shared = np.empty(self.shared_size + ALIGNMENT, np.uint8)
        begin = -(-self._shared.ctypes.data // ALIGNMENT) * ALIGNMENT
        for word, offset in self._shared_words:
            words[word] = begin + offset
        for address, offset in self._shared_outside:
            ctypes.c_int64.from_address(address).value = begin + offset


def workspace_of(size: int) -> Array:
    """Aligned memory of so many bytes, which later kernels of the thread use, too."""
    block = scratch(size + ALIGNMENT, np.dtype(np.uint8))
    begin = -block.ctypes.data % ALIGNMENT
    return block[begin : begin + size]


def seen_as(operand: Array | Seen) -> Seen:
    """How an operand is seen: as it is, if nothing else was said."""
    return operand if isinstance(operand, Seen) else Seen(operand, operand)


def _plain(argument: Any) -> Any:
    """An argument as Python would pass it."""
    if isinstance(argument, Returned):
        return np.zeros(1, argument.dtype)
    return argument.view if isinstance(argument, Seen) else argument


def flat(array: Array) -> Seen:
    """A C-contiguous array with one axis."""
    return Seen(array, array.reshape(-1))


def transposed(array: Array) -> Seen:
    """A matrix with its axes exchanged."""
    return Seen(array, array.T)
