"""From the text of a rule to a program: the text runs once on symbols, which record operations.

Python computes, in float64, whatever depends on hyper-parameters and the step count alone, and
decides every `if` on them.  The instructions that are recorded are those on elements, without
branches; so the loop over elements contains nothing else.
"""

import linecache
import operator
from collections.abc import Callable, Sequence
from functools import cache
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.fused_optimizer.program import Program
from minigrad.optim.fused.lookahead import Trace
from minigrad.optim.fused.scalar import Scalar


class RuleError(TypeError):
    """A rule's text does something that a kernel over elements cannot do."""


class Tape:
    """The instructions recorded so far, and the scalars that they read."""

    __slots__ = ("instructions", "last", "scalars")

    def __init__(self, inputs: int) -> None:
        self.last = inputs - 1  # the number of the last input
        self.instructions: list[tuple[Any, ...]] = []
        self.scalars: list[float | Scalar] = []

    def record(self, kind: "type[Symbol]", name: str, *operands: int) -> "Symbol":
        """Append an instruction; the result is a symbol of its value."""
        instructions = self.instructions
        instructions.append((name, *operands))
        return kind(self, self.last + len(instructions))

    def operand(self, given: Any) -> int:
        """The number of a symbol's value, or `~k` for the scalar with index k.

        A condition in arithmetic counts as 0 or 1.
        """
        kind = type(given)
        if kind is Symbol:
            return given.number  # type: ignore[no-any-return]
        if kind is Condition:
            return self.record(Symbol, "number", given.number).number
        is_known = kind is float or isinstance(given, Scalar)
        self.scalars.append(given if is_known else _python_number(given))
        return -len(self.scalars)


def _python_number(given: Any) -> float:
    try:
        return float(given)
    except (TypeError, ValueError):
        raise RuleError(f"{given!r} is neither a number nor made of the rule's arguments") from None


def _unary(name: str) -> Callable[..., Any]:
    def method(x: "Symbol") -> "Symbol":
        return x.tape.record(Symbol, name, x.tape.operand(x))

    return method


def _arithmetic(name: str, reflected: bool = False) -> Callable[..., Any]:
    """A method of +, -, * or /; `operand` is written out in it, because every trace calls it."""

    def method(self: "Symbol", other: Any) -> "Symbol":
        tape = self.tape
        mine = self.number if type(self) is Symbol else tape.operand(self)
        kind = type(other)
        if kind is float:
            scalars = tape.scalars
            scalars.append(other)
            its = -len(scalars)
        else:
            its = other.number if kind is Symbol else tape.operand(other)
        instructions = tape.instructions
        instructions.append((name, its, mine) if reflected else (name, mine, its))
        return Symbol(tape, tape.last + len(instructions))

    return method


def _comparison(name: str) -> Callable[..., Any]:
    def method(self: "Symbol", other: Any) -> "Symbol":
        tape = self.tape
        return tape.record(Condition, name, tape.operand(self), tape.operand(other))

    return method


def _logical(name: str) -> Callable[..., Any]:
    def method(*conditions: Any) -> "Symbol":
        if not all(type(c) is Condition for c in conditions):
            raise RuleError("&, | and ~ join comparisons of elements, not numbers")
        return conditions[0].tape.record(Condition, name, *(c.number for c in conditions))  # type: ignore[no-any-return]

    return method


# A factor of this size or less neither overflows nor loses digits in single precision, nor does its
# reciprocal.
_LARGEST_FACTOR = 1e30


def _divide(self: "Symbol", other: Any) -> "Symbol":
    """A quotient.  By a number it is a product with the reciprocal, a sixth of a division's time,
    which rounds once more."""
    if isinstance(other, Scalar):
        is_factor = other.is_factor(_LARGEST_FACTOR)
    else:
        is_number = isinstance(other, int | float)
        is_factor = is_number and 1 / _LARGEST_FACTOR <= abs(other) <= _LARGEST_FACTOR
    quotient: Symbol = self * (1.0 / other) if is_factor else _quotient(self, other)
    return quotient


_quotient = _arithmetic("divide")


class Symbol:
    """One element of a parameter, a gradient or a state, whose value is not known yet."""

    __slots__ = ("number", "tape")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tape: Tape, number: int) -> None:
        self.tape = tape
        self.number = number

    __add__, __radd__ = _arithmetic("add"), _arithmetic("add", reflected=True)
    __sub__, __rsub__ = _arithmetic("subtract"), _arithmetic("subtract", reflected=True)
    __mul__, __rmul__ = _arithmetic("multiply"), _arithmetic("multiply", reflected=True)
    __truediv__, __rtruediv__ = _divide, _arithmetic("divide", reflected=True)
    __rpow__ = _arithmetic("power", reflected=True)
    __neg__, __abs__ = _unary("negative"), _unary("absolute")
    __lt__, __le__ = _comparison("less"), _comparison("less_equal")
    __gt__, __ge__ = _comparison("greater"), _comparison("greater_equal")
    __eq__, __ne__ = _comparison("equal"), _comparison("not_equal")
    __and__ = __rand__ = _logical("and")
    __or__ = __ror__ = _logical("or")
    __invert__ = _logical("not")

    def __pow__(self, exponent: Any) -> Any:
        if not isinstance(exponent, Symbol):
            if exponent == 2:
                return self * self
            if exponent == 0.5:
                return np.sqrt(self)
            if exponent == 1 / 3:
                return _unary("cube_root")(self)
        return _power(self, exponent)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        apply = _UFUNCS.get(ufunc)
        if apply is None or method != "__call__" or settings:
            raise RuleError(f"numpy.{ufunc.__name__} is not among the functions of a fused rule")
        return apply(*(x if isinstance(x, Symbol | Scalar) else _python_number(x) for x in inputs))

    def __array_function__(self, function: Any, kinds: Any, inputs: Any, settings: Any) -> Any:
        apply = _FUNCTIONS.get(function)
        if apply is None:
            raise RuleError(f"numpy.{function.__name__} is not among the functions of a fused rule")
        return apply(*inputs, **settings)

    def __bool__(self) -> bool:
        raise RuleError(
            "it branches on the value of an element; write numpy.where(condition, a, b), or "
            "numpy.maximum and numpy.minimum for max and min"
        )

    def __float__(self) -> float:
        raise RuleError(
            "it turns an element into a Python number; take functions from numpy, not from math"
        )

    __int__ = __index__ = __float__

    def __getitem__(self, index: Any) -> Any:
        raise RuleError("it indexes an array; a rule sees one element at a time")

    def __iter__(self) -> Any:
        raise RuleError("it iterates over an array; a rule sees one element at a time")


class Condition(Symbol):
    """A comparison of elements, whose value is not known yet."""

    __slots__ = ()


def _binary(name: str) -> Callable[[Any, Any], Symbol]:
    def apply(a: Any, b: Any) -> Symbol:
        tape: Tape = (a if isinstance(a, Symbol) else b).tape
        return tape.record(Symbol, name, tape.operand(a), tape.operand(b))

    return apply


_power, _maximum, _minimum = _binary("power"), _binary("maximum"), _binary("minimum")


def _where(condition: Any, a: Any, b: Any) -> Any:
    if not isinstance(condition, Symbol):
        return a if condition else b
    tape = condition.tape
    chosen = condition if type(condition) is Condition else condition != 0
    return tape.record(Symbol, "where", chosen.number, tape.operand(a), tape.operand(b))


def _mean(x: Any) -> Any:
    return _unary("sum")(x) / x.tape.record(Symbol, "size")


def global_reduction(x: Symbol, kind: str) -> Symbol:
    """A reduction over all parameters; they are numbered in the order of the text."""
    number = sum(op.startswith("global") for op, *_ in x.tape.instructions)
    return x.tape.record(Symbol, f"{kind}:{number}", x.tape.operand(x))


def _clip(x: Any, low: Any, high: Any) -> Any:
    x = x if low is None else _maximum(x, low)
    return x if high is None else _minimum(x, high)


_UFUNCS: dict[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.power: operator.pow,
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
    np.logical_and: operator.and_,
    np.logical_or: operator.or_,
    np.logical_not: operator.invert,
    np.square: lambda x: x * x,
    np.reciprocal: lambda x: 1 / x,
    np.maximum: _maximum,
    np.minimum: _minimum,
} | {
    ufunc: _unary(ufunc.__name__)
    for ufunc in (np.negative, np.absolute, np.sqrt, np.exp, np.log, np.tanh, np.sign)
}
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: _where,
    np.clip: _clip,
    np.linalg.norm: _unary("norm"),
    np.sum: _unary("sum"),
    np.mean: _mean,
    np.max: _unary("max"),
}


Coded = tuple[tuple[int, str], ...]
"""Positions of states among those of a rule, and the codes in which they are kept in 8 bits."""

Results = tuple[Sequence[Any], dict[str, Any], Sequence[Any]]
"""Of a text: the parameter and its states, its numbers, the numbers that it has measured."""


class Recording(NamedTuple):
    """What a text has done on symbols: all instructions, and where its results are."""

    inputs: int
    instructions: tuple[tuple[Any, ...], ...]
    scalars: list[float | Scalar]
    results: tuple[int | None, ...]  # the parameter and its states
    measured: tuple[int, ...]
    numbers: dict[str, Any]


def record(
    apply: Callable[[Sequence[Any], list[Any]], "Results"],
    present: Sequence[bool],
    measures: int = 0,
    more: int = 0,
) -> Recording:
    """Run `apply(inputs, measures)` on symbols, of which `more` stand after theta, g and states.

    A state that is not present is None.  Raises RuleError if the text does what a kernel cannot do.
    """
    inputs = 2 + len(present) + more
    tape = Tape(inputs)
    symbols: list[Any] = [Symbol(tape, number) for number in range(inputs)]
    symbols[2 : 2 + len(present)] = [
        s if is_present else None for s, is_present in zip(symbols[2:], present, strict=False)
    ]
    kept = [tape.record(Symbol, f"measure:{k}") for k in range(measures)]
    results, numbers, measured = apply(symbols, kept)
    stored = tuple(None if result is None else tape.operand(result) for result in results)
    measured_at = tuple(tape.operand(result) for result in measured)
    instructions = tuple(tape.instructions)
    return Recording(inputs, instructions, tape.scalars, stored, measured_at, numbers)


def trace(
    name: str,
    apply: Callable[[Sequence[Any], list[Any]], "Results"],
    present: Sequence[bool],
    measures: int = 0,
    coded: Coded = (),
) -> Trace:
    """The program of a text, which is run on symbols as `record` does.

    `coded` are the positions of states that are kept in 8 bits, with their codes.
    """
    found = record(apply, present, measures)
    assembled = _assemble(
        name, tuple(present), found.instructions, found.results, found.measured, coded
    )
    return Trace(*assembled, found.scalars, found.numbers)


@cache
def _assemble(
    name: str,
    present: tuple[bool, ...],
    instructions: tuple[tuple[Any, ...], ...],
    results: tuple[Any, ...],
    measured: tuple[int, ...],
    coded: Coded,
) -> tuple[Program, tuple[int, ...], tuple[int, ...], bool]:
    """The first fields of a trace; no result depends on the instructions and states left out."""
    inputs = 2 + len(present)
    created = tuple(
        k for k, is_present in enumerate(present) if not is_present and results[k + 1] is not None
    )
    outputs: list[tuple[int, int]] = [] if results[0] == 0 else [(0, results[0])]
    for k, (is_present, result) in enumerate(zip(present, results[1:], strict=True)):
        if is_present and result is None:
            raise RuleError(f"it returns None for state {k + 1}, which it was given")
        if is_present and result != 2 + k:
            outputs.append((2 + k, result))
    # The symbols of the kept numbers are the first instructions.
    changed = [(k, operand) for k, operand in enumerate(measured) if operand != inputs + k]
    live = {operand for _, operand in (*outputs, *changed)}
    for number in reversed(range(len(instructions))):
        if inputs + number in live:
            live.update(instructions[number][1:])
    stored = {number for number, _ in outputs}
    kept = tuple(k for k in range(len(present)) if present[k] and 2 + k in live | stored)

    order = [0, 1, *(2 + k for k in kept)]
    order += [inputs + k for k in range(len(instructions)) if inputs + k in live]
    new = {old: number for number, old in enumerate(order)}
    renumbered = tuple(
        (op, *(new.get(operand, operand) for operand in operands))
        for number, (op, *operands) in enumerate(instructions, inputs)
        if number in live
    )
    stores = tuple((new[number], new.get(o, o)) for number, o in outputs)
    measures = tuple((k, new.get(o, o)) for k, o in changed)
    codes = tuple((new[2 + k], code) for k, code in coded if k in kept)
    program = Program(name, 2 + len(kept), renumbered, stores, measures, codes)
    of_parameters = program.of_parameters()
    for k, operand in measures:
        if operand >= 0 and operand not in of_parameters:
            raise RuleError(
                f"number {k + 1} of each parameter is made of elements: make it of norms, sums "
                "and means"
            )
    return program, kept, created, program.has_global_sums


def with_line(error: Exception, text: Callable[..., Any], parts: Sequence[Any]) -> RuleError:
    """The error with the line of the rule's text, or of one of its parts, that has raised it."""
    codes = {part.__code__ for part in (text, *parts)}
    code, line = text.__code__, text.__code__.co_firstlineno
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            code, line = traceback.tb_frame.f_code, traceback.tb_lineno
        traceback = traceback.tb_next
    source = linecache.getline(code.co_filename, line).strip()
    quoted = f", `{source}`" if source else ""
    return RuleError(
        f"the rule {text.__name__} cannot be compiled: {code.co_filename}, line {line}{quoted}: "
        f"{error}"
    )
