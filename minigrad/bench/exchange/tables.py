"""Runs as CSV, a row for each case, library and number of threads; and as Markdown."""

import csv as csv_files
import io
from collections.abc import Iterator, Sequence
from typing import Any

from minigrad.bench.record import Run
from minigrad.bench.report import cells, heading, over_the_roof, summary, words_in_shares

COLUMNS = (
    "case", "threads", "dtype", "library", "version", "best", "median", "iqr", "first_call",
    "error", "flops", "bytes", "share_of_roof", "over_the_roof", "failure",
)  # fmt: skip


def records(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """What was measured, by the names of COLUMNS; seconds, and None where there is nothing."""
    for run in runs:
        for entry in run.entries:
            for library in (*entry.timings, *entry.failures):
                timing = entry.timings.get(library)
                found: dict[str, Any] = dict.fromkeys(COLUMNS)
                found |= {
                    "case": entry.label,
                    "threads": run.threads,
                    "dtype": run.dtype,
                    "library": run.main if library == "minigrad" else library,
                    "version": run.libraries.get(library),
                    "flops": entry.flops or None,
                    "bytes": entry.bytes or None,
                    "failure": entry.failures.get(library),
                }
                if timing is not None:
                    found |= {
                        "best": timing.best,
                        "median": timing.median,
                        "iqr": timing.measurement.iqr,
                        "first_call": timing.first,
                        "error": timing.error,
                        "share_of_roof": entry.share_of_roof(library, run.peaks),
                        "over_the_roof": over_the_roof(entry, library, run.peaks) or None,
                    }
                yield found


def csv(runs: Sequence[Run]) -> str:
    """A table with a head; numbers in full, times in seconds."""
    text = io.StringIO()
    writer = csv_files.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(runs))
    return text.getvalue()


def markdown(runs: Sequence[Run]) -> str:
    """For each number of threads the table, and what it comes to."""
    parts = []
    for run in runs:
        head, *rows = cells(run)
        parts += [heading(run).replace("\n", "  \n"), markdown_table(head, rows), summary(run)]
        parts += [words.replace("\n", " ") for words in words_in_shares([run])]
        parts += [
            f"- failed: `{entry.label}`, {library}: {reason}"
            for entry in run.entries
            for library, reason in entry.failures.items()
        ]
    return "\n\n".join(filter(None, parts)) + "\n"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown, numbers to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(
        "| " + " | ".join(c.replace("|", r"\|") for c in line) + " |" for line in lines
    )
