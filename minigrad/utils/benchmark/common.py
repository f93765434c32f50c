"""Measurements: the task that was timed, its times and their statistics."""

import math
import textwrap
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

_T = TypeVar("_T", bound=Hashable)

UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
ENGLISH = {"ns": "nanosecond", "us": "microsecond", "ms": "millisecond", "s": "second"}

# A spread of times beyond these shares of their median is worth a warning.
SUSPECT, GROSS = 0.1, 0.25

# The resolution of clocks, in seconds.
RESOLUTION = 25e-9
MOST_FIGURES = 4
Z_90_PERCENT = 1.645


def select_unit(t: float) -> tuple[str, float]:
    """The unit that suits a time of `t` seconds, and the unit's length in seconds.

    >>> from minigrad.utils.benchmark import select_unit
    >>> select_unit(0.002)
    ('ms', 0.001)
    """
    power = int(math.log10(t) // 3) if t > 0 else 0
    unit = {-3: "ns", -2: "us", -1: "ms"}.get(power, "s")
    return unit, UNITS[unit]


def unit_to_english(u: str) -> str:
    """The name of a unit: "ms" is "millisecond"."""
    return ENGLISH[u]


def trim_sigfig(x: float, n: int) -> float:
    """`x` with all but its first `n` figures zero: 3.14159 and 2 give 3.1."""
    scale = 10.0 ** (math.ceil(math.log10(abs(x))) - n)
    return round(x / scale) * scale


def ordered_unique(elements: Iterable[_T]) -> list[_T]:
    """The elements in the order of their first appearance."""
    return list(dict.fromkeys(elements))


@dataclass(frozen=True)
class TaskSpec:
    """The task of a Timer, without the globals; equal specs are replicates of one task."""

    stmt: str
    setup: str
    global_setup: str = ""
    label: str | None = None
    sub_label: str | None = None
    description: str | None = None
    env: str | None = None
    num_threads: int = 1

    @property
    def title(self) -> str:
        """The label, or the statement if there is none."""
        more = self.sub_label
        if self.label is None and "\n" in self.stmt:
            return f"stmt:{f' ({more})' if more else ''}\n{textwrap.indent(self.stmt, '  ')}"
        return (self.stmt if self.label is None else self.label) + (f": {more}" if more else "")

    def setup_str(self) -> str:
        """The setup for the summary; an empty string if there is none."""
        if self.setup in {"", "pass"}:
            return ""
        if "\n" in self.setup:
            return f"setup:\n{textwrap.indent(self.setup, '  ')}"
        return f"setup: {self.setup}"

    def summarize(self) -> str:
        """Title, description and setup, one below the other."""
        parts = [part for part in (self.title, self.description, self.setup_str()) if part]
        return "\n".join(f"{part}\n" if "\n" in part else part for part in parts)


@dataclass(repr=False)
class Measurement:
    """Times of one task: `raw_times` in seconds, each of `number_per_run` runs of it.

    The fields of `task_spec` can be read as attributes.
    """

    number_per_run: int
    raw_times: list[float]
    task_spec: TaskSpec
    metadata: dict[Any, Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name in TaskSpec.__dataclass_fields__:
            return getattr(self.task_spec, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def times(self) -> list[float]:
        """Seconds for one run of the task, for each measurement."""
        return [time / self.number_per_run for time in self.raw_times]

    @cached_property
    def _quartiles(self) -> tuple[float, float, float]:
        low, middle, high = np.quantile(self.times, (0.25, 0.5, 0.75))
        return float(low), float(middle), float(high)

    @property
    def median(self) -> float:
        """The middle time, in seconds."""
        return self._quartiles[1]

    @property
    def mean(self) -> float:
        """The mean time, in seconds."""
        return float(np.mean(self.times))

    @property
    def iqr(self) -> float:
        """The interquartile range: half of the times lie in it."""
        return self._quartiles[2] - self._quartiles[0]

    @property
    def significant_figures(self) -> int:
        """The number of figures of the median within its 90 % confidence interval.

        Only times between the quartiles count: the tails come from other work of the machine.
        """
        ordered = sorted(self.times)
        middle = ordered[len(ordered) // 4 : math.ceil(3 * len(ordered) / 4)]
        interval = max(Z_90_PERCENT * float(np.std(middle)) / math.sqrt(len(middle)), RESOLUTION)
        figures = math.floor(math.log10(self.median / interval))
        return min(max(figures, 1), MOST_FIGURES)

    def meets_confidence(self, threshold: float = SUSPECT) -> bool:
        """True if the interquartile range is below `threshold` of the median."""
        return self.iqr / self.median < threshold

    @property
    def has_warnings(self) -> bool:
        """True if the spread of the times suggests that other work has disturbed them."""
        return not self.meets_confidence(SUSPECT)

    def _warning(self) -> str:
        gross = not self.meets_confidence(GROSS)
        reason = (
            "This suggests significant environmental influence."
            if gross
            else "This could indicate system fluctuation."
        )
        return (
            f"  WARNING: Interquartile range is {100 * self.iqr / self.median:.1f}% of the median "
            f"measurement.\n           {reason}"
        )

    @property
    def title(self) -> str:
        """The title of the task."""
        return self.task_spec.title

    @property
    def as_row_name(self) -> str:
        """The name of the row in Compare's table."""
        return self.sub_label or self.stmt or "[Unknown]"

    def __repr__(self) -> str:
        unit, scale = select_unit(self.median)
        low, middle, high = (quartile / scale for quartile in self._quartiles)
        count, threads = len(self.raw_times), self.num_threads
        several = count > 1
        lines = [object.__repr__(self), self.task_spec.summarize()]
        lines.append(f"  {'Median: ' if several else ''}{middle:.2f} {unit}")
        if count >= 4:
            lines.append(f"  IQR:    {high - low:.2f} {unit} ({low:.2f} to {high:.2f})")
        lines.append(
            f"  {count} measurement{'s' if several else ''}, {self.number_per_run} runs "
            f"{'per measurement,' if several else ','} {threads} thread{'s' if threads > 1 else ''}"
        )
        if self.has_warnings:
            lines.append(self._warning())
        return "\n".join(lines)

    @staticmethod
    def merge(measurements: Iterable["Measurement"]) -> list["Measurement"]:
        """Replicates of a task joined to one measurement, with times of single runs."""
        by_task: dict[TaskSpec, list[float]] = {}
        for measurement in measurements:
            by_task.setdefault(measurement.task_spec, []).extend(measurement.times)
        return [Measurement(1, times, task) for task, times in by_task.items()]
