"""Update of many arrays by one kernel call, from arrays of their addresses."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import kernel
from minigrad.kernels.compiler.numpy_abi import write_matching_addresses
from minigrad.kernels.fused_optimizer.eight_bits import blocks_of
from minigrad.kernels.fused_optimizer.generated import Compiled, compiled
from minigrad.kernels.fused_optimizer.layout import SPAN, Layout, Wave
from minigrad.kernels.fused_optimizer.program import Program, index_of, is_global, kind_of

Array = np.ndarray[Any, Any]

__all__ = ["SPAN", "Batch", "CodedState", "all_equal", "compiled", "refuse_misfit"]

# So many accesses to elements count as the work of one element.  They are fast, and what one thread
# has written of parameters and gradients another reads from its cache, so that threads gain less.
ACCESSES_PER_ELEMENT = 4

# What `combine` makes of the sums of spans.
_SUM, _NORM, _MAX = range(3)


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


class CodedState(NamedTuple):
    """A state of each parameter in 8 bits: its codes, and the largest size in each block."""

    codes: Sequence[Array]
    largest: Sequence[Array]


class Batch:
    """Arrays that one kernel call updates: parameters, with their gradients and states.

    The kernel computes in the parameters' dtype.  `numbers` say which parameter each is among all
    of an optimizer, for random numbers.  Raises RuntimeError if a parameter or state is read-only,
    or a state's shape is not its parameter's.
    """

    def __init__(
        self,
        parameters: Sequence[Array],
        states: Sequence[Sequence[Array] | CodedState],
        numbers: Sequence[int] = (),
    ) -> None:
        self.parameters = list(parameters)
        self.dtype = self.parameters[0].dtype.newbyteorder("=")
        # Kernels need contiguous memory: other arrays are copied before a step and back after it.
        self._copies: list[tuple[Array, Array]] = []
        rows = [[self._contiguous(a, self.dtype) for a in parameters]]
        factors = []
        for state in states:
            if isinstance(state, CodedState):
                refuse_misfit(self.parameters, state.codes, "state")
                self._refuse_other_blocks(state.largest)
                rows.append([self._contiguous(a, a.dtype) for a in state.codes])
                factors.append([self._contiguous(a, np.dtype(np.float32)) for a in state.largest])
            else:
                refuse_misfit(self.parameters, state, "state")
                rows.append([self._contiguous(a, self.dtype) for a in state])
        self._updated = [*rows, *factors]
        n = len(self.parameters)
        self._addresses = np.zeros((1 + len(self._updated), n), np.int64)
        for k, row in enumerate(self._updated):
            self._addresses[k + (k > 0)] = [a.ctypes.data for a in row]
        self._wanted = tuple(rows[0])
        self._numbers = np.array(numbers, np.int64)
        self._gradients: Sequence[Array] = ()
        self._layout = Layout([a.size for a in self.parameters])
        self._program: Program | None = None
        self._passes: _Passes
        self._reduced: Program | None = None  # whose norms are known

    def _contiguous(self, array: Array, dtype: np.dtype[Any]) -> Array:
        if not array.flags.writeable:
            raise RuntimeError(
                f"cannot update an array of shape {array.shape} in place: it is read-only"
            )
        if array.flags.c_contiguous and array.flags.aligned and array.dtype == dtype:
            return array
        copy = np.empty(array.shape, dtype)
        self._copies.append((array, copy))
        return copy

    def _refuse_other_blocks(self, largest: Sequence[Array]) -> None:
        for array, found in zip(self.parameters, largest, strict=True):
            if found.shape != (blocks_of(array.size),):
                raise RuntimeError(
                    f"{found.shape} factors do not fit a state of {array.size} elements: it has "
                    f"{blocks_of(array.size)} blocks"
                )

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
        passes = self._begin(program)
        arguments = self._arguments(scalars, measures)
        if self._reduced is not program:
            for number in range(passes.leading):
                passes.reduce(number, self._layout.all, arguments, is_alone=True)
        for wave in passes.waves:
            for number in range(passes.leading, passes.count):
                passes.reduce(number, wave, arguments)
            passes.update(wave, arguments)
        if measures is not None and passes.has_measures:
            measures[...] = arguments[3]
        for array, copy in self._copies:
            array[...] = copy
        self._gradients = ()
        self._reduced = None

    def _begin(self, program: Program) -> "_Passes":
        if program is not self._program:
            self._program = program
            kernels = compiled(program, self.dtype)
            self._passes = _Passes(kernels, program, self._layout, self._addresses, self.dtype)
        if self._reduced is not program:
            for array, copy in self._copies:
                copy[...] = array
        return self._passes

    def _arguments(self, scalars: Array, measures: Any) -> list[Any]:
        """The arguments of all kernels of the program that has begun, as this step has them."""
        passes = self._passes
        arguments = [scalars, passes.norms]
        if passes.has_measures:
            arguments += [measures, measures.copy()]
        return [*arguments, self._numbers] if passes.has_draws else arguments

    def reduce(
        self,
        program: Program,
        scalars: Array,
        measures: Array | None,
        totals: Mapping[int, float],
    ) -> Iterator[dict[int, float]]:
        """Compute what `program` needs over all parameters of an optimizer.

        Gives this batch's part of it, by the indices of the norms and sums, again and again until
        `totals` has what they add up to.  Of norms the parts are sums of squares.
        """
        passes = self._begin(program)
        arguments = self._arguments(scalars, measures)
        for number in range(passes.leading):
            rows = passes.reduce(number, self._layout.all, arguments)
            shared = [(op, row) for op, row in rows if is_global(op)]
            partial = {index_of(op): float(row.sum()) for op, row in shared}
            while not partial.keys() <= totals.keys():
                yield partial
            for op, row in shared:
                total = totals[index_of(op)]
                row.fill(total**0.5 if kind_of(op) == "global_norm" else total)
        self._reduced = program


class _Passes:
    """The kernels of a program in the order in which a step calls them.

    Passes up to the last one that sums over all parameters of an optimizer are `leading`: each is
    made over all parameters before the next.  The others follow one another wave by wave; the last
    wave comes first, because the passes before have left its elements in the cache.
    """

    def __init__(
        self,
        kernels: Compiled,
        program: Program,
        layout: Layout,
        addresses: Array,
        dtype: np.dtype[Any],
    ) -> None:
        self._kernels = [(reduce.run, ops) for reduce, ops in kernels.reduce]
        self._update = kernels.update.run
        self._shared = addresses, layout.sizes, layout.spans
        self._spans_of = layout.spans_of
        self._inputs = program.inputs
        self.has_measures, self.has_draws = program.has_measures, program.has_draws
        self.count = len(self._kernels)
        wide = [k for k, (_, ops) in enumerate(self._kernels) if any(map(is_global, ops))]
        self.leading = wide[-1] + 1 if wide else 0
        is_one = self.leading == self.count
        self.waves = [layout.all] if is_one else layout.waves(program.inputs * dtype.itemsize)[::-1]
        widest = max((len(ops) for _, ops in self._kernels), default=0)
        self._sums = np.empty((widest, layout.spans.shape[1]))
        self.norms = np.empty((sum(len(ops) for _, ops in self._kernels), len(layout.sizes)))
        self._kinds = [np.array([_kind(op) for op in ops]) for _, ops in self._kernels]
        self._are_wide = [np.array([is_global(op) for op in ops]) for _, ops in self._kernels]
        ends = np.cumsum([0, *(len(ops) for _, ops in self._kernels)]).tolist()
        self._rows = [self.norms[a:b] for a, b in pairwise(ends)]

    def reduce(
        self, number: int, wave: Wave, arguments: list[Any], is_alone: bool = False
    ) -> Iterator[tuple[str, Array]]:
        """Make a pass that sums; pairs of its reductions and their results for each parameter.

        Sums over all parameters of an optimizer are those of this batch if it `is_alone`, and
        else parts of them.
        """
        run, ops = self._kernels[number]
        run(self._work(wave), self._sums, *self._shared, *wave.spans, *arguments)
        rows, are_wide = self._rows[number], self._are_wide[number]
        combine.run(
            rows, self._sums, self._spans_of, *wave.params, self._kinds[number], are_wide, is_alone
        )
        return zip(ops, rows, strict=True)

    def update(self, wave: Wave, arguments: list[Any]) -> None:
        """Make the pass that stores."""
        self._update(self._work(wave), *self._shared, *wave.spans, *arguments)

    def _work(self, wave: Wave) -> int:
        return wave.elements * self._inputs // ACCESSES_PER_ELEMENT


def _kind(op: str) -> int:
    return {"max": _MAX, "norm": _NORM, "global_norm": _NORM}.get(kind_of(op), _SUM)


@kernel
def combine(
    totals: Array,
    sums: Array,
    spans_of: Array,
    first: int,
    last: int,
    kinds: Array,
    are_wide: Array,
    is_alone: bool,
) -> None:
    """Sums, norms or maxima over whole parameters, from those over their spans.

    Those over all parameters of an optimizer stay sums over each, unless these `is_alone`.
    """
    for j in range(kinds.size):
        for p in range(first, last):
            total = -np.inf if kinds[j] == _MAX else 0.0
            for span in range(spans_of[0, p], spans_of[1, p]):
                x = sums[j, span]
                if kinds[j] != _MAX:
                    total += x
                elif not (total >= x or np.isnan(total)):
                    total = x
            totals[j, p] = sqrt(total) if kinds[j] == _NORM and not are_wide[j] else total
        if are_wide[j] and is_alone:
            total = 0.0
            for p in range(first, last):
                total += totals[j, p]
            totals[j, first:last] = sqrt(total) if kinds[j] == _NORM else total
