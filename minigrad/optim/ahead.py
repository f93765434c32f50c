"""What the coming steps do, found at once, so that not every step runs the text of its rule."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.optim.rule import Rule, Settings
from minigrad.optim.series import Disagreement, Series
from minigrad.optim.trace import Traced

# How many steps to look ahead: a trace of so many takes as long as two or three of one.
STEPS = 64
# So few are not worth it.
LEAST = 4


class Outlook:
    """A rule traced at the settings of one step, and, while they stay, at the next steps.

    From one step to the next only the step count changes, as long as nobody schedules a setting.
    So where settings have stayed, the text is run on the counts of many steps together: what it
    does to elements is the same in all of them, and its scalars are the columns of a table.
    Where the text branches on the count, that holds for the steps up to where it turns; where it
    does with a count what a series cannot, it is run for one step at a time.
    """

    def __init__(self, rule: Rule, present: Sequence[bool]) -> None:
        self._rule = rule
        self._present = present
        self._settings: tuple[Any, ...] = ()
        self._first = 0
        self._blind_until = 0  # the step from which on it is worth another try
        self._traced: Traced
        self._rows: np.ndarray[Any, Any]  # the scalars of the steps from `_first` on

    def traced(self, t: int, settings: Settings) -> tuple[Traced, np.ndarray[Any, Any]]:
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
            coming = settings._replace(t=Series(range(t, t + steps)))
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

    def _take(self, t: int, traced: Traced, steps: int) -> None:
        self._first, self._traced = t, traced
        self._rows = np.empty((steps, len(traced.scalars)))
        for column, scalar in enumerate(traced.scalars):
            self._rows[:, column] = scalar.values if isinstance(scalar, Series) else scalar
