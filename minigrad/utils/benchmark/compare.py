"""A table of measurements: a row for each task, a column for each description."""

import enum
import math
from collections.abc import Iterable

from minigrad.utils.benchmark.common import (
    Measurement,
    ordered_unique,
    select_unit,
    trim_sigfig,
    unit_to_english,
)

# Terminal colours for a time that is at most so many times the best one.
_COLOURS = (
    (1.01, "\033[92m\033[1m"),
    (1.1, "\033[34m\033[1m"),
    (2.0, ""),
    (5.0, "\033[2m\033[91m"),
)
_WORST, _PLAIN = "\033[31m\033[1m", "\033[0m\033[0m"
# Times so close to the best one, in seconds, are as good.
_SAME = 100e-9

_Row = tuple[int, str | None, str]  # threads, environment, name


class Colorize(enum.Enum):
    """The times among which the best one is marked."""

    NONE = "none"
    COLUMNWISE = "columnwise"
    ROWWISE = "rowwise"


class Compare:
    """Tables of many measurements, one for each label; replicates of a task are merged.

    Raises ValueError if a result is not a Measurement.

    >>> from minigrad.utils.benchmark import Compare, Timer
    >>> timers = [Timer("sum(x)", globals={"x": range(n)}, label="sum", description=f"n={n}")
    ...           for n in (10, 1000)]
    >>> table = str(Compare([timer.timeit(100) for timer in timers]))
    >>> "n=10" in table and "sum(x)" in table
    True
    """

    def __init__(self, results: list[Measurement]) -> None:
        self._results: list[Measurement] = []
        self._trim = False
        self._colorize = Colorize.NONE
        self._warnings = False
        self.extend_results(results)

    def extend_results(self, results: Iterable[Measurement]) -> None:
        """Add measurements to those already there."""
        results = list(results)
        for result in results:
            if not isinstance(result, Measurement):
                raise ValueError(f"Compare expects Measurements, got {type(result).__name__}")
        self._results.extend(results)

    def trim_significant_figures(self) -> None:
        """Show only the significant figures."""
        self._trim = True

    def colorize(self, rowwise: bool = False) -> None:
        """Mark the best times of each column, or of each row."""
        self._colorize = Colorize.ROWWISE if rowwise else Colorize.COLUMNWISE

    def highlight_warnings(self) -> None:
        """Show the spread of times that have a warning."""
        self._warnings = True

    def print(self) -> None:
        """Print the tables."""
        print(self)

    def __str__(self) -> str:
        results = Measurement.merge(self._results)
        labels = ordered_unique(result.task_spec.label for result in results)
        return "\n".join(
            self._table(label, [r for r in results if r.task_spec.label == label])
            for label in labels
        )

    def _table(self, label: str | None, results: list[Measurement]) -> str:
        unit, scale = select_unit(min(result.median for result in results))
        cells = {(_row(r), r.task_spec.description): r for r in results}
        rows = sorted(
            ordered_unique(_row(r) for r in results), key=lambda row: (row[0], row[1] or "")
        )
        columns = ordered_unique(r.task_spec.description for r in results)
        envs = {row[1] for row in rows}

        texts = {key: self._cell(measured, scale) for key, measured in cells.items()}
        names = [f"  {f'({row[1]})  ' if len(envs) > 1 else ''}{row[2]}" for row in rows]
        name_width = max(map(len, names))
        widths = [
            max([len(column or ""), *(len(texts.get((row, column), "")) for row in rows)])
            for column in columns
        ]
        heads = [(c or "").center(w) for c, w in zip(columns, widths, strict=True)]
        head = "  |  ".join([" " * name_width, *heads])
        title = f" {label or ''} ".center(len(head) - 2, "-")
        lines = [f"[{title}]", head]
        threads = None
        for row, name in zip(rows, names, strict=True):
            if row[0] != threads:
                threads = row[0]
                lines.append(f"{threads} threads: ".ljust(len(head), "-"))
            line = [name.ljust(name_width)]
            for column, width in zip(columns, widths, strict=True):
                text = texts.get((row, column), "").center(width)
                line.append(self._coloured(text, cells, row, column))
            lines.append("  |  ".join(line))
        lines += ["", f"Times are in {unit_to_english(unit)}s ({unit})."]
        if self._warnings and any(result.has_warnings for result in results):
            lines.append(
                "(! XX%) Measurement has high variance, where XX is the IQR / median * 100."
            )
        return "\n".join(lines) + "\n"

    def _cell(self, measured: Measurement, scale: float) -> str:
        value, decimals = measured.median / scale, 1
        if self._trim:
            figures = measured.significant_figures
            decimals = max(figures - math.ceil(math.log10(value)), 0)
            value = trim_sigfig(value, figures)
        spread = f" (! {100 * measured.iqr / measured.median:.0f}%)"
        return f"{value:.{decimals}f}{spread if self._warnings and measured.has_warnings else ''}"

    def _coloured(
        self,
        text: str,
        cells: dict[tuple[_Row, str | None], Measurement],
        row: _Row,
        column: str | None,
    ) -> str:
        if self._colorize is Colorize.NONE or (row, column) not in cells:
            return text
        rivals = [
            measured.median
            for (r, c), measured in cells.items()
            if (r == row if self._colorize is Colorize.ROWWISE else c == column and r[0] == row[0])
        ]
        best, value = min(rivals), cells[row, column].median
        if value <= best + _SAME:
            value = best
        colour = next((code for most, code in _COLOURS if value <= best * most), _WORST)
        return f"{colour}{text}{_PLAIN}" if colour else text


def _row(result: Measurement) -> _Row:
    return result.task_spec.num_threads, result.task_spec.env, result.as_row_name
