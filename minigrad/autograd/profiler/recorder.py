"""Recording of events: what the engine tells of, and the blocks that users name."""

import contextlib
import math
import sys
import time
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minigrad.autograd.profiler.events import EventList, FunctionEvent
from minigrad.engine.grad_mode import thread
from minigrad.engine.profiling import attach, recorder_of

_PACKAGE = __name__.partition(".")[0]


class EventRecorder:
    """The events of one thread, from `start` to `stop`."""

    def __init__(
        self, *, shapes: bool = False, memory: bool = False, stacks: bool = False,
        flops: bool = False,
    ) -> None:  # fmt: skip
        self.events = EventList()
        self.duration = 0.0
        self._shapes, self._memory, self._stacks, self._flops = shapes, memory, stacks, flops
        self._open: list[FunctionEvent] = []
        self._detach: Callable[[], None] | None = None
        self._began = 0

    def start(self) -> None:
        """Record what this thread computes.  Raises RuntimeError if another profiler does."""
        self._detach = attach(self)
        self._began = time.perf_counter_ns()

    def stop(self) -> None:
        """End the recording, and the events that are still open."""
        if self._detach is None:
            return
        self.duration = self._now()
        while self._open:
            self.end()
        self._detach()
        self._detach = None

    def _now(self) -> float:
        return (time.perf_counter_ns() - self._began) / 1e3

    def begin(
        self, name: str, arguments: tuple[Any, ...] = (), *, annotation: bool = False
    ) -> None:
        """Start an event inside those that are open."""
        parent = self._open[-1] if self._open else None
        event = FunctionEvent(len(self.events) + 1, name, parent, 0.0)
        event.is_user_annotation = annotation
        if self._shapes:
            event.input_shapes = [list(np.shape(given)) for given in arguments if given is not None]
        if self._stacks:
            event.stack = _stack()
        if self._flops:
            event.flops = arithmetic(name, arguments)
        self.events.append(event)
        self._open.append(event)
        now = self._now()  # last, so that recording counts least
        event.time_range = event.time_range._replace(start=now, end=now)

    def end(self, result: Any = None) -> None:
        """End the event that started last."""
        now = self._now()
        if not self._open:  # it started before the recording
            return
        event = self._open.pop()
        event.time_range = event.time_range._replace(end=now)
        if self._memory:
            event.self_cpu_memory_usage = _bytes_of(result)


def _bytes_of(result: Any) -> int:
    """The memory of arrays that are not views."""
    given = result if isinstance(result, tuple) else (result,)
    return sum(a.nbytes for a in given if isinstance(a, np.ndarray) and a.base is None)


def _stack() -> list[str]:
    """The lines of the program that led here, the innermost first, without this package's own."""
    found, frame = [], sys._getframe(2)
    while frame is not None:
        if not frame.f_globals.get("__name__", "").startswith(_PACKAGE):
            code = frame.f_code
            found.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back  # type: ignore[assignment]
    return found


def arithmetic(name: str, arguments: tuple[Any, ...]) -> int | None:
    """Multiplications and additions of products and of arithmetic, as torch counts; or None."""
    shapes: list[tuple[int, ...]] = [np.shape(given) for given in arguments]
    if name in ("aten::mm", "aten::matmul", "aten::bmm") and len(shapes) >= 2:
        return 2 * math.prod(shapes[0]) * shapes[1][-1] if all(shapes[:2]) else None
    if name == "aten::linear":
        return 2 * math.prod(shapes[0]) * shapes[1][0]
    if name in ("aten::add", "aten::mul"):
        return max(math.prod(shape) for shape in shapes)
    return None


class record_function(contextlib.ContextDecorator):  # noqa: N801  torch's name
    """A block, or a decorated function, that a profiler shows under a name.

    Where no profiler records it does nothing.
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        self.name, self.args = name, args
        self._told: list[Any] = []

    def __enter__(self) -> Self:
        recorder = recorder_of(thread.mode)
        self._told.append(recorder)
        if recorder is not None:
            recorder.begin(self.name, annotation=True)
        return self

    def __exit__(self, *exc: object) -> None:
        recorder = self._told.pop()
        if recorder is not None and recorder_of(thread.mode) is recorder:
            recorder.end()
