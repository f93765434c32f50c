"""A step that differs from the one before in gradients, its count and numbers of settings alone.

Most steps do.  What has to be looked at then is that nothing else has changed, which takes a
fraction of what planning a step takes.  Scalars are looked up in a table as long as no setting
changes; where a schedule sets some of them in each step, a function gives the scalars.
"""

from collections.abc import Mapping, Sequence
from itertools import chain, takewhile
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import bump_versions
from minigrad.kernels.compiler.numpy_abi import are_same
from minigrad.kernels.replay.guards import Versions, dicts_are_known
from minigrad.optim.fused.lookahead import Trace
from minigrad.optim.fused.number_tape import StepFunction, floats_of
from minigrad.optim.fused.param_batch import ParamBatch, Plan, StateView
from minigrad.optim.optimizer.hyperparameters import plain
from minigrad.tensor import Tensor

Group = dict[str, Any]

# Settings of these types are what they were if they are the same objects.
_NUMBERS = frozenset((bool, int, float))
_UNCHANGING = (bool, int, float, str, type(None))


class RepeatedBatch:
    """A batch of parameters whose last step can be repeated."""

    def __init__(self, batch: ParamBatch, is_alone: bool) -> None:
        self.indices = batch.indices
        self.lookahead = batch._lookahead
        self._is_alone = is_alone  # no other batch sums over all parameters
        self.trace: Any = batch._trace  # of the last step
        self.memory: Any = batch._batch
        self.changes_gradients = bool(batch.rule.on_gradients)
        self._measures = batch._measures
        self.steps = batch._numbers["step"] if batch.rule.counts_steps else None
        self._batch = batch
        self.group = batch.group
        self.function: StepFunction | None = None  # where a table does not do
        self.scalars = len(batch._scalars)  # how many there are
        self.keeps_numbers = bool(batch.rule.numbers)
        self._row = np.empty(self.scalars)
        self._hyper = batch._settings.hyper
        self.floats, self._rest = floats_of(self._hyper)
        if batch.rule.numbers or not batch._lookahead.is_steady:
            self.function = batch.scalars_function(batch._settings.hyper)
        self._numbers = [batch._numbers[name] for name in batch.rule.numbers.values()]
        self._after: list[float] = []
        self._scalars: Array

    @staticmethod
    def is_repeatable(batch: ParamBatch) -> bool:
        """True if a step like the last one needs new gradients and nothing else."""
        trace, rule = batch._trace, batch.rule
        if trace is None or trace.created or batch._batch is None:
            return False
        if batch._is_complex:
            return False
        needs_function = rule.numbers or not batch._lookahead.is_steady
        return not needs_function or batch.scalars_function(batch._settings.hyper) is not None

    def take_settings(self, hyper: Mapping[str, Any]) -> bool:
        """Go on at these settings of the group; False if they may be another program."""
        hyper = self._batch.settings_at(hyper)
        floats, rest = floats_of(hyper)
        if rest != self._rest:
            return False
        if floats == self.floats and str(floats) == str(self.floats):  # 0.0 is not -0.0
            return True
        if self.function is None:
            self.function = self._batch.scalars_function(hyper)
        if self.function is None:
            return False
        self.floats, self._hyper = floats, hyper
        return True

    def rows_from(self, first: int, most: int, trace: Trace) -> list[Any]:
        """The scalars of the steps of a trace from this one on, of as many as are known, or `most`.

        They are those of rules that keep no numbers.
        """
        if most == 1 and self.function is not None and self.trace[:2] == trace[:2]:
            found_one = self._result(first)
            return [] if found_one is None else [found_one[0]]
        if self.function is None:
            known = [self.lookahead.step_at(t) for t in range(first, first + most)]
            if known[0] is not None:
                like = takewhile(lambda step: step is not None and step[0][:2] == trace[:2], known)
                return [step[1] for step in like if step is not None]
        if self.trace[:2] != trace[:2]:
            return []
        if self.function is None:
            self.function = self._batch.scalars_function(self._batch._settings.hyper)
        found = map(self._result, range(first, first + most))
        return [each[0] for each in takewhile(lambda each: each is not None, found) if each]

    def _result(self, t: int) -> tuple[list[float], list[float]] | None:
        """The scalars of a step and the numbers after it; None if they cannot be told."""
        if self.function is None:
            return None
        numbers = [float(values[0]) for values in self._numbers]
        try:
            return self.function(t, *numbers, *self.floats)
        except ArithmeticError:  # the text itself is to report it
            return None

    def prepare(self, gradients: tuple[Array, ...]) -> bool:
        """Get ready for a step at the settings of the last one; False if they tell too little."""
        t = 0 if self.steps is None else int(self.steps[0]) + 1
        if self.function is not None:
            scalars = self._computed(t)
            if scalars is None:
                return False
        else:
            found = self.lookahead.step_at(t)
            if found is None or not (found[0] is self.trace or self._turn_to(*found)):
                return False
            scalars = found[1]
        self._scalars = scalars
        if len(self.indices) != len(gradients):
            gradients = tuple([gradients[k] for k in self.indices])
        if self.changes_gradients:
            gradients = self._batch.changes(gradients, self._hyper)
        self.memory.set_gradients(gradients)
        return True

    def _turn_to(self, trace: Trace, scalars: Array) -> bool:
        """Take the steps of another branch of the text from now on; False if they are new."""
        memory = self._batch.memory_of(trace)
        if memory is None or trace.created or (trace.has_global_sums and not self._is_alone):
            return False
        self.trace, self.memory = trace, memory
        self.scalars, self._row = len(scalars), np.empty(len(scalars))
        self.lookahead.turn_to(trace)
        return True

    def _computed(self, t: int) -> Array | None:
        """The scalars of step `t` by the function."""
        found = self._result(t)
        if found is None:
            return None
        self._row[:], self._after = found
        return self._row

    def run(self) -> None:
        """Take the step that was prepared."""
        self.memory.run(self.trace.program, self._scalars, self._measures)
        for values, number in zip(self._numbers, self._after, strict=True):
            values.fill(number)
        if self.steps is not None:
            self.steps += 1


class RepeatedStep:
    """A plan whose last step can be repeated, and the settings of that step."""

    def __init__(self, plan: Plan, groups: Sequence[Group], state: Any) -> None:
        self._plan = plan
        self.params: tuple[Tensor, ...] = plan.params
        is_alone = len(plan.batches) == 1
        self.batches = [RepeatedBatch(batch, is_alone) for batch in plan.batches]
        self.groups = list(groups)
        self._lists = [group["params"] for group in groups]
        self._names = list(plan.rule.defaults)
        self._maximize = [bool(group["maximize"]) for group in groups]
        # Tensors among the settings change without a trace.
        self.reads_always = not all(map(_is_unchanging, _values_of(groups)))
        can_tell = dicts_are_known() and not self.reads_always
        self._versions = Versions(list(groups)) if can_tell else None
        self._settings = _settings_of(groups)
        self._objects = self._objects_of(groups, state)
        self._sizes = list(map(len, self._lists))

    @staticmethod
    def of(plan: Plan, groups: Sequence[Group], state: Any) -> "RepeatedStep | None":
        """The step that `plan` has taken; None if its repetition needs more than gradients."""
        if not all(_is_unchanging(v) or _is_one_number(v) for v in _values_of(groups)):
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
        settings = _settings_of(groups)
        if not self.reads_always and are_same(settings, self._settings):
            return True
        if self.take_settings(groups):
            self._settings = settings
            return True
        if versions is not None:
            versions.forget()
        return False

    def take_settings(self, groups: Sequence[Group]) -> bool:
        """Go on where numbers among the settings have changed; False if anything else has."""
        try:
            hypers = [
                {n: v if type(v := group[n]) in _NUMBERS else plain(v) for n in self._names}
                for group in groups
            ]
            maximize = [bool(group["maximize"]) for group in groups]
            lists = [group["params"] for group in groups]
        except (KeyError, ValueError):  # the optimizer itself reports it
            return False
        if maximize != self._maximize or not are_same(tuple(lists), tuple(self._lists)):
            return False
        return all(batch.take_settings(hypers[batch.group]) for batch in self.batches)

    def _objects_of(self, groups: Sequence[Group], state: Any) -> tuple[Any, ...]:
        """What a step is about: groups, their parameters, these' arrays, and the state."""
        members = [p for params in self._lists for p in params]
        return (*groups, *members, *[p.array for p in self.params], state)


def _is_unchanging(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_unchanging, value))
    return isinstance(value, _UNCHANGING)


def _is_one_number(value: Any) -> bool:
    return isinstance(value, Tensor) and value.array.size == 1 and not value.is_complex()


def _values_of(groups: Sequence[Group]) -> list[Any]:
    """The values of all settings of all groups."""
    return [v for group in groups for name, v in group.items() if name != "params"]


def _settings_of(groups: Sequence[Group]) -> tuple[Any, ...]:
    """All settings of all groups, and the lists of their parameters."""
    return tuple(chain.from_iterable([group.values() for group in groups]))
