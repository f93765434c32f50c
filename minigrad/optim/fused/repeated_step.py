"""A step that differs from the one before in its gradients and its count alone.

Most steps do.  What has to be looked at then is that nothing else has changed, which takes a
fraction of what planning a step takes.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import bump_versions
from minigrad.kernels.compiler.numpy_abi import are_same
from minigrad.kernels.replay.guards import Versions, dicts_are_known
from minigrad.optim.fused.number_tape import StepFunction
from minigrad.optim.fused.param_batch import ParamBatch, Plan, StateView
from minigrad.tensor import Tensor

Group = dict[str, Any]

# Settings of these types are what they were if they are the same objects.
_UNCHANGING = (bool, int, float, str, type(None))


class RepeatedBatch:
    """A batch of parameters whose last step can be repeated."""

    def __init__(self, batch: ParamBatch) -> None:
        self.indices = batch.indices
        self.lookahead = batch._lookahead
        self.program = batch._trace.program  # type: ignore[union-attr]
        self.memory: Any = batch._batch
        self._measures = batch._measures
        self.steps = batch._numbers["step"] if batch.rule.counts_steps else None
        self.function: StepFunction | None = None
        if batch.rule.numbers:
            self.function = batch.scalars_function()
            self._row = np.empty(len(batch._scalars))
        self._numbers = [batch._numbers[name] for name in batch.rule.numbers.values()]
        self._after: list[float] = []
        self._scalars: Array

    @staticmethod
    def is_repeatable(batch: ParamBatch) -> bool:
        """True if a step like the last one needs new gradients and nothing else."""
        trace, rule = batch._trace, batch.rule
        if trace is None or trace.created or batch._batch is None:
            return False
        if not batch._lookahead.is_steady:  # settings change in each step: it is not worth it
            return False
        if batch._is_complex or rule.on_gradients:
            return False
        return not rule.numbers or batch.scalars_function() is not None

    def prepare(self, gradients: tuple[Array, ...]) -> bool:
        """Get ready for a step at the settings of the last one; False if they tell too little."""
        t = 0 if self.steps is None else int(self.steps[0]) + 1
        scalars = self.lookahead.scalars_at(t) if self.function is None else self._computed(t)
        if scalars is None:
            return False
        self._scalars = scalars
        if len(self.indices) != len(gradients):
            gradients = tuple([gradients[k] for k in self.indices])
        self.memory.set_gradients(gradients)
        return True

    def _computed(self, t: int) -> Array | None:
        """The scalars of step `t` from the numbers that the rule keeps."""
        try:
            found = self.function(t, *[float(values[0]) for values in self._numbers])  # type: ignore[misc]
        except ArithmeticError:  # the text itself is to report it
            return None
        if found is None:
            return None
        self._row[:], self._after = found
        return self._row

    def run(self) -> None:
        """Take the step that was prepared."""
        self.memory.run(self.program, self._scalars, self._measures)
        for values, number in zip(self._numbers, self._after, strict=True):
            values.fill(number)
        if self.steps is not None:
            self.steps += 1


class RepeatedStep:
    """A plan whose last step can be repeated, and the settings of that step."""

    def __init__(self, plan: Plan, groups: Sequence[Group], state: Any) -> None:
        self._plan = plan
        self.params: tuple[Tensor, ...] = plan.params
        self.batches = [RepeatedBatch(batch) for batch in plan.batches]
        self._lists = [group["params"] for group in groups]
        self._versions = Versions(list(groups)) if dicts_are_known() else None
        self._settings = _settings_of(groups)
        self._objects = self._objects_of(groups, state)
        self._sizes = list(map(len, self._lists))

    @staticmethod
    def of(plan: Plan, groups: Sequence[Group], state: Any) -> "RepeatedStep | None":
        """The step that `plan` has taken; None if its repetition needs more than gradients."""
        values = [v for group in groups for name, v in group.items() if name != "params"]
        if not all(map(_is_unchanging, values)):
            return None
        is_repeatable = not plan.skips and all(map(RepeatedBatch.is_repeatable, plan.batches))
        # One batch sums over all parameters by itself.
        is_repeatable &= len(plan.batches) == 1 or not any(b.has_global_sums for b in plan.batches)
        return RepeatedStep(plan, groups, state) if is_repeatable else None

    def take(self, groups: Sequence[Group], state: Any, is_shared: bool) -> bool:
        """Take the step again; False, and nothing is done, if something else has changed.

        `state` is the optimizer's; others may have changed it if it `is_shared`.  Raises
        RuntimeError if a gradient does not fit its parameter; no parameter has changed then.
        """
        if not self._are_settings_the_same(groups):
            return False
        if not are_same(self._objects_of(groups, state), self._objects):
            return False
        if is_shared and not self._plan.is_current(StateView(state, is_shared)):
            return False
        try:
            gradients = tuple([p._grad.array for p in self.params])
        except AttributeError:  # there is none
            return False
        for batch in self.batches:
            if not batch.prepare(gradients):
                return False
        for batch in self.batches:
            batch.run()
        bump_versions(self.params)
        return True

    def _are_settings_the_same(self, groups: Sequence[Group]) -> bool:
        if list(map(len, self._lists)) != self._sizes:
            return False
        versions = self._versions
        if versions is not None and versions.hold():
            return True
        if versions is not None:
            versions.note()
        if are_same(_settings_of(groups), self._settings):
            return True
        if versions is not None:
            versions.forget()
        return False

    def _objects_of(self, groups: Sequence[Group], state: Any) -> tuple[Any, ...]:
        """What a step is about: groups, their parameters, these' arrays, and the state."""
        members = [p for params in self._lists for p in params]
        return (*groups, *members, *[p.array for p in self.params], state)


def _is_unchanging(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_unchanging, value))
    return isinstance(value, _UNCHANGING)


def _settings_of(groups: Sequence[Group]) -> tuple[Any, ...]:
    """All settings of all groups, and the lists of their parameters."""
    return tuple(chain.from_iterable([group.values() for group in groups]))
