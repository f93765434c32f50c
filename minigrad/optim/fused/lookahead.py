"""Looking ahead: what the coming steps do, computed at once, so that the rule runs less often."""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np


class Disagreement(Exception):  # noqa: N818  an answer, not an error
    """The first `steps` of a series answer a question alike, the next one does not."""

    def __init__(self, steps: int) -> None:
        super().__init__(f"alike in {steps} steps only")
        self.steps = steps


def _agreed(answers: Iterable[bool]) -> bool:
    given = list(answers)
    other = not given[0]
    if other in given:
        raise Disagreement(given.index(other))
    return given[0]


def _arithmetic(function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """The method of an operator, and its reflected one."""

    def method(self: "StepSeries", other: Any) -> Any:
        if isinstance(other, StepSeries):
            return StepSeries(map(function, self.values, other.values))
        if isinstance(other, int | float):
            return StepSeries([function(x, other) for x in self.values])
        return NotImplemented

    def reflected(self: "StepSeries", other: Any) -> Any:
        if isinstance(other, int | float):
            return StepSeries([function(other, x) for x in self.values])
        return NotImplemented

    return method, reflected


def _comparison(function: Callable[[Any, Any], bool]) -> Callable[..., bool]:
    def method(self: "StepSeries", other: Any) -> bool:
        others = other.values if isinstance(other, StepSeries) else [other] * len(self.values)
        return _agreed(map(function, self.values, others))

    return method


class StepSeries:
    """Numbers of several steps; arithmetic is Python's, on one after another.

    A question is answered if the answer is the same for all of them, else `Disagreement` is raised.
    """

    __slots__ = ("values",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = list(values)

    __add__, __radd__ = _arithmetic(operator.add)
    __sub__, __rsub__ = _arithmetic(operator.sub)
    __mul__, __rmul__ = _arithmetic(operator.mul)
    __truediv__, __rtruediv__ = _arithmetic(operator.truediv)
    __floordiv__, __rfloordiv__ = _arithmetic(operator.floordiv)
    __mod__, __rmod__ = _arithmetic(operator.mod)
    __pow__, __rpow__ = _arithmetic(operator.pow)
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)

    def __neg__(self) -> "StepSeries":
        return StepSeries([-x for x in self.values])

    def __bool__(self) -> bool:
        return _agreed(map(bool, self.values))

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a number cannot be iterated over")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        numbers = all(isinstance(x, StepSeries | int | float) for x in inputs)
        if method != "__call__" or settings or not numbers:
            return NotImplemented
        columns = [
            x.values if isinstance(x, StepSeries) else [x] * len(self.values) for x in inputs
        ]
        return StepSeries(map(ufunc, *columns))


class Settings(NamedTuple):
    """What a step knows apart from the arrays: `numbers` are the states that are one number."""

    t: int | StepSeries
    hyper: Mapping[str, Any]
    maximize: bool
    numbers: Mapping[str, float]


class TracedStep(Protocol):
    """A rule traced at given settings; `trace.Traced` is one."""

    @property
    def scalars(self) -> Sequence[float | StepSeries]: ...


T = TypeVar("T", bound=TracedStep)


class TraceableRule(Protocol):
    """What can be traced at given settings; `rule.Rule` is one."""

    def traced(self, settings: Settings, present: Sequence[bool]) -> Any: ...


# How many steps to look ahead: a trace of so many takes as long as two or three of one.
STEPS = 64
# So few are not worth it.
LEAST = 4


class LookaheadTrace(Generic[T]):
    """A rule traced at the settings of one step, and, while they stay, at the next steps.

    From one step to the next only the step count changes, as long as nobody schedules a setting.
    So where settings have stayed, the text is run on the counts of many steps together: what it
    does to elements is the same in all of them, and its scalars are the columns of a table.
    Where the text branches on the count, that holds for the steps up to where it turns; where it
    does with a count what a series cannot, it is run for one step at a time.
    """

    def __init__(self, rule: TraceableRule, present: Sequence[bool]) -> None:
        self._rule = rule
        self._present = present
        self._settings: tuple[Any, ...] = ()
        self._first = 0
        self._blind_until = 0  # the step from which on it is worth another try
        self._traced: T
        self._rows: np.ndarray[Any, Any]  # the scalars of the steps from `_first` on

    def traced(self, t: int, settings: Settings) -> tuple[T, np.ndarray[Any, Any]]:
        """The program of step `t` and its scalars.  Raises RuleError as `Rule.traced` does."""
        stays = settings[1:] == self._settings
        row = t - self._first
        if not (stays and 0 <= row < len(self._rows)):
            if not (stays and self._look_ahead(t, settings)):
                self._take(t, self._rule.traced(settings, self._present), 1)
            self._settings = settings[1:]
            row = 0
        return self._traced, self._rows[row]

    def _look_ahead(self, t: int, settings: Settings) -> bool:
        if settings.numbers or t < self._blind_until:
            return False
        steps = STEPS
        while steps >= LEAST:
            coming = settings._replace(t=StepSeries(range(t, t + steps)))
            try:
                self._take(t, self._rule.traced(coming, self._present), steps)
            except Disagreement as turn:
                steps = turn.steps
            except Exception:  # whatever is wrong, the step itself will show it
                break
            else:
                return True
        self._blind_until = t + steps
        return False

    def _take(self, t: int, traced: T, steps: int) -> None:
        self._first, self._traced = t, traced
        self._rows = np.empty((steps, len(traced.scalars)))
        for column, scalar in enumerate(traced.scalars):
            self._rows[:, column] = scalar.values if isinstance(scalar, StepSeries) else scalar
