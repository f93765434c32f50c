"""A step like the last one as native tasks, for compiled steps that run without Python.

`RepeatedStep` is the same from Python: what has to be looked at is what it looks at.  The scalars
of the coming steps lie in a table, which Python fills: many rows while no setting changes, one row
where a schedule has changed a number.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.kernels.fused_optimizer.generated import compiled
from minigrad.kernels.replay.counted_steps import begin_step, end_step
from minigrad.kernels.replay.task_list import TaskList
from minigrad.kernels.replay.watched_words import Watch
from minigrad.optim.fused.repeated_step import RepeatedBatch, RepeatedStep
from minigrad.optim.optimizer.hooks import GLOBAL_HOOKS
from minigrad.tensor import Tensor

# So many rows at most a table has.
MOST_ROWS = 64


class NativeBatch:
    """A batch of parameters that one kernel updates, with addresses and scalars of its own."""

    def __init__(self, repeated: RepeatedBatch, params: Sequence[Tensor]) -> None:
        memory = repeated.memory
        self._repeated, self._trace = repeated, repeated.trace
        self.params = [params[k] for k in repeated.indices]
        self.addresses: Array = memory._addresses.copy()
        self._layout, self._passes = memory._layout, memory._passes
        count = repeated.scalars
        self._scalars: Array = np.zeros(count)
        self._table: Array = np.zeros((MOST_ROWS, count))
        self._window: Array = np.zeros(2, np.int64)
        self._reach = MOST_ROWS  # so many rows are computed at once
        self._floats = repeated.floats  # the numbers among the settings that the rows are for

    @staticmethod
    def is_native(repeated: RepeatedBatch) -> bool:
        """Return whether one kernel takes the step: one pass, with nothing to be copied."""
        memory = repeated.memory
        if repeated.keeps_numbers or repeated.changes_gradients:
            return False
        passes = getattr(memory, "_passes", None)
        if passes is None or memory._program is not repeated.trace.program or memory._copies:
            return False
        return not (passes.count or passes.has_measures or passes.has_draws)

    def fill(self) -> bool:
        """Write the scalars of the coming steps; False if they are unknown."""
        repeated = self._repeated
        if repeated.floats is not self._floats:  # a setting has changed
            self._floats, self._window[1], self._reach = repeated.floats, 0, 1
        if repeated.steps is None:
            rows = repeated.rows_from(0, 1, self._trace)
            self._scalars[:] = rows[0] if rows else 0.0
            return bool(rows)
        first = int(repeated.steps[0]) + 1
        if self._window[0] <= first < self._window[0] + self._window[1]:
            return True
        rows = repeated.rows_from(first, self._reach, self._trace)
        self._reach = min(2 * self._reach, MOST_ROWS)
        if rows:
            self._table[: len(rows)] = rows
        self._window[:] = first, len(rows)
        return bool(rows)

    def add_beginning(self, tasks: TaskList) -> None:
        """Add the task that finds the scalars, which stops the list if it finds none."""
        steps = self._repeated.steps
        if steps is not None:
            tasks.kernel(begin_step, self._scalars, steps, self._window, self._table, stops=True)

    def add_update(self, tasks: TaskList) -> None:
        """Add the tasks that update the parameters."""
        repeated, passes, layout = self._repeated, self._passes, self._layout
        update = compiled(self._trace.program, repeated.memory.dtype).update
        for wave in passes.waves:
            tasks.kernel(
                update, passes._work(wave), self.addresses, layout.sizes, layout.spans,
                *wave.spans, self._scalars, passes.norms,
            )  # fmt: skip
        if repeated.steps is not None:
            tasks.kernel(end_step, repeated.steps)


class NativeStep:
    """The step that an optimizer would take by its `RepeatedStep`."""

    def __init__(self, optimizer: Any, repeated: RepeatedStep) -> None:
        self._optimizer = optimizer
        self._repeated = repeated
        self.params = repeated.params
        self._batches = [NativeBatch(batch, repeated.params) for batch in repeated.batches]

    @staticmethod
    def of(optimizer: Any, repeated: RepeatedStep | None) -> "NativeStep | None":
        """The step, or None if it needs Python."""
        if repeated is None or optimizer._hooks or any(GLOBAL_HOOKS.values()):
            return None
        if not all(map(NativeBatch.is_native, repeated.batches)):
            return None
        return NativeStep(optimizer, repeated)

    def watch(self, watch: Watch) -> None:
        """Watch all that decides what the step is but settings: parameters, arrays, states."""
        optimizer = self._optimizer
        groups: list[dict[str, Any]] = optimizer.param_groups
        state: dict[Any, Any] = optimizer._state
        for watched in (vars(optimizer), *GLOBAL_HOOKS.values(), state, *state.values()):
            watch.version(watched)
        for items in (groups, *[group["params"] for group in groups]):
            watch.size(items)
            for number in range(len(items)):
                watch.item(items, number)
        tensors = [t for entry in state.values() for t in entry.values() if isinstance(t, Tensor)]
        for tensor in (*self.params, *tensors):
            watch.attribute(tensor, "array")

    def watch_settings(self, watch: Watch) -> None:
        """Watch the settings of all groups."""
        for group in self._optimizer.param_groups:
            watch.version(group)

    @property
    def reads_always(self) -> bool:
        """Whether settings are to be looked at before each step: some are tensors."""
        return self._repeated.reads_always

    def take_settings(self) -> bool:
        """Go on where numbers among the settings have changed; False if anything else has."""
        return self._repeated.take_settings(self._optimizer.param_groups) and self.fill()

    def fill(self) -> bool:
        """Write the scalars of the coming steps; False if they are unknown."""
        return all(batch.fill() for batch in self._batches)

    def gradient_words(self) -> Iterator[tuple[Array, list[Tensor]]]:
        """Words that are to be the addresses of gradients, and the parameters of these."""
        for batch in self._batches:
            yield batch.addresses[1], batch.params

    def add_beginnings(self, tasks: TaskList) -> None:
        """Add the tasks that may stop the list, with nothing done yet."""
        for batch in self._batches:
            batch.add_beginning(tasks)

    def add_updates(self, tasks: TaskList) -> None:
        """Add the step's other tasks."""
        for batch in self._batches:
            batch.add_update(tasks)
