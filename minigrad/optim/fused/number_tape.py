"""The scalars of a step as a function of the step count and of the numbers that a rule keeps.

Where a number of the next step follows from that of the last one, steps cannot be computed side by
side as `StepSeries` does.  Instead the text runs once on numbers that record what is done with
them; the record is Python code without branches, which computes in a microsecond what a new trace
takes a hundred for.  Each comparison is recorded with its answer: where another step answers
otherwise, the text has to run again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigrad.optim.fused.scalar import Scalar

StepFunction = Callable[..., tuple[list[float], list[float]] | None]
"""Of the step count and the kept numbers: the scalars of a step and the numbers after it, or None
where the text has to run again."""


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
    trace: Callable[[Any, dict[str, Any]], Any], t: int, numbers: Mapping[str, float]
) -> tuple[Any, StepFunction] | None:
    """`trace(t, numbers)` run on recorded numbers: its result, and the function of its scalars.

    None if the text does with a number what cannot be recorded.
    """
    tape = NumberTape()
    inputs = [tape.input(t), *map(tape.input, numbers.values())]
    try:
        found = trace(inputs[0], dict(zip(numbers, inputs[1:], strict=True)))
        after = [found.numbers[symbol] for symbol in numbers]
        return found, tape.function(inputs, found.scalars, after)
    except (TypeError, ValueError, ArithmeticError):
        return None
