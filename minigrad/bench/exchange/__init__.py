"""Results of runs in the formats of others: CSV, Markdown, a page of HTML, and two kinds of JSON.

A writer of each format is a function of runs (one for each number of threads) and of earlier runs.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from minigrad.bench.exchange.asv import asv
from minigrad.bench.exchange.html_page import html
from minigrad.bench.exchange.pytest_benchmark import pytest_benchmark
from minigrad.bench.exchange.tables import csv, markdown
from minigrad.bench.record import Run
from minigrad.core.files import write_atomically

FORMATS: dict[str, Callable[[Sequence[Run], Sequence[Run]], str]] = {
    "asv": lambda runs, earlier: asv(runs),
    "csv": lambda runs, earlier: csv(runs),
    "html": html,
    "markdown": lambda runs, earlier: markdown(runs),
    "pytest-benchmark": lambda runs, earlier: pytest_benchmark(runs),
}


def export(wanted: str, path: str | Path, runs: Sequence[Run], earlier: Sequence[Run] = ()) -> None:
    """Write runs in one of `FORMATS`; `earlier` ones are drawn in the page's history.

    Raises ValueError for a format of another name, OSError if the file cannot be written.
    """
    if wanted not in FORMATS:
        raise ValueError(f"there is no format {wanted!r}; there are {', '.join(FORMATS)}")
    text = FORMATS[wanted](runs, earlier)
    write_atomically(path, lambda p: p.write_text(text, encoding="utf-8"))


__all__ = ["FORMATS", "asv", "csv", "export", "html", "markdown", "pytest_benchmark"]
