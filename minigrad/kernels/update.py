"""One kernel call for many arrays: what a program is applied to, found and kept ready."""

from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

import numba
import numpy as np

from minigrad.kernels.build import kernel
from minigrad.kernels.program import SPAN, Compiled, Program, compiled, pointer

Array = np.ndarray[Any, Any]
carray: Any = vars(numba)["carray"]

# Where the fields of NumPy's `PyArrayObject` lie behind the object's header.  They are part of
# its C interface.  Asking Python for an array's address takes 1.4 us, reading it here 5 ns.
_HEADER = object.__basicsize__
_NDIM, _SHAPE, _DTYPE, _FLAGS = _HEADER + 8, _HEADER + 16, _HEADER + 40, _HEADER + 48
_C_CONTIGUOUS_AND_ALIGNED = 0x0001 | 0x0100


@kernel
def find(addresses: Any, objects: Any, alike: Any) -> Any:
    """Write the data addresses of the arrays with these ids; -1, or the first that is unfit.

    Fit is a C-contiguous array of the same shape and dtype as the array whose id is in `alike`.
    """
    for k in range(objects.size):
        a, b = objects[k], alike[k]
        ndim = carray(pointer(a + _NDIM), (1,), np.int32)[0]
        flags = carray(pointer(a + _FLAGS), (1,), np.int32)[0]
        fit = flags & _C_CONTIGUOUS_AND_ALIGNED == _C_CONTIGUOUS_AND_ALIGNED
        fit &= ndim == carray(pointer(b + _NDIM), (1,), np.int32)[0]
        fit &= (
            carray(pointer(a + _DTYPE), (1,), np.int64)[0]
            == carray(pointer(b + _DTYPE), (1,), np.int64)[0]
        )
        if fit:
            mine = carray(
                pointer(carray(pointer(a + _SHAPE), (1,), np.int64)[0]), (ndim,), np.int64
            )
            other = carray(
                pointer(carray(pointer(b + _SHAPE), (1,), np.int64)[0]), (ndim,), np.int64
            )
            for axis in range(ndim):
                fit &= mine[axis] == other[axis]
        if not fit:
            return k
        addresses[k] = carray(pointer(a + _HEADER), (1,), np.int64)[0]
    return -1


@cache
def _headers_are_known() -> bool:
    """Whether `find` reads this NumPy rightly: then it may be trusted."""
    plain = np.zeros((2, 3))
    others = [np.zeros((3, 2)).T, np.zeros((3, 2)), np.zeros(6), np.zeros((2, 3), np.float32)]
    found, ids = np.zeros(1, np.int64), np.array([id(plain)], np.int64)
    return bool(
        find.serial(found, ids, ids) == -1
        and found[0] == plain.ctypes.data
        and all(find.serial(found, np.array([id(a)], np.int64), ids) == 0 for a in others)
    )


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
        self._ids = np.array([id(a) for a in self._updated[0]], np.int64)
        self._gradients: list[Array] = []
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

    def aim(self, gradients: list[Array]) -> None:
        """Take these gradients for the next run.  Raises RuntimeError if a shape is wrong."""
        self._gradients = gradients  # they must outlive the run, which knows only addresses
        ids = np.array(list(map(id, gradients)), np.int64)
        if _headers_are_known() and find.serial(self._addresses[1], ids, self._ids) < 0:
            return
        refuse_misfit(self.parameters, gradients)
        self._gradients = [np.require(g, self.dtype, ["C", "A"]) for g in gradients]
        self._addresses[1] = [g.ctypes.data for g in self._gradients]

    def run(self, program: Program, scalars: Sequence[float]) -> None:
        """Apply `program`, whose inputs are parameter, gradient and states, to every element."""
        if not program.outputs:
            return
        if program is not self._program:
            self._program, self._kernels = program, compiled(program, self.dtype)
        for array, copy in self._copies:
            copy[...] = array
        starts, first, last = self._spans
        work = int(starts[-1]) * program.inputs
        given = (self._addresses, starts, first, last, np.array(scalars, np.float64))
        norms = np.empty((sum(count for _, count in self._kernels.reduce), len(self.parameters)))
        known = 0
        for reduce, count in self._kernels.reduce:
            sums = np.zeros((count, first.size + len(self.parameters)))
            reduce.on(work)(sums, *given, norms)
            add_up.serial(norms[known : known + count], sums, starts)
            known += count
        self._kernels.update.on(work)(*given, norms)
        for array, copy in self._copies:
            array[...] = copy
        self._gradients = []


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
