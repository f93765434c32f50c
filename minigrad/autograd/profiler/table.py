"""Tables of events, in torch's columns."""

from collections.abc import Sequence
from typing import Any

_UNITS = ((1e6, "s"), (1e3, "ms"))
_SORTS = (
    "cpu_time", "cpu_time_total", "self_cpu_time_total", "cpu_memory_usage",
    "self_cpu_memory_usage", "count", "flops",
)  # fmt: skip


def format_time(microseconds: float) -> str:
    """A time with its unit: "3.500us", "1.234ms"."""
    for size, unit in _UNITS:
        if abs(microseconds) >= size:
            return f"{microseconds / size:.3f}{unit}"
    return f"{microseconds:.3f}us"


def format_memory(count: int) -> str:
    """Bytes with their unit: "16.00 KB"."""
    for size, unit in ((2**30, "GB"), (2**20, "MB"), (2**10, "KB")):
        if abs(count) >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} B"


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def as_table(
    events: Sequence[Any], total: float, sort_by: str | None, row_limit: int, name_width: int,
    shapes_width: int, header: str | None,
) -> str:  # fmt: skip
    """The events as a table.  Raises AttributeError for a `sort_by` that they do not have."""
    if not events:
        return ""
    if sort_by is not None:
        if sort_by not in _SORTS:
            raise AttributeError(f"sort_by must be one of {', '.join(_SORTS)}, got {sort_by!r}")
        events = sorted(events, key=lambda event: getattr(event, sort_by) or 0, reverse=True)
    shown = list(events if row_limit < 0 else events[:row_limit])
    columns = _columns(shown, total, name_width, shapes_width)
    widths = [max(len(title), *map(len, cells)) for title, cells in columns]
    rule = "  ".join("-" * width for width in widths)
    lines = ["  ".join(title.rjust(w) for (title, _), w in zip(columns, widths, strict=True))]
    for row in zip(*(cells for _, cells in columns), strict=True):
        lines.append("  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)))
    above = [] if header is None else ["=" * len(rule), header]
    body = [*above, rule, lines[0], rule, *lines[1:], rule]
    return "\n".join([*body, f"Self CPU time total: {format_time(total)}", ""])


def _columns(
    events: Sequence[Any], total: float, name_width: int, shapes_width: int
) -> list[tuple[str, list[str]]]:
    """Titles and cells; columns for what was not recorded are left out."""

    def share(time: float) -> str:
        return f"{100 * time / total if total else 0.0:.2f}%"

    columns = [
        ("Name", [_shortened(event.key, name_width) for event in events]),
        ("Self CPU %", [share(event.self_cpu_time_total) for event in events]),
        ("Self CPU", [format_time(event.self_cpu_time_total) for event in events]),
        ("CPU total %", [share(event.cpu_time_total) for event in events]),
        ("CPU total", [format_time(event.cpu_time_total) for event in events]),
        ("CPU time avg", [format_time(event.cpu_time) for event in events]),
    ]
    if any(event.cpu_memory_usage for event in events):
        columns += [
            ("CPU Mem", [format_memory(event.cpu_memory_usage) for event in events]),
            ("Self CPU Mem", [format_memory(event.self_cpu_memory_usage) for event in events]),
        ]
    columns.append(("# of Calls", [str(event.count) for event in events]))
    if any(event.input_shapes for event in events):
        shapes = [_shortened(str(event.input_shapes), shapes_width) for event in events]
        columns.append(("Input Shapes", shapes))
    if any(event.stack for event in events):
        columns.append(
            ("Source Location", [event.stack[0] if event.stack else "" for event in events])
        )
    if any(event.flops for event in events):
        columns.append(
            ("Total FLOPs", [str(event.flops) if event.flops else "--" for event in events])
        )
    return columns
