"""Text that fits a terminal: long lines are wrapped, wide tables are set in two lines a row."""

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence

NARROWEST = 20  # columns; a terminal that says less does not know its width
INDENT = "    "
COLOURS = {"red": "31", "green": "32", "yellow": "33"}


def columns() -> int | None:
    """The width that printed text may have: COLUMNS, else the terminal's.

    None where the output goes to a file or another program, which want one line for each thing.
    """
    if "COLUMNS" not in os.environ and not sys.stdout.isatty():
        return None
    return max(shutil.get_terminal_size().columns, NARROWEST)


def coloured(text: str, patterns: Mapping[str, str]) -> str:
    """The text with each regular expression's matches in its colour, on a terminal alone.

    Neither where the variable NO_COLOR is set (https://no-color.org) nor where TERM is "dumb".
    """
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    for pattern, colour in patterns.items():
        text = re.sub(pattern, rf"\033[{COLOURS[colour]}m\g<0>\033[0m", text)
    return text


def fitted(text: str, width: int | None) -> str:
    """The text, with longer lines wrapped; what follows of a line is indented further than it."""
    if width is None:
        return text
    lines: list[str] = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())] + INDENT
        wrapped = textwrap.wrap(
            line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        lines += wrapped if len(line) > width else [line]
    return "\n".join(lines)


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int | None = None,
    *,
    rule: bool = True,
) -> str:
    """A table whose first column is text and whose others are right-aligned; a rule below `head`.

    Where it is wider than `width`, a row takes two lines: its first cell, and below it the others.
    """
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    total = sum(widths) + 2 * len(widths) - 2
    rules = ["-" * min(total, width or total)] * rule
    if width is None or total <= width:
        return "\n".join([_line(head, widths), *rules, *(_line(row, widths) for row in rows)])
    lines: list[str] = []
    for row in (head, *rows):
        numbers = _line(["", *row[1:]], [len(INDENT) - 2, *widths[1:]])
        lines += [*fitted(row[0], width).split("\n"), *fitted(numbers, width).split("\n")]
        lines += rules * (row is head)
    return "\n".join(line for line in lines if line.strip())


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = cells
    padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
    return "  ".join([first.ljust(widths[0]), *padded]).rstrip()
