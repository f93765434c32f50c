"""Chains: several tasks that run together, for one block of rows after the other.

Tasks that read what the tasks before them have made, element by element or row by row, need not
run over whole arrays in turn.  A chain runs all of them for a block that fits in a core's cache,
then for the next one.  What only the chain itself reads exists as one block, and a result may take
the memory of an operand that nobody reads afterwards.  The tasks are the same kernels, in the same
order for each element, so that results have the same bits.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minigrad.kernels.compiler.kernel import Kernel
from minigrad.kernels.compiler.pointers import call, pointer_at, record_at
from minigrad.kernels.compiler.task_queue import task_kernel
from minigrad.kernels.compiler.workspace import ALIGNMENT
from minigrad.kernels.replay.entry_points import (
    ARRAY_DATA,
    CODE,
    RETURNED,
    entry_of,
    words_of,
)
from minigrad.kernels.replay.task_list import CannotRunError, Seen, TaskList, seen_as
from minigrad.kernels.replay.ufunc_loops import loop_of, operands_of

Array = np.ndarray[Any, Any]

# So many bytes of the largest array are a block, in one piece: several of them fit in the
# second-level cache together.
BLOCK = 32_768
# A piece that cannot be cut and is larger than this does not fit there.
LARGEST = 4 * BLOCK

# What is written into the copy of a word that each block has: the word and an offset for each grain
# before the block, an offset in the block's own memory, or a number for each grain of the block.
_ADDRESS, _OWN, _COUNT = range(3)
_SIZE = 2  # of the words of an array, that with the number of its elements
_WORD = 8  # bytes


class BlockCall(NamedTuple):
    """A call of a kernel or ufunc that can be made for some rows of all its arrays at a time.

    The arrays have equally many rows: their first axis, over which results do not depend on one
    another.  A kernel's first number, the amount of its work, is 0: a block is not shared.
    """

    function: Kernel | np.ufunc
    arguments: tuple[Any, ...]

    @property
    def operands(self) -> list[Seen]:
        """The arrays."""
        return [seen_as(a) for a in self.arguments if isinstance(a, Seen | np.ndarray)]

    @property
    def rows(self) -> int:
        """How many there are."""
        return int(self.operands[0].view.shape[0])


class ChainArrays(NamedTuple):
    """The tables of a chain."""

    words: Array  # the arguments of all calls
    calls: Array  # (calls, 5): a C function, the words of its arguments or -1, its data
    changes: Array  # (changes, 3): a word, what is written into it, a factor or an offset
    copies: Array  # (copies, 3): a word with an address, bytes for each grain, an offset


class ChainPlan(NamedTuple):
    """The numbers of rows in the tables; all grains, and those of a block."""

    words: int
    calls: int
    changes: int
    copies: int
    grains: int
    block: int


@intrinsic
def _address_of(typingctx: Any, pointer: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], ir.IntType(64))

    return types.intp(pointer), codegen


@task_kernel(ChainArrays, ChainPlan)
def chain_tasks(phase, task, workspace, records):
    """All calls for one block of grains."""
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    words, calls = pointer_at(np.int64, arrays.words), pointer_at(np.int64, arrays.calls)
    changes, copies = pointer_at(np.int64, arrays.changes), pointer_at(np.int64, arrays.copies)
    own = _address_of(workspace)
    first = task * plan.block
    count = min(plan.block, plan.grains - first)
    for k in range(plan.words):
        workspace[k] = words[k]
    for k in range(plan.changes):
        word, kind, factor = changes[3 * k], changes[3 * k + 1], changes[3 * k + 2]
        if kind == _ADDRESS:
            workspace[word] = words[word] + first * factor
        elif kind == _OWN:
            workspace[word] = own + factor
        else:
            workspace[word] = count * factor
    for k in range(plan.calls):
        one, two, three = calls[5 * k + 1], calls[5 * k + 2], calls[5 * k + 3]
        call(
            calls[5 * k],
            own + one * _WORD,
            own + two * _WORD if two >= 0 else 0,
            own + three * _WORD if three >= 0 else 0,
            calls[5 * k + 4],
        )
    for k in range(plan.copies):
        size = copies[3 * k + 1]
        target = pointer_at(np.uint32, words[copies[3 * k]] + first * size)
        source = pointer_at(np.uint32, own + copies[3 * k + 2])
        for i in range(count * size // 4):
            target[i] = source[i]


def grains_of(calls: Iterable[BlockCall]) -> int:
    """Into how many pieces all arrays of these calls can be cut."""
    return math.gcd(*(one.rows for one in calls))


def can_be_cut(calls: Sequence[BlockCall]) -> bool:
    """Return whether the pieces are small enough to stay in a cache."""
    largest = max((o.view.nbytes for one in calls for o in one.operands), default=0)
    return largest <= LARGEST * grains_of(calls)


def add_chain(
    tasks: TaskList, calls: Sequence[BlockCall], inner: Sequence[Array],
    copied: Mapping[int, Array], block: int = BLOCK,
) -> None:  # fmt: skip
    """Add calls that run block by block.

    Of the arrays `inner`, which the calls make, there is one block for each thread.  Those among
    them whose ids are in `copied` are copied, block by block, into other arrays of their shape.
    `block` is in bytes.  Raises CannotRunError for a call that only Python can make.
    """
    grains = grains_of(calls)
    table = _Tables(grains, {id(array): array for array in inner})
    for one in calls:
        if isinstance(one.function, Kernel):
            table.add_kernel(one.function, one.arguments)
        else:
            table.add_ufunc(one)
    for key, target in copied.items():
        table.add_copy(key, target)
    table.add_to(tasks, block)


class _Tables:
    """The tables of a chain, while calls are added."""

    def __init__(self, grains: int, inner: Mapping[int, Array]) -> None:
        self._grains = grains
        self._inner = inner
        self._words: list[int] = []
        self._calls: list[tuple[int, ...]] = []
        self._changes: list[tuple[int, int, int]] = []
        self._copies: list[tuple[int, int, int]] = []
        self._addresses: list[tuple[int, Seen]] = []  # words that are addresses of arrays
        # Words that are addresses of a block's own memory: of the array with this id.
        self._own: list[tuple[int, int]] = []
        self._sizes: dict[int, int] = {}  # bytes of the arrays of a block for each grain, by id

    def add_kernel(self, kernel: Kernel, arguments: Sequence[Any]) -> None:
        """Add a call of a compiled kernel."""
        plain = [a.view if isinstance(a, Seen) else a for a in arguments]
        entry = entry_of(kernel, tuple(plain))
        if entry is None:
            raise CannotRunError("a kernel that only Python calls")
        first = len(self._words)
        self._words += [0] * (RETURNED + entry.returned)
        self._words[first + CODE] = entry.code
        for argument, view in zip(arguments, plain, strict=True):
            at = len(self._words)
            self._words += words_of(view)
            if isinstance(view, np.ndarray):
                self._add_operand(at + ARRAY_DATA, seen_as(argument))
                rows = view.shape[0] // self._grains
                self._changes.append((at + _SIZE, _COUNT, view.size // self._grains))
                self._changes.append((at + ARRAY_DATA + 1, _COUNT, rows))
        self._calls.append((entry.address, first, -1, -1, 0))

    def add_ufunc(self, one: BlockCall) -> None:
        """Add a call of a ufunc over arrays of one shape, by its loop."""
        seen = one.operands
        ufunc: Any = one.function
        loop = loop_of(ufunc, seen[0].view.dtype)
        if loop is None:
            raise CannotRunError(ufunc.__name__)
        first = len(self._words)
        self._words += [0] * len(seen)
        for k, operand in enumerate(seen):
            self._add_operand(first + k, operand)
        _, strides = operands_of(ufunc, tuple(each.view for each in seen))
        size = len(self._words)
        self._words += [0, *strides]
        self._changes.append((size, _COUNT, seen[0].view.size // self._grains))
        self._calls.append((loop.address, first, size, size + 1, loop.data))

    def add_copy(self, key: int, target: Array) -> None:
        """Copy the blocks of an array into another one."""
        self._words.append(0)
        word = len(self._words) - 1
        self._addresses.append((word, seen_as(target)))
        self._copies.append((word, target.nbytes // self._grains, key))

    def _add_operand(self, word: int, seen: Seen) -> None:
        size = seen.view.nbytes // self._grains
        if id(seen.array) in self._inner:
            self._own.append((word, id(seen.array)))
            self._sizes[id(seen.array)] = size
        else:
            self._addresses.append((word, seen))
            self._changes.append((word, _ADDRESS, size))

    def add_to(self, tasks: TaskList, size: int) -> None:
        """Add the task that runs all blocks, of so many bytes at most."""
        largest = max([f for _, kind, f in self._changes if kind == _ADDRESS], default=1)
        block = min(max(1, size // largest), self._grains)
        offsets, end = {}, -(-len(self._words) * _WORD // ALIGNMENT) * ALIGNMENT
        for key, piece in self._sizes.items():
            offsets[key] = end
            end += -(-piece * block // ALIGNMENT) * ALIGNMENT
        changes = [*self._changes, *((word, _OWN, offsets[key]) for word, key in self._own)]
        copies = [(word, piece, offsets[key]) for word, piece, key in self._copies]
        arrays = ChainArrays(*(
            np.array(rows, np.int64).reshape(-1)
            for rows in (self._words, self._calls, changes, copies)
        ))  # fmt: skip
        for word, seen in self._addresses:
            tasks.write_address(arrays.words.ctypes.data + word * _WORD, seen)
        blocks = -(-self._grains // block)
        plan = ChainPlan(
            len(self._words), len(self._calls), len(changes), len(copies), self._grains, block
        )
        work = self._grains * largest // 4
        prepared = chain_tasks.prepare(np.dtype(np.int64), plan, (blocks,), work, end)
        for array in arrays:
            tasks.keep(array)
        tasks.launch(prepared, *arrays)
