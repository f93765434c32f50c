"""What a profiler has recorded: events, their averages by name, and files of them."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, SupportsIndex, overload

from minigrad.autograd.profiler.table import as_table


class Interval(NamedTuple):
    """Where an event lies, in microseconds from the start of the recording."""

    start: float
    end: float

    def elapsed_us(self) -> float:
        """Its length in microseconds."""
        return self.end - self.start


class FunctionEvent:
    """One call of an operation, one node of a backward pass, or one block of `record_function`.

    Times are in microseconds; `self_` ones are without the events inside.  Memory is that of
    results, in bytes; it is 0 unless it was asked for, as shapes, stacks and counts of arithmetic.
    """

    device_time_total = self_device_time_total = device_memory_usage = 0

    def __init__(
        self, number: int, name: str, parent: "FunctionEvent | None", start: float
    ) -> None:
        self.id, self.name, self.key, self.count = number, name, name, 1
        self.cpu_parent = parent
        self.cpu_children: list[FunctionEvent] = []
        self.time_range = Interval(start, start)
        self.thread = 1
        self.input_shapes: list[list[int]] = []
        self.stack: list[str] = []
        self.flops: int | None = None
        self.self_cpu_memory_usage = 0
        self.is_user_annotation = False
        if parent is not None:
            parent.cpu_children.append(self)

    @property
    def cpu_time_total(self) -> float:
        return self.time_range.elapsed_us()

    cpu_time = cpu_time_total

    @property
    def self_cpu_time_total(self) -> float:
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    @property
    def cpu_memory_usage(self) -> int:
        inside = sum(child.cpu_memory_usage for child in self.cpu_children)
        return self.self_cpu_memory_usage + inside

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} cpu_time={self.cpu_time_total:.3f}us "
            f"start_us={self.time_range.start:.3f} end_us={self.time_range.end:.3f} "
            f"cpu_children={[child.id for child in self.cpu_children]} thread={self.thread} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage}>"
        )


class FunctionEventAvg:
    """All events of one name: their sums, and `cpu_time`, the average."""

    device_time_total = self_device_time_total = device_memory_usage = 0

    def __init__(self, first: FunctionEvent) -> None:
        self.key, self.input_shapes, self.stack = first.key, first.input_shapes, first.stack
        self.is_user_annotation = first.is_user_annotation
        self.count = 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0
        self.flops = 0

    def add(self, event: "FunctionEvent | FunctionEventAvg") -> None:
        """Add an event, or other averages, to the sums."""
        self.count += event.count
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        self.cpu_memory_usage += event.cpu_memory_usage
        self.self_cpu_memory_usage += event.self_cpu_memory_usage
        self.flops += event.flops or 0

    @property
    def cpu_time(self) -> float:
        return self.cpu_time_total / self.count if self.count else 0.0

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total:.3f}us "
            f"cpu_time={self.cpu_time:.3f}us count={self.count} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage}>"
        )


Record = FunctionEvent | FunctionEventAvg


class EventList(list[Any]):
    """Events in the order of their starts, or averages of them."""

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Any: ...
    @overload
    def __getitem__(self, index: slice, /) -> "EventList": ...
    def __getitem__(self, index: Any, /) -> Any:
        found = super().__getitem__(index)
        return EventList(found) if isinstance(index, slice) else found

    @property
    def self_cpu_time_total(self) -> float:
        """The time that was recorded, in microseconds."""
        return float(sum(event.self_cpu_time_total for event in self))

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> "EventList":
        """One average for each name; with other shapes, or other callers, another one if asked."""
        found: dict[Any, FunctionEventAvg] = {}
        for event in self:
            shapes = str(event.input_shapes) if group_by_input_shape else ""
            key = event.key, shapes, tuple(event.stack[:group_by_stack_n])
            if key not in found:
                found[key] = FunctionEventAvg(event)
                if not group_by_input_shape:
                    found[key].input_shapes = []
                found[key].stack = event.stack[:group_by_stack_n]
            found[key].add(event)
        return EventList(found.values())

    def total_average(self) -> FunctionEventAvg:
        """The sums over all events, under the name "Total"."""
        total = FunctionEventAvg(FunctionEvent(0, "Total", None, 0.0))
        for event in self:
            total.add(event)
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
    ) -> str:
        """A table, a line for each; sort_by: "cpu_time_total", "count", ..."""
        shown: Sequence[Record] = self
        if top_level_events_only:
            shown = [event for event in self if getattr(event, "cpu_parent", None) is None]
        return as_table(
            shown, self.self_cpu_time_total, sort_by, row_limit, max_name_column_width,
            max_shapes_column_width, header,
        )  # fmt: skip

    def __str__(self) -> str:
        return self.table()

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as a trace for chrome://tracing or https://ui.perfetto.dev."""
        Path(path).write_text(json.dumps(chrome_trace(self)), encoding="utf-8")

    def export_stacks(
        self, path: str | os.PathLike[str], metric: str = "self_cpu_time_total"
    ) -> None:
        """Write for each Python stack the time spent under it, as flame graphs are made from.

        Events recorded `with_stack` have stacks.  Raises ValueError for another metric.
        """
        if metric != "self_cpu_time_total":
            raise ValueError(f"metric should be one of: ['self_cpu_time_total'], got {metric!r}")
        lines = [
            f"{';'.join(frame.replace(' ', '_') for frame in reversed(event.stack))} "
            f"{int(event.self_cpu_time_total)}\n"
            for event in self
            if event.stack and int(event.self_cpu_time_total) > 0
        ]
        Path(path).write_text("".join(lines), encoding="utf-8")


def chrome_trace(events: Iterable[FunctionEvent], **metadata: Any) -> dict[str, Any]:
    """The events in Chrome's format: complete events, with times in microseconds."""
    process = os.getpid()
    return {
        "schemaVersion": 1,
        **metadata,
        "traceEvents": [
            {
                "ph": "X",
                "cat": "user_annotation" if event.is_user_annotation else "cpu_op",
                "name": event.name,
                "pid": process,
                "tid": event.thread,
                "ts": event.time_range.start,
                "dur": event.cpu_time_total,
                "args": {"External id": event.id, "Input Dims": event.input_shapes},
            }
            for event in events
        ],
    }
