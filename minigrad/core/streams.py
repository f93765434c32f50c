"""Streams and events: the CPU works in order, so there is nothing to wait for."""

import contextlib
import time
from typing import Any, Self

from minigrad.core.device import device as Device
from minigrad.core.device import require_cpu
from minigrad.core.types import DeviceLike


class Stream(contextlib.AbstractContextManager[Any]):
    """The CPU's one stream of work, which is done as soon as it is asked for; also a block."""

    device_index, stream_id = -1, 0

    def __init__(self, device: DeviceLike = None, *, priority: int = 0) -> None:
        require_cpu(device)
        self.device = Device("cpu")

    def query(self) -> bool:
        """True: all work is done."""
        return True

    def synchronize(self) -> None:
        """Nothing: all work is done."""

    def wait_event(self, event: "Event") -> None:
        """Nothing: an event that was recorded has happened."""

    def wait_stream(self, stream: "Stream") -> None:
        """Nothing: all work is done."""

    def record_event(self, event: "Event | None" = None) -> "Event":
        """Note the time in an event, by default a new one."""
        found = Event() if event is None else event
        found.record(self)
        return found

    def __exit__(self, *exc: object) -> None:
        pass

    def __repr__(self) -> str:
        return "minigrad.Stream device_type=cpu, device_index=-1, stream_id=0"


class Event:
    """A point in time between two operations."""

    def __init__(
        self, device: DeviceLike = None, *, enable_timing: bool = False, blocking: bool = False,
        interprocess: bool = False,
    ) -> None:  # fmt: skip
        require_cpu(device)
        self.device = Device("cpu")
        self._at: float | None = None

    def record(self, stream: Stream | None = None) -> None:
        """Note the time."""
        self._at = time.perf_counter()

    def query(self) -> bool:
        """True: what came before it is done."""
        return True

    def synchronize(self) -> None:
        """Nothing: what came before it is done."""

    def wait(self, stream: Stream | None = None) -> None:
        """Nothing: what came before it is done."""

    def elapsed_time(self, end_event: Self) -> float:
        """Milliseconds from this event to another.  Raises RuntimeError unless both happened."""
        if self._at is None or end_event._at is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time.")
        return (end_event._at - self._at) * 1e3

    def __repr__(self) -> str:
        return "minigrad.Event device_type=cpu, device_index=-1"
