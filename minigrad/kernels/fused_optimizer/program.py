"""Programs: the computation of an update rule for one element, as plain data."""

from typing import Any, NamedTuple

# Elements that share one factor where a state is kept in 8 bits.
BLOCK = 256


class Program(NamedTuple):
    """The computation for one element: straight-line code over numbered values.

    Values 0 ... inputs-1 are the arrays' elements, and each instruction `(name, *operands)` gives
    the next value.  A negative operand `~k` is the scalar with index k, the same for all elements.
    `outputs` are pairs of an input's index and the operand that is stored to it.

    Some values are one number for a whole parameter: the instructions `norm`, `sum` and `max` of a
    value's elements, `size`, `measure:k`, the number with index k that is kept for each parameter,
    and what is made of these.  They are computed in double precision.  `global_norm:k` and
    `global_sum:k` are over all parameters of the optimizer; k counts them.  `measured` are pairs of
    the index of a kept number and its new value.

    `normal:k` draws a number for each element; its operands are a seed and the step count.

    `coded` are pairs of the index of an input that is kept in 8 bits and its code, "signed" or
    "positive"; see `eight_bits`.
    """

    name: str
    inputs: int
    instructions: tuple[tuple[Any, ...], ...]
    outputs: tuple[tuple[int, int], ...]
    measured: tuple[tuple[int, int], ...] = ()
    coded: tuple[tuple[int, str], ...] = ()

    def of_parameters(self) -> frozenset[int]:
        """The values that are one number for a whole parameter."""
        found: set[int] = set()
        for number, (op, *operands) in enumerate(self.instructions, self.inputs):
            values = [o for o in operands if o >= 0]
            if kind_of(op) in PARAMETER_KINDS or (values and found.issuperset(values)):
                found.add(number)
        return frozenset(found)

    @property
    def has_measures(self) -> bool:
        """True if it reads or writes numbers that are kept for each parameter."""
        return bool(self.measured) or self._has("measure")

    @property
    def has_draws(self) -> bool:
        """True if it draws random numbers."""
        return self._has("normal")

    @property
    def has_global_sums(self) -> bool:
        """True if it needs norms or sums over all parameters of the optimizer."""
        return any(is_global(op) for op, *_ in self.instructions)

    def _has(self, kind: str) -> bool:
        return any(kind_of(op) == kind for op, *_ in self.instructions)

    def reductions_by_pass(self) -> list[list[int]]:
        """The reductions of each pass over all elements; one may use the results of earlier ones.

        Reductions over all parameters that need the same results come in the same pass.
        """
        known_after = [0] * self.inputs
        passes: list[list[int]] = []
        for number, (op, *operands) in enumerate(self.instructions, self.inputs):
            known_after.append(max((known_after[o] for o in operands if o >= 0), default=0))
            if kind_of(op) in REDUCTIONS:
                if known_after[-1] == len(passes):
                    passes.append([])
                passes[known_after[-1]].append(number)
                known_after[-1] += 1
        return passes


REDUCTIONS = frozenset({"norm", "sum", "max", "global_norm", "global_sum"})
PARAMETER_KINDS = REDUCTIONS | {"size", "measure"}
CONDITIONS = frozenset(
    {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "and", "or", "not"}
)


def kind_of(op: str) -> str:
    """The name of an instruction without its index."""
    return op.partition(":")[0]


def index_of(op: str) -> int:
    """The index in the name of an instruction."""
    return int(op.partition(":")[2])


def is_global(op: str) -> bool:
    """True of a reduction over all parameters of the optimizer."""
    return op.startswith("global")
