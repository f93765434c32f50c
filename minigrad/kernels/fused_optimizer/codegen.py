"""Generation of a Python module with the kernels of an update rule, given as a `Program`."""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from minigrad.kernels.fused_optimizer.eight_bits import CODES
from minigrad.kernels.fused_optimizer.program import (
    BLOCK,
    CONDITIONS,
    REDUCTIONS,
    Program,
    index_of,
    kind_of,
)

# Instructions as generated source.  Operands are names, so that repeating one costs nothing.
EXPRESSIONS = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "power": "{0} ** {1}",
    "cube_root": "cube_root({0})",
    "negative": "-{0}",
    "absolute": "abs({0})",
    "sqrt": "sqrt({0})",
    "exp": "exp({0})",
    "log": "log({0})",
    "tanh": "tanh({0})",
    # The last branch is for zero and NaN.
    "sign": "one if {0} > zero else (-one if {0} < zero else {0})",
    # NaN in either operand gives NaN, as in numpy.maximum.
    "maximum": "{0} if {0} >= {1} or {0} != {0} else {1}",
    "minimum": "{0} if {0} <= {1} or {0} != {0} else {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "and": "{0} & {1}",
    "or": "{0} | {1}",
    "not": "not {0}",
    "number": "one if {0} else zero",
    "where": "{1} if {0} else {2}",
}

# Apart from the lines that import from it: they are those of the generated module, not of this one.
_KERNELS = "minigrad.kernels"
_MODULE = '''\
"""Generated from the update rule `{name}`.  Edits are overwritten: change the rule instead."""

from math import {functions}

import numpy as np

from {kernels}.compiler.kernel import kernel, prange
from {kernels}.compiler.pointers import pointer_at
{imports}
real = np.{dtype}
one, zero, half, least = real(1), real(0), real(0.5), real(-np.inf)
tiny = np.finfo(np.float32).tiny
'''

# A pass goes over memory the other way round from the one before it, whose end is in the cache.
_PASS = """

@kernel{options}
def {name}({sums}addresses, sizes, spans, first, last, scalars, norms{more}):
{scalars}
    for task in prange(last - first):
        span = {order}
        p, low, n = spans[0, span], spans[1, span], spans[2, span]
{views}
{loop}
{ending}"""

_LOOP = """\
        for i in range(n):
{body}"""

# Where states are in 8 bits: the first loop finds their largest sizes, the second stores codes.
_BLOCKS = """\
        for block in range((n + {block} - 1) // {block}):
            begin, end = block * {block}, min(n, block * {block} + {block})
{factors}
{largest}
            for i in range(begin, end):
{body}
{kept}"""

_LARGEST = """\
            for i in range(begin, end):
{body}
{inverses}"""


class _Writer:
    """Writes the kernels of a program: those that sum for reductions, then the update."""

    def __init__(self, program: Program, dtype: np.dtype[Any]) -> None:
        self.program = program
        self.dtype = dtype
        self.passes = program.reductions_by_pass()
        self._of_parameters = program.of_parameters()
        # The row of each reduction in `norms`, by the index of its value.
        self._rows = {number: row for row, number in enumerate(chain.from_iterable(self.passes))}
        self._codes = dict(program.coded)
        # The row of a coded input's sizes in `addresses`.
        self._factors = {k: program.inputs + row for row, k in enumerate(self._codes)}

    def text(self) -> str:
        """Return the source of the module."""
        head = _MODULE.format(
            kernels=_KERNELS,
            name=self.program.name,
            dtype=self.dtype.name,
            functions="log, sqrt",
            imports="".join(_imports(self.program)),
        )
        sums = [self._reduction(k, numbers) for k, numbers in enumerate(self.passes)]
        return head + "".join(sums) + self._update()

    def _instruction(self, number: int) -> tuple[Any, ...]:
        return self.program.instructions[number - self.program.inputs]

    def _reduction(self, k: int, numbers: list[int]) -> str:
        summed = [self._instruction(number) for number in numbers]
        return self._pass(
            f"reduce_{k}", [o for _, o in summed],
            [_reduced(op, f"q{j}", _variable(o)) for j, (op, o) in enumerate(summed)],
            options='(fastmath=frozenset({"contract", "reassoc"}))',
            sums="sums, ",
            before=[f"q{j} = {_first(op)}" for j, (op, _) in enumerate(summed)],
            after=[f"sums[{j}, span] = {_last(op, f'q{j}')}" for j, (op, _) in enumerate(summed)],
            is_backward=k % 2 == 1,
        )  # fmt: skip

    def _update(self) -> str:
        outputs, measured = self.program.outputs, self.program.measured
        stores = [
            f"a{number}[i] = {_variable(operand)}"
            for number, operand in outputs
            if number not in self._codes
        ]
        # Another span may still read the old number: the new one has a place of its own.
        kept = [f"new_measures[{row}, p] = {_double(o)}" for row, o in measured]
        return self._pass(
            "update", [operand for _, operand in outputs], stores,
            stored=dict(outputs),
            doubles=[operand for _, operand in measured],
            after=["if low == 0:", *(f"    {line}" for line in kept)] if kept else [],
            is_backward=len(self.passes) % 2 == 1,
        )  # fmt: skip

    def _pass(
        self, name: str, wanted: Iterable[int], actions: list[str], *, is_backward: bool,
        options: str = "", sums: str = "", stored: dict[int, int] | None = None,
        doubles: Collection[int] = (), before: Iterable[str] = (), after: Iterable[str] = (),
    ) -> str:  # fmt: skip
        """Return a kernel that computes the values `wanted` of an element and does `actions`.

        `stored` has the operand for each input that is stored to.  `doubles` are wanted in double
        precision.
        """
        stored = stored or {}
        read = self._needed([*wanted, *doubles])
        views = self._views(read, stored)
        body = [self._loaded(k) for k in range(self.program.inputs) if k in read]
        used = set(doubles)  # operands in double precision
        for number, (op, *operands) in enumerate(self.program.instructions, self.program.inputs):
            if number not in read:
                continue
            if kind_of(op) == "normal":
                used.update(operands)
                body.append(f"x{number} = {_drawn(op, operands)}")
            elif number in self._of_parameters:
                used.update(operands if kind_of(op) not in REDUCTIONS else ())
                cast = "{}" if op in CONDITIONS else "real({})"
                views.append(f"p{number} = {self._of_parameter(number, op, operands)}")
                views.append(f"x{number} = {cast.format(f'p{number}')}")
            else:
                body.append(f"x{number} = " + EXPRESSIONS[op].format(*map(_variable, operands)))
        scalars = [f"s{k} = real(scalars[{k}])" for k in sorted(~o for o in read if o < 0)]
        scalars += [f"d{k} = scalars[{k}]" for k in sorted(~o for o in used if o < 0)]
        more = ", measures, new_measures" * self.program.has_measures
        return _PASS.format(
            name=name, options=options, sums=sums,
            more=more + ", numbers" * self.program.has_draws,
            order="last - 1 - task" if is_backward else "first + task",
            scalars=_indented(scalars, 4),
            views=_indented([*views, *before], 8),
            loop=self._loop(body, actions, read, stored),
            ending=_indented(after, 8),
        )  # fmt: skip

    def _views(self, read: Collection[int], stored: Collection[int]) -> list[str]:
        """Pointers to a span of each array."""
        views = []
        for k in range(self.program.inputs):
            if not (k in read or k in stored):
                continue
            if k not in self._codes:
                at = f"addresses[{k}, p] + low * {self.dtype.itemsize}"
                views.append(f"a{k} = pointer_at(real, {at})")
                continue
            code = CODES[self._codes[k]][0].__name__
            views.append(f"a{k} = pointer_at(np.{code}, addresses[{k}, p] + low)")
            at = f"addresses[{self._factors[k]}, p] + low // {BLOCK} * 4"
            views.append(f"f{k} = pointer_at(np.float32, {at})")
        return views

    def _loaded(self, k: int) -> str:
        """The statement that reads an input's element."""
        if k not in self._codes:
            return f"x{k} = a{k}[i]"
        _, most, roots = CODES[self._codes[k]]
        ratio = f"(real(a{k}[i]) * real({1 / most!r}))"
        if roots == 1:
            return f"x{k} = {ratio} * abs{ratio} * c{k}"
        return f"x{k} = ({ratio} * {ratio}) * ({ratio} * {ratio}) * c{k}"

    def _loop(
        self, body: list[str], actions: list[str], read: Collection[int], stored: dict[int, int]
    ) -> str:
        """The loop over a span's elements."""
        if not any(k in read or k in stored for k in self._codes):
            return _LOOP.format(body=_indented([*body, *actions], 12))
        written = [k for k in self._codes if k in stored]
        results = {k: _variable(stored[k]) for k in written}
        largest = ""
        if written:
            sizes = [f"n{k} = max(n{k}, ordered(abs({results[k]})))" for k in written]
            inverses = [
                f"m{k} = np.float32(from_ordered(n{k}))\n"
                f"r{k} = one / real(m{k}) if m{k} >= tiny else zero"
                for k in written
            ]
            largest = _LARGEST.format(
                body=_indented([*body, *sizes], 16),
                inverses=_indented(_lines(inverses), 12),
            )
        factors = [f"c{k} = real(f{k}[block])" for k in self._codes if k in read]
        codes = [line for k in written for line in self._encoded(k, results[k])]
        return _BLOCKS.format(
            block=BLOCK,
            factors=_indented([*factors, *(f"n{k} = ordered(zero)" for k in written)], 12),
            largest=largest,
            body=_indented([*body, *actions, *codes], 16),
            kept=_indented([f"f{k}[block] = m{k}" for k in written], 12),
        )

    def _encoded(self, k: int, x: str) -> list[str]:
        """Statements that store the code of a result; a NaN makes its whole block NaN."""
        kind, most, roots = CODES[self._codes[k]]
        code, root = f"np.{kind.__name__}", "sqrt(" * roots + f"abs({x}) * r{k}" + ")" * roots
        lines = [
            f"l{k} = {root} * real({most}) + half",
            f"l{k} = l{k} if l{k} < real({most}) else real({most})",
        ]
        if self._codes[k] == "signed":
            return [*lines, f"l{k} = -l{k} if {x} < zero else l{k}", f"a{k}[i] = {code}(l{k})"]
        lines.append(f"l{k} = one if l{k} < one and {x} > zero else l{k}")
        return [*lines, f"a{k}[i] = {code}(l{k})"]

    def _of_parameter(self, number: int, op: str, operands: list[int]) -> str:
        """The expression of a value that is one number for a whole parameter."""
        kind = kind_of(op)
        if kind in REDUCTIONS:
            return f"norms[{self._rows[number]}, p]"
        if kind == "measure":
            return f"measures[{index_of(op)}, p]"
        if kind == "size":
            return "float(sizes[p])"
        return EXPRESSIONS[op].format(*map(_double, operands))

    def _needed(self, wanted: Iterable[int]) -> set[int]:
        """Return the values that these depend on; a reduction is known from an earlier pass."""
        needed: set[int] = set()
        pending = list(wanted)
        while pending:
            number = pending.pop()
            if number not in needed:
                needed.add(number)
                if number >= self.program.inputs:
                    op, *operands = self._instruction(number)
                    pending += operands if kind_of(op) not in REDUCTIONS else []
        return needed


def _imports(program: Program) -> Iterator[str]:
    """The lines that import the functions which the kernels of a program call."""
    ops = {kind_of(op) for op, *_ in program.instructions}
    own = f"from {_KERNELS}.fused_optimizer"
    if "normal" in ops:
        yield f"{own}.philox import normal\n"
    if "cube_root" in ops:
        yield f"{own}.device_functions import cube_root\n"
    if "max" in ops or program.coded:
        yield f"{own}.device_functions import from_ordered, ordered\n"
    if vectorised := sorted(ops & {"exp", "tanh"}):
        yield f"from {_KERNELS}.simd.math import {', '.join(vectorised)}\n"


def _first(op: str) -> str:
    """The result of a reduction over no elements."""
    return "ordered(least)" if op == "max" else "zero"


def _last(op: str, sum: str) -> str:
    """The number that a reduction has found: a maximum is taken of integers."""
    return f"from_ordered({sum})" if op == "max" else sum


def _reduced(op: str, sum: str, x: str) -> str:
    """The statement that takes the element `x` into a reduction."""
    if op == "max":
        return f"{sum} = max({sum}, ordered({x}))"
    return f"{sum} += {x} * {x}" if kind_of(op).endswith("norm") else f"{sum} += {x}"


def _variable(operand: int) -> str:
    return f"s{~operand}" if operand < 0 else f"x{operand}"


def _double(operand: int) -> str:
    """A scalar, or a number of a parameter, in double precision."""
    return f"d{~operand}" if operand < 0 else f"p{operand}"


def _drawn(op: str, operands: list[int]) -> str:
    """The expression of a normal number of an element."""
    seed, step = (f"np.uint64({_double(o)})" for o in operands)
    element, draw = "np.uint64(low + i)", f"np.uint64({index_of(op)})"
    return f"real(normal({seed}, {step}, np.uint64(numbers[p]), {draw}, {element}))"


def _lines(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in text.splitlines()]


def _indented(lines: Iterable[str], by: int) -> str:
    return "\n".join(" " * by + line for line in lines)


def source(program: Program, dtype: np.dtype[Any]) -> str:
    """Return the source of the module that applies `program` to arrays of `dtype`."""
    return _Writer(program, dtype).text()
