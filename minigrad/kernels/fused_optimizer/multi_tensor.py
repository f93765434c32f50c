"""Update of many arrays by one kernel call, from arrays of their addresses."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel
from minigrad.kernels.compiler.numpy_abi import write_matching_addresses
from minigrad.kernels.fused_optimizer.codegen import SPAN, Compiled, Program, compiled, kind_of

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
        self._norms: Array
        self._reduced: Program | None = None  # whose norms are known

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

    def run(self, program: Program, scalars: Array, measures: Array | None = None) -> None:
        """Apply `program` to every element.  Its inputs are parameter, gradient and states.

        `scalars` are float64.  `measures` has a row for each number that is kept for each
        parameter.  What the program needs over all parameters of an optimizer is known from
        `reduce`, or is over this batch alone.
        """
        if not (program.outputs or program.measured):
            return
        if self._reduced is not program:
            self._begin(program)
            if self._kernels.reduce:
                known: dict[int, float] = {}
                for partial in self.reduce(program, scalars, measures, known):
                    known.update(partial)
        arguments = self._arguments(scalars, measures)
        self._kernels.update.run(self._work(program), *arguments)
        if self._kernels.has_measures:
            measures[...] = arguments[-1]  # type: ignore[index]
        for array, copy in self._copies:
            array[...] = copy
        self._gradients = ()
        self._reduced = None

    def _begin(self, program: Program) -> None:
        if program is not self._program:
            self._program, self._kernels = program, compiled(program, self.dtype)
            rows = sum(len(ops) for _, ops in self._kernels.reduce)
            self._norms = np.empty((rows, len(self.parameters)))
        for array, copy in self._copies:
            copy[...] = array

    def _arguments(self, scalars: Array, measures: Any) -> list[Any]:
        """The arguments of all kernels of the program that has begun."""
        arguments = [self._addresses, *self._spans, scalars, self._norms]
        return [*arguments, measures, measures.copy()] if self._kernels.has_measures else arguments

    def _work(self, program: Program) -> int:
        return int(self._spans[0][-1]) * program.inputs // ACCESSES_PER_ELEMENT

    def reduce(
        self,
        program: Program,
        scalars: Array,
        measures: Array | None,
        totals: Mapping[int, float],
    ) -> Iterator[dict[int, float]]:
        """Compute the norms and sums that `program` needs.

        Gives this batch's part of those over all parameters, by their indices, again and again
        until `totals` has what they add up to.  Of norms the parts are sums of squares.
        """
        self._begin(program)
        starts, first, _ = self._spans
        arguments = self._arguments(scalars, measures)
        known = 0
        for reduce, ops in self._kernels.reduce:
            sums = np.zeros((len(ops), first.size + starts.size - 1))
            reduce.run(self._work(program), sums, *arguments)
            rows = self._norms[known : known + len(ops)]
            combine.run(rows, sums, starts, np.array([op == "max" for op in ops]))
            known += len(ops)
            partial = {int(op.partition(":")[2]): float(row.sum())
                       for op, row in zip(ops, rows, strict=True) if ":" in op}  # fmt: skip
            while not partial.keys() <= totals.keys():
                yield partial
            for op, row in zip(ops, rows, strict=True):
                if ":" in op:
                    row.fill(totals[int(op.partition(":")[2])])
                if kind_of(op).endswith("norm"):
                    np.sqrt(row, out=row)
        self._reduced = program


@kernel
def combine(totals: Array, sums: Array, starts: Array, are_maxima: Array) -> None:
    """Sums or maxima over whole parameters, from those over the spans that they lie in.

    That over the part of parameter p in span s is in column s + p.
    """
    for j in range(totals.shape[0]):
        for p in range(totals.shape[1]):
            total = -np.inf if are_maxima[j] else 0.0
            for k in range(starts[p] // SPAN, -(-starts[p + 1] // SPAN)):
                x = sums[j, k + p]
                if not are_maxima[j]:
                    total += x
                elif not (total >= x or np.isnan(total)):
                    total = x
            totals[j, p] = total
