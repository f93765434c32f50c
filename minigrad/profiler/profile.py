"""The profiler of a program in steps: `with profile(...) as p: ... p.step()`."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from minigrad.autograd.profiler import EventList, EventRecorder
from minigrad.autograd.profiler.events import chrome_trace
from minigrad.core.warn import warn_caller
from minigrad.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from minigrad.profiler.schedule import ProfilerAction
from minigrad.profiler.trace_files import ProfilerActivity

Schedule = Callable[[int], ProfilerAction]


class profile:  # noqa: N801  torch's name
    """A block whose operations, backward passes, optimizer steps and named blocks are timed.

    activities: `[ProfilerActivity.CPU]`; schedule: what each step does, by default all are
    recorded; on_trace_ready: is called with the profiler when a cycle has ended; record_shapes,
    profile_memory (bytes of results), with_stack (lines of the program), with_flops (of products
    and sums): what is kept of each event beside its time; with_modules: of compiled models alone,
    as in torch, so nothing here; acc_events: events of all cycles, not of the last one.

    PyTorch differs: the thread that enters the block is recorded, and no other; kernels are one
    event with the operation that calls them.
    """

    def __init__(
        self,
        *,
        activities: Iterable[ProfilerActivity] | None = None,
        schedule: Schedule | None = None,
        on_trace_ready: Callable[["profile"], Any] | None = None,
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_flops: bool = False,
        with_modules: bool = False,
        acc_events: bool = False,
    ) -> None:
        self.activities = {ProfilerActivity.CPU} if activities is None else set(activities)
        if ProfilerActivity.CPU not in self.activities:
            raise AssertionError(
                f"No valid profiler activities found: minigrad records the CPU, got {activities}"
            )
        if self.activities != {ProfilerActivity.CPU}:
            warn_caller("CUDA is not available, disabling CUDA profiling: there is no such device")
        self.schedule, self.on_trace_ready, self.acc_events = schedule, on_trace_ready, acc_events
        self._options = {
            "shapes": record_shapes or with_flops, "memory": profile_memory, "stacks": with_stack,
            "flops": with_flops,
        }  # fmt: skip
        self.step_num = 0
        self.current_action = self._action_now()
        self._recorder: EventRecorder | None = None
        self._events = EventList()
        self._metadata: dict[str, Any] = {}
        self._hooks: list[Any] = []

    def _action_now(self) -> ProfilerAction:
        return ProfilerAction.RECORD if self.schedule is None else self.schedule(self.step_num)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin the first step."""
        self._begin_step()  # first: it raises if another profiler records this thread
        self._hooks = [
            register_optimizer_step_pre_hook(self._before_optimizer),
            register_optimizer_step_post_hook(self._after_optimizer),
        ]

    def step(self) -> None:
        """End a step, and begin the next one."""
        ended = self.current_action
        self.step_num += 1
        self.current_action = self._action_now()
        self._end_step(ended, last=False)
        self._begin_step()

    def stop(self) -> None:
        """End the last step."""
        for hook in self._hooks:
            hook.remove()
        self._end_step(self.current_action, last=True)
        self.current_action = ProfilerAction.NONE

    # --- steps ---

    def _begin_step(self) -> None:
        action = self.current_action
        if action is ProfilerAction.NONE:
            return
        if self._recorder is None:
            recorder = EventRecorder(**self._options)
            recorder.start()
            self._recorder = recorder
        if self.schedule is not None:
            self._recorder.begin(f"ProfilerStep#{self.step_num}", annotation=True)

    def _end_step(self, ended: ProfilerAction, *, last: bool) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        if self.schedule is not None:
            recorder.end()
        cycle_ended = ended is ProfilerAction.RECORD_AND_SAVE
        recorded = ended in (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
        dropped = ended is ProfilerAction.WARMUP and self.current_action is not ended
        if not (last or cycle_ended or dropped):
            return
        recorder.stop()
        self._recorder = None
        if recorded:
            self._keep(recorder.events)
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)

    def _keep(self, events: EventList) -> None:
        if self.acc_events:
            self._events.extend(events)
        else:
            self._events = events

    # --- optimizers ---

    def _before_optimizer(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self._recorder is not None:
            self._recorder.begin(f"Optimizer.step#{type(optimizer).__name__}.step", annotation=True)

    def _after_optimizer(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self._recorder is not None:
            self._recorder.end()

    # --- results ---

    def events(self) -> EventList:
        """The events of the cycle that ended last, in the order of their starts."""
        return self._events

    def key_averages(
        self, group_by_input_shape: bool = False, group_by_stack_n: int = 0
    ) -> EventList:
        """Averages of the events of each name."""
        return self._events.key_averages(group_by_input_shape, group_by_stack_n)

    def add_metadata(self, key: str, value: str) -> None:
        """Write a string into the traces to come."""
        self._metadata[key] = value

    def add_metadata_json(self, key: str, value: str) -> None:
        """Write a value, given as JSON, into the traces to come.  Raises ValueError for others."""
        self._metadata[key] = json.loads(value)

    def preset_metadata_json(self, key: str, value: str) -> None:
        """The same as `add_metadata_json`, before the recording begins."""
        self.add_metadata_json(key, value)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as a trace for chrome://tracing or https://ui.perfetto.dev."""
        Path(path).write_text(json.dumps(chrome_trace(self._events, **self._metadata)), "utf-8")

    def export_stacks(
        self, path: str | os.PathLike[str], metric: str = "self_cpu_time_total"
    ) -> None:
        """Write for each Python stack the time spent under it."""
        self._events.export_stacks(path, metric)
