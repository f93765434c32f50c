"""Verdicts as a table for the terminal, and as Markdown for a pull request."""

from collections.abc import Iterator, Sequence

from minigrad.bench.ab.interval import FASTER, SLOWER, UNRESOLVED
from minigrad.bench.ab.measure import Comparison
from minigrad.bench.report import seconds
from minigrad.utils import terminal

HEAD = ["case", "old", "new", "new / old", "99 % interval", "launches", "verdict"]


def _rows(found: Sequence[Comparison]) -> Iterator[list[str]]:
    """The changed cases first, the largest change at the top."""
    order = {SLOWER: 0, FASTER: 1, UNRESOLVED: 2}

    def importance(c: Comparison) -> tuple[int, float]:
        return order[c.verdict.verdict], -abs(c.verdict.ratio - 1)

    for c in sorted((c for c in found if c.failure is None), key=importance):
        v = c.verdict
        interval = f"{v.low:.3f} to {v.high:.3f}"
        ratio = f"{v.ratio:.3f}"
        yield [c.label, seconds(c.old), seconds(c.new), ratio, interval, str(c.launches), v.verdict]


def summary(found: Sequence[Comparison], margin: float) -> str:
    """One line: how many cases are slower, faster, unresolved or failed."""
    count = {word: sum(c.verdict.verdict == word and c.failure is None for c in found)
             for word in (SLOWER, FASTER, UNRESOLVED)}  # fmt: skip
    failed = sum(c.failure is not None for c in found)
    words = ", ".join(f"{number} {word}" for word, number in count.items())
    return (
        f"{len(found)} cases: {words} (no difference beyond {margin:.0%} shown)"
        + f", {failed} failed" * bool(failed)
    )


def table(found: Sequence[Comparison], margin: float, width: int | None = None) -> str:
    """The verdicts, what failed, and a summary."""
    lines = [terminal.table(HEAD, list(_rows(found)), width)]
    lines += [f"failed: {c.label}: {c.failure}" for c in found if c.failure is not None]
    return "\n".join([*lines, "", summary(found, margin)])


def markdown(found: Sequence[Comparison], margin: float) -> str:
    """The same as a comment on a pull request has it; unresolved cases are folded away."""
    rows = list(_rows(found))
    changed = [row for row in rows if row[-1] != UNRESOLVED]
    parts = [f"**{summary(found, margin)}**"]
    if changed:
        parts.append(_markdown_table(changed))
    rest = [row for row in rows if row[-1] == UNRESOLVED]
    if rest:
        title = f"<details><summary>{len(rest)} unresolved</summary>"
        parts += [title, _markdown_table(rest), "</details>"]
    parts += [f"- failed: `{c.label}`: {c.failure}" for c in found if c.failure is not None]
    return "\n\n".join(parts) + "\n"


def _markdown_table(rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
