"""Update of many arrays by one kernel call, from arrays of their addresses."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel
from minigrad.kernels.compiler.numpy_abi import write_matching_addresses
from minigrad.kernels.fused_optimizer.codegen import SPAN, Compiled, Program, compiled

Array = np.ndarray[Any, Any]

# So many accesses to elements count as the work of one element.  On small parameters, threads would
# save ten microseconds a step, and cost hundreds if another process uses their core.
ACCESSES_PER_ELEMENT = 8


@kernel
def all_equal(values: Array) -> bool:
    """Return whether all numbers are equal."""
    equal = True
    for k in range(values.size):
        equal &= values[k] == values[0]
    return equal


def refuse_misfit(
    parameters: Sequence[Array], others: Sequence[Array], kind: str = "gradient"
) -> None:
    """Raise RuntimeError if an array's shape is not that of its parameter."""
    for array, other in zip(parameters, others, strict=True):
        if other.shape != array.shape:
            raise RuntimeError(
                f"a {kind} of shape {other.shape} does not fit its parameter of shape {array.shape}"
            )


class Batch:
    """Arrays that one kernel call updates: parameters, with their gradients and states.

    The kernel computes in the parameters' dtype.  Raises RuntimeError if a parameter or state is
    read-only, or a state's shape is not its parameter's.
    """

    def __init__(self, parameters: Sequence[Array], states: Sequence[Sequence[Array]]) -> None:
        self.parameters = list(parameters)
        self.dtype = self.parameters[0].dtype.newbyteorder("=")
        # Kernels need contiguous memory: other arrays are copied before a step and back after it.
        self._copies: list[tuple[Array, Array]] = []
        self._updated = [[self._contiguous(a) for a in row] for row in (parameters, *states)]
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

    def _contiguous(self, array: Array) -> Array:
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
        """Offsets of the parameters in their concatenation, first and last parameter of a span."""
        starts = np.cumsum([0, *(a.size for a in self.parameters)], dtype=np.int64)
        lows = np.arange(0, starts[-1], SPAN)
        first = np.searchsorted(starts, lows, side="right") - 1
        last = np.searchsorted(starts, lows + SPAN, side="left")
        return starts, first, np.minimum(last, len(self.parameters))

    def set_gradients(self, gradients: tuple[Array, ...]) -> None:
        """Set the gradients of the next run.  Raises RuntimeError if a shape is wrong."""
        self._gradients = gradients  # kept alive until the run, which has only their addresses
        row = self._addresses[1]
        if write_matching_addresses(row, gradients, self._wanted):
            return
        refuse_misfit(self.parameters, gradients)
        self._gradients = [np.require(g, self.dtype, ["C", "A"]) for g in gradients]
        row[...] = [g.ctypes.data for g in self._gradients]

    def run(self, program: Program, scalars: Array) -> None:
        """Apply `program` to every element.  Its inputs are parameter, gradient and states.

        `scalars` are float64.
        """
        if not program.outputs:
            return
        if program is not self._program:
            self._program, self._kernels = program, compiled(program, self.dtype)
        for array, copy in self._copies:
            copy[...] = array
        starts, first, last = self._spans
        work = int(starts[-1]) * program.inputs // ACCESSES_PER_ELEMENT
        arguments = (self._addresses, starts, first, last, scalars)
        norms = np.empty((sum(count for _, count in self._kernels.reduce), len(self.parameters)))
        known = 0
        for reduce, count in self._kernels.reduce:
            sums = np.zeros((count, first.size + len(self.parameters)))
            reduce.run(work, sums, *arguments, norms)
            combine_norms.run(norms[known : known + count], sums, starts)
            known += count
        self._kernels.update.run(work, *arguments, norms)
        for array, copy in self._copies:
            array[...] = copy
        self._gradients = ()


@kernel
def combine_norms(norms: Array, sums: Array, starts: Array) -> None:
    """Norms of the parameters, from the sums of squares over the spans that they lie in.

    The sum over the part of parameter p in span s is in column s + p.
    """
    for j in range(norms.shape[0]):
        for p in range(norms.shape[1]):
            total = 0.0
            for k in range(starts[p] // SPAN, -(-starts[p + 1] // SPAN)):
                total += sums[j, k + p]
            norms[j, p] = np.sqrt(total)
