"""Generation of a Python module with the kernels of an update rule.

An update rule arrives as a `Program`, plain data.  `compiled` writes the module to the cache
directory, because Numba caches machine code only for functions that have a file.  The file's name
contains a hash of its text and of this file, so that an edit of either gives another file.
"""

import hashlib
import linecache
import os
import re
import sys
import tempfile
from collections.abc import Collection, Iterable
from functools import cache
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.cache import cache_dir
from minigrad.kernels.compiler.cache_folder import private_folder, temporary_folder
from minigrad.kernels.compiler.kernel import Kernel

# Elements of one task: a few pages of each array.
SPAN = 4096


class Program(NamedTuple):
    """The computation for one element: straight-line code over numbered values.

    Values 0 ... inputs-1 are the arrays' elements, and each instruction `(name, *operands)` gives
    the next value.  A negative operand `~k` is the scalar with index k, the same for all elements.
    `outputs` are pairs of an input's index and the operand that is stored to it.

    Some values are one number for a whole parameter: the instructions `norm`, `sum` and `max` of a
    value's elements, `size`, `measure:k`, the number with index k that is kept for each parameter,
    and what is made of these.  They are computed in double precision.  `global_norm:k` and
    `global_sum:k` are over all parameters of the optimizer; k counts them.  `measured` are pairs of
    the index of a
    kept number and its new value.
    """

    name: str
    inputs: int
    instructions: tuple[tuple[Any, ...], ...]
    outputs: tuple[tuple[int, int], ...]
    measured: tuple[tuple[int, int], ...] = ()

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
        ops = (op for op, *_ in self.instructions)
        return bool(self.measured) or any(kind_of(op) == "measure" for op in ops)

    @property
    def has_global_sums(self) -> bool:
        """True if it needs norms or sums over all parameters of the optimizer."""
        return any(op.startswith("global") for op, *_ in self.instructions)


REDUCTIONS = frozenset({"norm", "sum", "max", "global_norm", "global_sum"})
PARAMETER_KINDS = REDUCTIONS | {"size", "measure"}
CONDITIONS = frozenset(
    {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "and", "or", "not"}
)


def kind_of(op: str) -> str:
    """The name of an instruction without its index."""
    return op.partition(":")[0]


class Compiled(NamedTuple):
    """The kernels of a program: pairs of a kernel and the reductions that it sums for, and then the
    kernel `update`.  A reduction is named by its instruction.  `has_measures` is the program's."""

    reduce: tuple[tuple[Kernel, tuple[str, ...]], ...]
    update: Kernel
    has_measures: bool


# Instructions as generated source.  Operands are names, so that repeating one costs nothing.
EXPRESSIONS = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "power": "{0} ** {1}",
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

_MODULE = '''\
"""Generated from the update rule `{name}`.  Edits are overwritten: change the rule instead."""

from math import exp, log, sqrt, tanh

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.compiler.pointers import pointer_at

real = np.{dtype}
one, zero, least = real(1), real(0), real(-np.inf)
'''

_PASS = """

@kernel{options}
def {name}({sums}addresses, starts, first, last, scalars, norms{measures}):
{scalars}
    for span in prange(first.size):
        low, high = span * {span}, (span + 1) * {span}
        for p in range(first[span], last[span]):
            begin, end = max(low, starts[p]), min(high, starts[p + 1])
            skipped, n = (begin - starts[p]) * {itemsize}, end - begin
{views}
            for i in range(n):
{body}
{ending}"""


class _Writer:
    """Writes the kernels of a program: those that sum for reductions, then the update."""

    def __init__(self, program: Program, dtype: np.dtype[Any]) -> None:
        self.program = program
        self.dtype = dtype
        self.passes = _reductions_by_pass(program)
        self._of_parameters = program.of_parameters()
        # The row of each reduction in `norms`, by the index of its value.
        self._rows = {number: row for row, number in enumerate(chain.from_iterable(self.passes))}

    def text(self) -> str:
        """Return the source of the module."""
        head = _MODULE.format(name=self.program.name, dtype=self.dtype.name)
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
            after=[f"sums[{j}, span + p] = q{j}" for j in range(len(numbers))],
        )  # fmt: skip

    def _update(self) -> str:
        outputs, measured = self.program.outputs, self.program.measured
        stores = [f"a{number}[i] = {_variable(operand)}" for number, operand in outputs]
        wanted = [operand for _, operand in outputs]
        # Another span may still read the old number: the new one has a place of its own.
        kept = [f"new_measures[{row}, p] = {self._double(o)}" for row, o in measured]
        return self._pass(
            "update", wanted, stores,
            stored=[number for number, _ in outputs],
            doubles=[operand for _, operand in measured],
            after=["if begin == starts[p]:", *(f"    {line}" for line in kept)] if kept else [],
        )  # fmt: skip

    def _pass(
        self, name: str, wanted: Iterable[int], actions: list[str], *, options: str = "",
        sums: str = "", stored: Collection[int] = (), doubles: Collection[int] = (),
        before: Iterable[str] = (), after: Iterable[str] = (),
    ) -> str:  # fmt: skip
        """Return a kernel that computes the values `wanted` of an element and does `actions`.

        `doubles` are wanted in double precision.
        """
        read = self._needed([*wanted, *doubles])
        inputs = self.program.inputs
        views = [
            f"a{k} = pointer_at(real, addresses[{k}, p] + skipped)"
            for k in range(inputs)
            if k in read or k in stored
        ]
        body = [f"x{k} = a{k}[i]" for k in range(inputs) if k in read]
        used = set(doubles)  # operands in double precision
        for number, (op, *operands) in enumerate(self.program.instructions, inputs):
            if number not in read:
                continue
            if number in self._of_parameters:
                used.update(operands if kind_of(op) not in REDUCTIONS else ())
                cast = "{}" if op in CONDITIONS else "real({})"
                views.append(f"p{number} = {self._of_parameter(number, op, operands)}")
                views.append(f"x{number} = {cast.format(f'p{number}')}")
            else:
                body.append(f"x{number} = " + EXPRESSIONS[op].format(*map(_variable, operands)))
        scalars = [f"s{k} = real(scalars[{k}])" for k in sorted(~o for o in read if o < 0)]
        scalars += [f"d{k} = scalars[{k}]" for k in sorted(~o for o in used if o < 0)]
        measures = ", measures, new_measures" if self.program.has_measures else ""
        return _PASS.format(
            name=name, options=options, sums=sums, span=SPAN, itemsize=self.dtype.itemsize,
            measures=measures,
            scalars=_indented(scalars, 4),
            views=_indented([*views, *before], 12),
            body=_indented([*body, *actions], 16),
            ending=_indented(after, 12),
        )  # fmt: skip

    def _of_parameter(self, number: int, op: str, operands: list[int]) -> str:
        """The expression of a value that is one number for a whole parameter."""
        kind, _, index = op.partition(":")
        if kind in REDUCTIONS:
            return f"norms[{self._rows[number]}, p]"
        if kind == "measure":
            return f"measures[{index}, p]"
        if kind == "size":
            return "float(starts[p + 1] - starts[p])"
        return EXPRESSIONS[op].format(*map(self._double, operands))

    @staticmethod
    def _double(operand: int) -> str:
        return f"d{~operand}" if operand < 0 else f"p{operand}"

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


def _reductions_by_pass(program: Program) -> list[list[int]]:
    """Return the reductions of each pass.  A pass may use the results of earlier passes."""
    known_after = [0] * program.inputs
    passes: list[list[int]] = []
    for number, (op, *operands) in enumerate(program.instructions, program.inputs):
        known_after.append(max((known_after[o] for o in operands if o >= 0), default=0))
        if kind_of(op) in REDUCTIONS:
            if known_after[-1] == len(passes):
                passes.append([])
            passes[known_after[-1]].append(number)
            known_after[-1] += 1
    return passes


def _first(op: str) -> str:
    """The result of a reduction over no elements."""
    return "least" if op == "max" else "zero"


def _reduced(op: str, sum: str, x: str) -> str:
    """The statement that takes the element `x` into a reduction."""
    if op == "max":
        return f"{sum} = {EXPRESSIONS['maximum'].format(sum, x)}"
    return f"{sum} += {x} * {x}" if kind_of(op).endswith("norm") else f"{sum} += {x}"


def _variable(operand: int) -> str:
    return f"s{~operand}" if operand < 0 else f"x{operand}"


def _indented(lines: Iterable[str], by: int) -> str:
    return "\n".join(" " * by + line for line in lines)


def source(program: Program, dtype: np.dtype[Any]) -> str:
    """Return the source of the module that applies `program` to arrays of `dtype`."""
    return _Writer(program, dtype).text()


@cache
def compiled(program: Program, dtype: np.dtype[Any]) -> Compiled:
    """Return the kernels of `program` for float32 or float64; each compiles on its first call."""
    text = source(program, dtype)
    digest = hashlib.sha256(text.encode() + Path(__file__).read_bytes()).hexdigest()[:16]
    name = re.sub(r"\W", "_", program.name)[:60]
    module = _run(_save(f"{name}_{digest}", text), text)
    reduce = tuple(
        (
            getattr(module, f"reduce_{k}"),
            tuple(program.instructions[number - program.inputs][0] for number in numbers),
        )
        for k, numbers in enumerate(_reductions_by_pass(program))
    )
    return Compiled(reduce, module.update, program.has_measures)


def _run(path: Path, text: str) -> ModuleType:
    """Return the module with this text.

    What the file contains, or a bytecode file beside it, is not executed: another program may have
    damaged it since it was written.
    """
    module = ModuleType(f"minigrad_rule_{path.stem}")
    module.__file__ = str(path)
    # Where `inspect` finds the source of a function; without a time, it is not read from the disk.
    linecache.cache[str(path)] = len(text), None, text.splitlines(keepends=True), str(path)
    sys.modules[module.__name__] = module  # Numba looks it up there when it loads machine code
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def _save(stem: str, text: str) -> Path:
    """Write `text` to a file in the cache, or in a temporary folder where that is impossible."""
    try:
        return _write(private_folder(cache_dir(), "rules"), stem, text)
    except OSError:
        return _write(temporary_folder(), stem, text)


def _write(folder: Path, stem: str, text: str) -> Path:
    path = folder / f"{stem}.py"
    if path.is_file() and path.read_bytes() == text.encode():
        return path
    # An atomic rename: another process never reads half a file.
    handle, partial = tempfile.mkstemp(dir=folder, prefix=stem, suffix=".partial")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(partial, path)
    return path
