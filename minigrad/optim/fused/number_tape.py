"""The scalars of a step as a function of the step count, of kept numbers, and of settings.

Where a number of the next step follows from that of the last one, or a schedule sets the learning
rate, steps cannot be computed side by side as `StepSeries` does.  Instead the text runs once on
numbers that record what is done with them; the record is Python code without branches, which
computes in a microsecond what a new trace takes a hundred for.  Each comparison is recorded with
its answer: where another step answers otherwise, the text has to run again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigrad.optim.fused.scalar import Scalar

StepFunction = Callable[..., tuple[list[float], list[float]] | None]
"""Of the step count, the kept numbers and the settings that are floats: the scalars of a step and
the numbers after it, or None where the text has to run again."""


class NumberTape:
    """The code recorded so far, and the constants in it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self._made = 0

    def named(self, value: Any) -> str:
        """The name that a value has in the code."""
        if isinstance(value, RecordedNumber):
            return value.name
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name

    def input(self, value: float) -> "RecordedNumber":
        """A number that the function takes."""
        self._made += 1
        return RecordedNumber(self, f"v{self._made}", value)

    def record(self, function: Callable[..., Any], *operands: Any) -> "RecordedNumber":
        """Compute now, and in each later step."""
        value = function(*(o.value if isinstance(o, RecordedNumber) else o for o in operands))
        result = self.input(value)
        call = f"{self.named(function)}({', '.join(map(self.named, operands))})"
        self.lines.append(f"    {result.name} = {call}")
        return result

    def decide(self, function: Callable[..., Any], *operands: Any) -> bool:
        """The answer now; a later step with another one ends the function."""
        answer = bool(self.record(function, *operands).value)
        name = f"v{self._made}"
        self.lines.append(f"    if {'not ' * answer}{name}:\n        return None")
        return answer

    def function(
        self, inputs: Sequence["RecordedNumber"], scalars: Sequence[Any], numbers: Sequence[Any]
    ) -> StepFunction:
        """The code as a function."""
        results = (f"[{', '.join(map(self.named, values))}]" for values in (scalars, numbers))
        head = f"def step({', '.join(x.name for x in inputs)}):"
        text = "\n".join([head, *self.lines, f"    return {', '.join(results)}\n"])
        names = dict(self.constants)
        exec(compile(text, "<scalars of a rule>", "exec"), names)
        step: StepFunction = names["step"]
        return step


class RecordedNumber(Scalar):
    """A number of this step that records what is done with it."""

    __slots__ = ("name", "tape", "value")

    def __init__(self, tape: NumberTape, name: str, value: Any) -> None:
        self.tape, self.name, self.value = tape, name, value

    def _compute(self, function: Callable[..., Any], *operands: Any) -> "RecordedNumber":
        return self.tape.record(function, *operands)

    def _answer(self, function: Callable[..., Any], *operands: Any) -> bool:
        return self.tape.decide(function, *operands)

    def is_factor(self, largest: float) -> bool:
        """True if its size, and that of its reciprocal, is at most `largest`."""
        return self.tape.decide(_is_between, 1 / largest, self, largest)


def _is_between(low: float, x: float, high: float) -> bool:
    return low <= abs(x) <= high


def recorded(
    trace: Callable[[Any, dict[str, Any], list[Any]], Any],
    t: int,
    numbers: Mapping[str, float],
    floats: Sequence[float] = (),
) -> tuple[Any, StepFunction] | None:
    """`trace(t, numbers, floats)` run on recorded numbers: its result, the function of its scalars.

    None if the text does with a number what cannot be recorded.
    """
    tape = NumberTape()
    inputs = [tape.input(each) for each in (t, *numbers.values(), *floats)]
    kept, settings = inputs[1 : 1 + len(numbers)], inputs[1 + len(numbers) :]
    try:
        found = trace(inputs[0], dict(zip(numbers, kept, strict=True)), settings)
        after = [found.numbers[symbol] for symbol in numbers]
        return found, tape.function(inputs, found.scalars, after)
    except (TypeError, ValueError, ArithmeticError):
        return None


Rest = tuple[Any, ...]
"""Settings with nothing in the place of floats."""


def floats_of(hyper: Mapping[str, Any]) -> tuple[list[float], Rest]:
    """The floats among settings, also those in tuples, and the rest of the settings."""
    floats: list[float] = []
    rest: list[Any] = []
    for name, value in hyper.items():
        kind = type(value)
        if kind is float:
            floats.append(value)
            rest.append(name)
        elif kind is tuple:
            floats += [each for each in value if type(each) is float]
            rest += [name, *[None if type(x) is float else (type(x), x) for x in value]]
        else:
            rest.append((name, kind, value))
    return floats, tuple(rest)


def with_floats(hyper: Mapping[str, Any], floats: Sequence[Any]) -> dict[str, Any]:
    """The settings with others in place of their floats, in the order of `floats_of`."""
    others = iter(floats)
    return {
        name: tuple([next(others) if type(each) is float else each for each in value])
        if type(value) is tuple
        else next(others)
        if type(value) is float
        else value
        for name, value in hyper.items()
    }
