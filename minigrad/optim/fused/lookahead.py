"""Looking ahead: one trace of a rule for the coming steps, so that its text runs less often."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.types import Array
from minigrad.kernels.fused_optimizer.program import Program
from minigrad.optim.fused.number_tape import (
    Rest,
    StepFunction,
    floats_of,
    recorded,
    with_floats,
)
from minigrad.optim.fused.scalar import Scalar

# A trace of 64 steps takes as long as two or three traces of one step.
LOOKAHEAD_STEPS = 64
# As long as no setting changes, each look ahead sees four times as far as the one before.
MOST_STEPS = 256
# A trace of fewer steps than this is not worth it.
MIN_STEPS = 4
# Steps ahead may be of so many programs, such as those of a branch that is taken every k steps.
MOST_PROGRAMS = 8


class StepsDisagree(Exception):  # noqa: N818  an answer, not an error
    """A question has one answer for some steps of a series, and another for the others."""

    def __init__(self, answers: Sequence[bool]) -> None:
        super().__init__("the answer is not the same for all steps")
        self.answers = answers


def _common_answer(answers: Iterable[bool]) -> bool:
    given = list(map(bool, answers))
    if (not given[0]) in given:
        raise StepsDisagree(given)
    return given[0]


class StepSeries(Scalar):
    """One number for each of several steps, such as the step count or a bias correction.

    Arithmetic is Python's, step by step.  A comparison has a result if it is the same in all
    steps; otherwise StepsDisagree is raised.
    """

    __slots__ = ("values",)

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = list(values)

    def _compute(self, function: Callable[..., Any], *operands: Any) -> "StepSeries":
        return StepSeries(self._by_step(function, operands))

    def _answer(self, function: Callable[..., Any], *operands: Any) -> bool:
        return _common_answer(self._by_step(function, operands))

    def _by_step(self, function: Callable[..., Any], operands: Iterable[Any]) -> Iterator[Any]:
        steps = len(self.values)
        columns = (x.values if isinstance(x, StepSeries) else [x] * steps for x in operands)
        return map(function, *columns)

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a number cannot be iterated over")

    def is_factor(self, largest: float) -> bool:
        """True if its size, and that of its reciprocal, is at most `largest` in each step."""
        return all(1 / largest <= abs(x) <= largest for x in self.values)


class Settings(NamedTuple):
    """The inputs of a rule that are not arrays; `numbers` are the states that are one number."""

    t: int | Scalar
    hyper: Mapping[str, Any]
    maximize: bool
    numbers: Mapping[str, float]


class Trace(NamedTuple):
    """A rule at given settings, as a program over arrays and the scalars that it reads."""

    program: Program
    kept: tuple[int, ...]  # the states that the program reads or writes: its inputs after g
    created: tuple[int, ...]  # the states that were absent and now are not
    has_global_sums: bool  # whether the program needs sums over all parameters
    scalars: list[float | Scalar]
    numbers: dict[str, Any]  # the new values of the states that are one number


class LookaheadTrace:
    """The traces of a rule, kept over the steps in which no setting changes.

    Then only the step count changes from one step to the next.  So the text is run once on the
    step counts of many steps: its instructions on elements are the same in all of them, and its
    scalars are the columns of a table with a row for each step.  Where the text branches on the
    step count, it is run on the steps of either branch.  Where it cannot run on a series, it is run
    for one step at a time.
    """

    def __init__(self, trace: Callable[[Settings], Trace]) -> None:
        self._trace = trace
        self._settings: tuple[Any, ...] = ()
        self._current: Trace | None = None
        self._first_step = 0
        # The trace and the scalars of each step from `_first_step` on.
        self._known: Sequence[tuple[Trace, Array]] = ()
        self._earlier: dict[tuple[Any, ...], Trace] = {}
        self.is_steady = False  # the last two steps had the same settings, apart from numbers
        self._function: StepFunction | None = None
        self._holds_for: tuple[Rest, bool] = (), False  # the settings that the function is for
        self._reach = LOOKAHEAD_STEPS
        self._retry_from = 0  # looking ahead has failed for the steps before this one

    def at(self, t: int, settings: Settings) -> tuple[Trace, Array]:
        """The trace for step `t` and its scalars.  Raises RuleError as `Rule.trace` does."""
        is_unchanged = settings[1:] == self._settings
        self.is_steady = settings[1:3] == self._settings[:2]
        found = self.step_at(t) if is_unchanged else None
        if found is None:
            if not (is_unchanged and self._look_ahead(t, settings)):
                self._keep(t, [(self._trace(settings), [t])])
                self._reach = LOOKAHEAD_STEPS
            self._settings = settings[1:]
            found = self._known[0]
        self.turn_to(found[0])
        return found

    def step_at(self, t: int) -> tuple[Trace, Array] | None:
        """Trace and scalars of step `t` where no setting has changed; None if it is not known."""
        row = t - self._first_step
        return self._known[row] if 0 <= row < len(self._known) else None

    def turn_to(self, trace: Trace) -> None:
        """Note that a step has this trace."""
        if self._current is None or trace[:2] != self._current[:2]:
            self._function = None
        self._current = trace

    def function_at(self, t: int, settings: Settings) -> StepFunction | None:
        """The scalars of step `t`, and of those like it, as a function of what they follow from.

        That are `t`, the numbers, and the settings that are floats.  None if step `t` is another
        program than the last step, or its scalars cannot be recorded.
        """
        floats, rest = floats_of(settings.hyper)
        given = t, *settings.numbers.values(), *floats
        holds_for = rest, settings.maximize
        if (
            self._function is None
            or self._holds_for != holds_for
            or not _knows(self._function, given)
        ):
            self._function, self._holds_for = None, holds_for
            found = recorded(
                lambda t, numbers, floats: self._trace(
                    Settings(t, with_floats(settings.hyper, floats), settings.maximize, numbers)
                ),
                t,
                settings.numbers,
                floats,
            )
            if found is not None and self._is_right(*found, given, settings):
                self._function = found[1]
        return self._function

    def _is_right(
        self, found: Trace, function: StepFunction, given: tuple[Any, ...], settings: Settings
    ) -> bool:
        """Return whether a function gives what the text gives on plain numbers."""
        try:
            plain, computed = self._trace(settings._replace(t=given[0])), function(*given)
        except (TypeError, ValueError, ArithmeticError):  # the text itself reports it
            return False
        if self._current is None or not plain[:2] == found[:2] == self._current[:2]:
            return False
        return computed is not None and list(map(float, computed[0])) == plain.scalars

    def _look_ahead(self, t: int, settings: Settings) -> bool:
        """Trace the coming steps at once; False if that is not possible now."""
        if settings.numbers or t < self._retry_from:
            return False
        steps = self._reach
        while steps >= MIN_STEPS:
            try:
                found = self._traces(settings, range(t, t + steps))
            except Exception:  # whatever is wrong, the trace of the step itself reports it
                break
            if found:
                self._keep(t, found)
                self._reach = min(4 * steps, MOST_STEPS) if steps == self._reach else steps
                return True
            steps //= 4
        self._retry_from = t + LOOKAHEAD_STEPS
        return False

    def _traces(
        self, settings: Settings, coming: Sequence[int]
    ) -> list[tuple[Trace, Sequence[int]]]:
        """A trace for each program of the coming steps, with its steps; none if too many."""
        most = min(MOST_PROGRAMS, len(coming) // MIN_STEPS)
        found: list[tuple[Trace, Sequence[int]]] = []
        waiting = [coming]
        while waiting:
            steps = waiting.pop()
            try:
                found.append((self._trace(settings._replace(t=StepSeries(steps))), steps))
            except StepsDisagree as disagreement:
                answers = disagreement.answers
                waiting += [[t for t, a in zip(steps, answers, strict=True) if a is answer]
                            for answer in (True, False)]  # fmt: skip
                if len(found) + len(waiting) > most:
                    return []
        return found

    def _keep(self, t: int, found: Sequence[tuple[Trace, Sequence[int]]]) -> None:
        """Keep the traces of steps from `t` on."""
        known: dict[int, tuple[Trace, Array]] = {}
        for trace, steps in found:
            rows = np.empty((len(steps), len(trace.scalars)))
            for column, scalar in enumerate(trace.scalars):
                values: Any = scalar.values if isinstance(scalar, StepSeries) else scalar
                rows[:, column] = values
            kept = self._one_of_each(trace._replace(scalars=[]))
            known |= {step: (kept, row) for step, row in zip(steps, rows, strict=True)}
        self._first_step, self._known = t, [known[step] for step in sorted(known)]

    def _one_of_each(self, trace: Trace) -> Trace:
        """The trace, or an earlier one that is equal to it: what is made for a program is kept."""
        if len(self._earlier) > MOST_PROGRAMS:
            self._earlier.clear()
        earlier = self._earlier.setdefault(trace[:4], trace)
        return earlier._replace(numbers=trace.numbers) if trace.numbers else earlier


def _knows(function: StepFunction, given: Sequence[Any]) -> bool:
    """Return whether a function gives the scalars of a step."""
    try:
        return function(*given) is not None
    except ArithmeticError:
        return False
