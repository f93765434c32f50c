"""One kernel call for many arrays: what a program is applied to, found and kept ready."""

from collections.abc import Sequence
from functools import cache, cached_property
from operator import is_
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel
from minigrad.kernels.compiler.numpy_abi import HEADER, ITEMS
from minigrad.kernels.compiler.pointers import pointer_at
from minigrad.kernels.fused_optimizer.codegen import SPAN, Compiled, Program, compiled

Array = np.ndarray[Any, Any]

# Where further fields of NumPy's `PyArrayObject` lie.
_NDIM, _SHAPE, _DTYPE, _FLAGS = HEADER + 8, HEADER + 16, HEADER + 40, HEADER + 48
_C_CONTIGUOUS_AND_ALIGNED = 0x0001 | 0x0100

# So many accesses to elements are the work of one: threads would save a step over some small
# parameters ten microseconds, and cost it hundreds where another process has their core.
ACCESSES = 8


@kernel
def find(addresses: Any, found: int, wanted: int) -> Any:
    """Write the data addresses of the arrays in a tuple; -1, or the number of the first misfit.

    Both tuples are given by their ids.  Fit is a C-contiguous array of the same shape and dtype as
    the one at its place in the tuple `wanted`.
    """
    arrays = pointer_at(np.int64, found + ITEMS)
    patterns = pointer_at(np.int64, wanted + ITEMS)
    for k in range(addresses.size):
        a, b = arrays[k], patterns[k]
        ndim = pointer_at(np.int32, a + _NDIM)[0]
        flags = pointer_at(np.int32, a + _FLAGS)[0]
        fit = flags & _C_CONTIGUOUS_AND_ALIGNED == _C_CONTIGUOUS_AND_ALIGNED
        fit &= ndim == pointer_at(np.int32, b + _NDIM)[0]
        fit &= pointer_at(np.int64, a + _DTYPE)[0] == pointer_at(np.int64, b + _DTYPE)[0]
        if fit:
            mine = pointer_at(np.int64, pointer_at(np.int64, a + _SHAPE)[0])
            other = pointer_at(np.int64, pointer_at(np.int64, b + _SHAPE)[0])
            for axis in range(ndim):
                fit &= mine[axis] == other[axis]
        if not fit:
            return k
        addresses[k] = pointer_at(np.int64, a + HEADER)[0]
    return -1


@kernel
def hold_the_same(one: int, other: int, count: int) -> Any:
    """Whether two tuples of `count` items, given by their ids, hold the same objects."""
    mine = pointer_at(np.int64, one + ITEMS)
    others = pointer_at(np.int64, other + ITEMS)
    same = True
    for k in range(count):
        same &= mine[k] == others[k]
    return same


@kernel
def all_equal(values: Any) -> Any:
    """Whether all numbers are the same."""
    equal = True
    for k in range(values.size):
        equal &= values[k] == values[0]
    return equal


@cache
def _headers_are_known() -> bool:
    """Whether `find` reads this Python and NumPy rightly: then it may be trusted."""
    plain = np.zeros((2, 3))
    others = [np.zeros((3, 2)).T, np.zeros((3, 2)), np.zeros(6), np.zeros((2, 3), np.float32)]
    found, wanted = np.zeros(2, np.int64), (plain, plain)
    pairs = [(plain, a) for a in others]
    return bool(
        find.run(found, id(wanted), id(wanted)) == -1
        and found.tolist() == [plain.ctypes.data] * 2
        and all(find.run(found, id(pair), id(wanted)) == 1 for pair in pairs)
    )


def are_same(some: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    """Whether both hold the same objects in the same order."""
    if len(some) != len(others):
        return False
    if _headers_are_known():
        return bool(hold_the_same.run(id(some), id(others), len(some)))
    return all(map(is_, some, others))


def refuse_misfit(
    parameters: Sequence[Array], others: Sequence[Array], what: str = "gradient"
) -> None:
    """Raise RuntimeError if an array's shape is not that of its parameter."""
    for array, other in zip(parameters, others, strict=True):
        if other.shape != array.shape:
            raise RuntimeError(
                f"a {what} of shape {other.shape} does not fit its parameter of shape {array.shape}"
            )


class Batch:
    """Arrays that one kernel call updates: parameters, their gradients, and each state of them.

    The kernel works in the parameters' dtype.  Raises RuntimeError if an array to be updated is
    read-only, or a state's shape is not its parameter's.
    """

    def __init__(self, parameters: Sequence[Array], states: Sequence[Sequence[Array]]) -> None:
        self.parameters = list(parameters)
        self.dtype = self.parameters[0].dtype.newbyteorder("=")
        # A kernel wants contiguous memory: arrays that are not stand aside for a copy of theirs.
        self._copies: list[tuple[Array, Array]] = []
        self._updated = [[self._plain(a) for a in row] for row in (parameters, *states)]
        for row in states:
            refuse_misfit(self.parameters, row, "state")
        n = len(self.parameters)
        self._addresses = np.zeros((2 + len(states), n), np.int64)
        for k, row in enumerate(self._updated):
            self._addresses[k + (k > 0)] = [a.ctypes.data for a in row]
        self._wanted = tuple(self._updated[0])
        self._gradients: Sequence[Array] = ()
        self._program: Program | None = None
        self._kernels: Compiled

    def _plain(self, array: Array) -> Array:
        if not array.flags.writeable:
            raise RuntimeError(
                f"cannot update an array of shape {array.shape} in place: it is read-only"
            )
        if array.flags.c_contiguous and array.flags.aligned and array.dtype == self.dtype:
            return array
        copy = np.empty(array.shape, self.dtype)
        self._copies.append((array, copy))
        return copy

    @cached_property
    def _spans(self) -> tuple[Array, Array, Array]:
        """Where each parameter starts in one row of all, and which parameters each span meets."""
        starts = np.cumsum([0, *(a.size for a in self.parameters)], dtype=np.int64)
        lows = np.arange(0, starts[-1], SPAN)
        first = np.searchsorted(starts, lows, side="right") - 1
        last = np.searchsorted(starts, lows + SPAN, side="left")
        return starts, first, np.minimum(last, len(self.parameters))

    def set_gradients(self, gradients: tuple[Array, ...]) -> None:
        """Take these gradients for the next run.  Raises RuntimeError if a shape is wrong."""
        self._gradients = gradients  # they must outlive the run, which knows only addresses
        row = self._addresses[1]
        if _headers_are_known() and find.run(row, id(gradients), id(self._wanted)) < 0:
            return
        refuse_misfit(self.parameters, gradients)
        self._gradients = [np.require(g, self.dtype, ["C", "A"]) for g in gradients]
        row[...] = [g.ctypes.data for g in self._gradients]

    def run(self, program: Program, scalars: Array) -> None:
        """Apply `program`, whose inputs are parameter, gradient and states, to every element.

        Its scalars are float64.
        """
        if not program.outputs:
            return
        if program is not self._program:
            self._program, self._kernels = program, compiled(program, self.dtype)
        for array, copy in self._copies:
            copy[...] = array
        starts, first, last = self._spans
        work = int(starts[-1]) * program.inputs // ACCESSES
        given = (self._addresses, starts, first, last, scalars)
        norms = np.empty((sum(count for _, count in self._kernels.reduce), len(self.parameters)))
        known = 0
        for reduce, count in self._kernels.reduce:
            sums = np.zeros((count, first.size + len(self.parameters)))
            reduce.run(work, sums, *given, norms)
            add_up.run(norms[known : known + count], sums, starts)
            known += count
        self._kernels.update.run(work, *given, norms)
        for array, copy in self._copies:
            array[...] = copy
        self._gradients = ()


@kernel
def add_up(norms: Any, sums: Any, starts: Any) -> None:
    """Norms of parameters from the sums of squares over the spans that they lie in.

    Span number s has left its part of parameter p at s + p.
    """
    for j in range(norms.shape[0]):
        for p in range(norms.shape[1]):
            total = 0.0
            for k in range(starts[p] // SPAN, -(-starts[p + 1] // SPAN)):
                total += sums[j, k + p]
            norms[j, p] = np.sqrt(total)
