"""torch.autograd.profiler: times of operations and of backward passes, by name.

>>> x = minigrad.ones(2, 2)
>>> with minigrad.autograd.profiler.profile() as measured:
...     y = x @ x
>>> [event.name for event in measured.function_events]
['aten::mm']
"""

import os
from typing import Any, Self

from minigrad.autograd.profiler.events import (
    EventList,
    FunctionEvent,
    FunctionEventAvg,
    Interval,
)
from minigrad.autograd.profiler.recorder import EventRecorder, record_function
from minigrad.core.public_names import show_public_names

__all__ = [
    "EventList", "EventRecorder", "FunctionEvent", "FunctionEventAvg", "Interval", "profile",
    "record_function",
]  # fmt: skip


class profile:  # noqa: N801  torch's name
    """A block whose operations, backward passes and `record_function` blocks are timed.

    enabled: False for a block that records nothing; record_shapes, profile_memory, with_stack,
    with_flops: what is kept of each event beside its time; with_modules: of compiled models alone,
    as in torch, so nothing here.

    PyTorch differs: the thread that enters the block is recorded, and no other.
    """

    def __init__(
        self,
        enabled: bool = True,
        *,
        record_shapes: bool = False,
        with_flops: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
        use_cpu: bool = True,
    ) -> None:
        if not use_cpu:
            raise ValueError("use_cpu=False: minigrad computes on the CPU only, and records that")
        self.enabled = enabled
        self._recorder = EventRecorder(
            shapes=record_shapes or with_flops, memory=profile_memory, stacks=with_stack,
            flops=with_flops,
        )  # fmt: skip
        self._entered = False

    def __enter__(self) -> Self:
        if self._entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self._entered = True
        if self.enabled:
            self._recorder.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._recorder.stop()

    @property
    def function_events(self) -> EventList:
        """All events, in the order of their starts."""
        return self._recorder.events

    @property
    def self_cpu_time_total(self) -> float:
        """The time that was recorded, in microseconds."""
        return self.function_events.self_cpu_time_total

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> EventList:
        """Averages of the events of each name."""
        return self.function_events.key_averages(group_by_input_shape, group_by_stack_n)

    def total_average(self) -> FunctionEventAvg:
        """The sums over all events."""
        return self.function_events.total_average()

    def table(self, sort_by: str | None = None, row_limit: int = 100, **options: Any) -> str:
        """A table of all events."""
        return self.function_events.table(sort_by, row_limit, **options)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as a trace for chrome://tracing or https://ui.perfetto.dev."""
        self.function_events.export_chrome_trace(path)

    def export_stacks(
        self, path: str | os.PathLike[str], metric: str = "self_cpu_time_total"
    ) -> None:
        """Write for each Python stack the time spent under it."""
        self.function_events.export_stacks(path, metric)

    def __str__(self) -> str:
        return self.function_events.table()


show_public_names(__name__)
