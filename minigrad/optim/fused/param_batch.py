"""Batches of parameters that one kernel call updates, and the plan of a step made of them."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.complex_arrays import real_view
from minigrad.core.types import Array
from minigrad.engine.graph import bump_versions, wrap
from minigrad.kernels.compiler.numpy_abi import are_same
from minigrad.kernels.fused_optimizer.multi_tensor import Batch, all_equal, refuse_misfit
from minigrad.optim.fused.draws import draws_of
from minigrad.optim.fused.global_sums import GlobalSums
from minigrad.optim.fused.gradient_changes import GradientChanges
from minigrad.optim.fused.lookahead import MOST_PROGRAMS, LookaheadTrace, Settings, Trace
from minigrad.optim.fused.number_tape import StepFunction
from minigrad.optim.fused.param_states import ParamStates
from minigrad.optim.fused.rule import Rule
from minigrad.optim.fused.trace import RuleError
from minigrad.optim.optimizer.state_dict import State
from minigrad.tensor import Tensor


class StepRequest(NamedTuple):
    """The input of a step: parameters and gradients of all groups in a row, and the settings."""

    sizes: list[int]  # the number of parameters in each group
    params: tuple[Tensor, ...]
    gradients: list[Tensor | None]
    hypers: list[dict[str, Any]]
    maximize: list[bool]
    names: Sequence[str] = ()  # of all parameters, for rules with masks


class StateView(NamedTuple):
    """The state of an optimizer, and whether it is shared with code that may change it."""

    state: State
    is_shared: bool


class Plan:
    """The batches of all groups, valid while parameters, states and their arrays are the same."""

    def __init__(self, rule: Rule, request: StepRequest, view: StateView) -> None:
        self.rule, self._sizes, self._params = rule, request.sizes, request.params
        self._names = request.names
        self._view = view
        self._absent = [g is None for g in request.gradients]
        self.batches: list[ParamBatch] = []
        start = 0
        for group, size in enumerate(request.sizes):
            members = [k for k in range(start, start + size) if not self._absent[k]]
            self._add_batches(rule, group, members, request.hypers[group])
            start += size
        self._updated = [p for batch in self.batches for p in batch.params]
        self._seen = _objects(self._params, view)

    def _add_batches(
        self, rule: Rule, group: int, members: list[int], hyper: Mapping[str, Any]
    ) -> None:
        """Batch the members of a group by dtype, present states and equal numbers."""
        state = self._view.state
        by_kind: dict[Any, list[int]] = {}

        def masked(k: int) -> tuple[str, ...]:
            """The settings that do not hold for parameter k."""
            name = self._names[k] if rule.masks else ""
            return tuple(s for s, mask in rule.masks.items() if not mask(name, self._params[k]))

        for k in members:
            entry = state.get(self._params[k], {})
            present = tuple(entry.get(name) is not None for name in rule.states.values())
            numbers = {"step": _number(entry.get("step", 0))} if rule.counts_steps else {}
            for symbol, name in rule.numbers.items():
                known = name in entry
                numbers[name] = _number(entry[name] if known else rule.first_number(symbol, hyper))
            kind = (self._params[k].array.dtype, present, masked(k), tuple(numbers.items()))
            by_kind.setdefault(kind, []).append(k)
        for (_, _, off, shared_numbers), indices in by_kind.items():
            params = [self._params[k] for k in indices]
            entries = [state.get(p, {}) for p in params]
            measures = _measures(rule, params, entries, hyper)
            batch = ParamBatch(
                rule, group, indices, params, entries, dict(shared_numbers), measures, off
            )
            self.batches.append(batch)

    def fits(self, request: StepRequest, view: StateView) -> bool:
        """True if the batches are still valid."""
        return (
            request.sizes == self._sizes
            and [g is None for g in request.gradients] == self._absent
            and are_same(_objects(request.params, view), self._seen)
            and all(batch.has_equal_numbers() for batch in self.batches)
        )

    @property
    def params(self) -> tuple[Tensor, ...]:
        """The parameters of all groups."""
        return self._params

    @property
    def skips(self) -> bool:
        """True if a parameter has no gradient."""
        return any(self._absent)

    def is_current(self, view: StateView) -> bool:
        """True if parameters, states and their arrays are those of the last step."""
        if not are_same(_objects(self._params, view), self._seen):
            return False
        return not view.is_shared or all(batch.has_equal_numbers() for batch in self.batches)

    def prepare(self, request: StepRequest) -> None:
        """Get ready for a step: everything that can fail, fails here."""
        for batch in self.batches:
            gradients = tuple([request.gradients[k].array for k in batch.indices])  # type: ignore[union-attr]
            batch.prepare(gradients, request.hypers[batch.group], request.maximize[batch.group])
        if any(batch.has_global_sums for batch in self.batches) and not self._is_one_kernel():
            self._sum_over_batches()

    def _is_one_kernel(self) -> bool:
        """True if one kernel takes the step: it sums for itself."""
        return len(self.batches) == 1 and self.batches[0].is_fused

    def _sum_over_batches(self) -> None:
        """Add up what the batches give for norms and sums over all parameters."""
        totals: dict[int, float] = {}
        rounds = [batch.partial_sums(totals) for batch in self.batches]
        while offers := [offer for offer in (next(r, None) for r in rounds) if offer is not None]:
            shared = set.intersection(*map(set, offers)) - totals.keys()
            if not shared or len(offers) != len(rounds):
                raise RuleError(
                    "the text takes norms over all parameters for some of them only: settings "
                    "differ between groups, or a state is new"
                )
            # Later ones may depend on the first: a text that NumPy runs does not say.
            known = shared if any(b._trace for b in self.batches) else {min(shared)}
            totals |= {k: sum(offer[k] for offer in offers) for k in known}

    def run(self) -> None:
        """Take the step, and put new states into the optimizer's state."""
        for batch in self.batches:
            batch.run()
        bump_versions(self._updated)
        if any(batch.has_new_states for batch in self.batches):
            made_by_text = [batch.store_new_states(self._view.state) for batch in self.batches]
            # States that the text has made belong into other batches: the next step plans again.
            self._seen = () if any(made_by_text) else _objects(self._params, self._view)


def _objects(params: tuple[Tensor, ...], view: StateView) -> tuple[Any, ...]:
    """Every object whose replacement makes a plan invalid."""
    state = view.state
    if not view.is_shared:
        return (*params, *[p.array for p in params], state)
    entries = state.values()
    try:
        states = [value.array for entry in entries for value in entry.values()]
    except AttributeError:  # a user has put something else there
        inner = [v for e in entries for v in (e.values() if isinstance(e, dict) else (e,))]
        states = [getattr(v, "array", v) for v in inner]
    return (*params, *[p.array for p in params], *state, *entries, *states)


def _measures(
    rule: Rule, params: list[Tensor], entries: list[dict[str, Any]], hyper: Mapping[str, Any]
) -> Array:
    """The numbers that are kept for each parameter: (numbers, parameters)."""
    rows = [
        [
            _number(e[name] if name in e else rule.first_number(symbol, hyper, p.array))
            for p, e in zip(params, entries, strict=True)
        ]
        for symbol, name in rule.measured.items()
    ]
    return np.array(rows, np.float64).reshape(len(rows), len(entries))


def _number(value: Any) -> float:
    return float(value.item() if isinstance(value, Tensor) else value)


class ParamBatch:
    """Parameters of one dtype, with the same states, and equal step counts and other numbers."""

    def __init__(
        self,
        rule: Rule,
        group: int,
        indices: list[int],
        params: list[Tensor],
        entries: list[dict[str, Any]],
        numbers: dict[str, float],
        measures: Array,
        off: tuple[str, ...] = (),
    ) -> None:
        self.rule = rule
        self._off = dict.fromkeys(off, False)  # settings that do not hold here
        self.group = group
        self.indices = indices  # among the parameters of all groups
        self.params = params
        # Complex parameters are updated as pairs of real numbers, as in torch.
        self._is_complex = params[0].is_complex()
        self._arrays = [real_view(p.array) for p in params]
        is_float = self._arrays[0].dtype.name in ("float32", "float64")
        self._is_fusible = is_float and not rule.is_whole
        present = [
            not optional or entries[0].get(name) is not None
            for name, optional in zip(rule.states.values(), rule.may_be_absent, strict=True)
        ]
        # One array for the whole batch, so that one addition counts for all parameters; each
        # parameter's `step` is a view of it.
        self._numbers: dict[str, Array] = {
            name: np.full(len(params), value, np.float32 if name == "step" else np.float64)
            for name, value in numbers.items()
        }
        self._shared = tuple(self._numbers.values())
        # Numbers that differ from one parameter to the next, a row for each.
        self._measures = measures
        self._numbers |= dict(zip(rule.measured.values(), measures, strict=True))
        new = [
            {
                name: wrap(Tensor, values[k : k + 1].reshape(()))
                for name, values in self._numbers.items()
            }
            for k in range(len(params))
        ]
        self._states = ParamStates(rule, params, self._arrays, entries, new)
        self.changes = GradientChanges(rule.on_gradients, [p.array for p in params])
        self._lookahead = LookaheadTrace(partial(rule.trace, present))
        self._trace: Trace | None = None  # None where NumPy is to run the text
        self._scalars: Array
        self._settings: Settings  # of the last step
        self._memories: dict[tuple[Any, ...], Batch] = {}  # of each program
        self._batch: Batch | None = None  # that of the last step
        self._results: list[tuple[list[Any], dict[str, float]]] = []
        self._prepared: tuple[tuple[Array, ...], Settings]  # for the text
        self._partial: dict[int, float] = {}

    def has_equal_numbers(self) -> bool:
        """True if each number is still the same for all parameters."""
        return all(all_equal.run(values) for values in self._shared)

    @property
    def is_fused(self) -> bool:
        """True if a kernel takes the step that is prepared."""
        return self._trace is not None

    @property
    def has_global_sums(self) -> bool:
        """True if the step that is prepared needs sums over all parameters."""
        if self._trace is None:
            return bool(self._partial)
        return self._trace.has_global_sums

    # --- one step ---

    def prepare(
        self, gradients: tuple[Array, ...], hyper: Mapping[str, Any], maximize: bool
    ) -> None:
        """Get ready for a step at these settings: everything that can fail, fails here."""
        t, values = self.next_numbers()
        numbers = dict(zip(self.rule.numbers, values, strict=True))
        hyper = self.settings_at(hyper)
        gradients = self.changes(gradients, hyper)
        if self._is_complex:
            gradients = tuple(map(real_view, gradients))
        settings = self._settings = Settings(t, hyper, maximize, numbers)
        self._trace = self._find_trace(t, settings)
        if self._trace is None:
            refuse_misfit(self._arrays, gradients)
            self._prepared = gradients, settings
            self._run_text({})
            return
        self._batch = self.memory_of(self._trace)
        if self._batch is None:
            _make_room(self._memories)
            self._batch = self._make_batch(self._trace.kept, hyper)
            self._memories[self._trace[:2]] = self._batch
        self._batch.set_gradients(gradients)

    def memory_of(self, trace: Trace) -> Batch | None:
        """The arrays for the kernel of a trace; None if no step has had it yet."""
        return self._memories.get(trace[:2])

    def _find_trace(self, t: int, settings: Settings) -> Trace | None:
        if not self._is_fusible:
            return None
        try:
            trace, self._scalars = self._lookahead.at(t, settings)
        except RuleError as error:
            if self.rule not in _warned:
                _warned.add(self.rule)
                warnings.warn(f"{error}.  It runs as NumPy, which is slower.", stacklevel=6)
            return None
        # The step that creates the states happens once: not worth a second of compilation.
        return None if trace.created else trace

    def _make_batch(self, kept: tuple[int, ...], hyper: Mapping[str, Any]) -> Batch:
        """The arrays for the kernel; the states that do not exist yet are made."""
        rows = []
        for k, (symbol, follows) in enumerate(
            zip(self.rule.states, self.rule.follows_theta, strict=True)
        ):
            if k in kept or follows:
                self._states.make(symbol, hyper)
            if k in kept:
                rows.append(self._states.row(symbol))
        return Batch(self._arrays, rows, self.indices)

    def _run_text(self, totals: Mapping[int, float]) -> None:
        """Run the text by NumPy; `totals` are the sums over all parameters that are known."""
        gradients, settings = self._prepared
        sums = GlobalSums(totals)
        self._results = []
        for k, (array, g) in enumerate(zip(self._arrays, gradients, strict=True)):
            states = self._states.read(k)
            measures = self._measures[:, k].tolist()
            with sums.of_one_parameter(), draws_of(self.indices[k]):
                self._results.append(self.rule.on_arrays(settings, array, g, states, measures))
        self._partial = sums.partial

    def settings_at(self, hyper: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings of these parameters, where those of their group are `hyper`."""
        return {**hyper, **self._off} if self._off else hyper

    def scalars_function(self, hyper: Mapping[str, Any]) -> StepFunction | None:
        """The scalars of the coming steps as a function, at these settings and those like them."""
        t, numbers = self.next_numbers()
        names = dict(zip(self.rule.numbers, numbers, strict=True))
        settings = self._settings._replace(t=t, hyper=hyper, numbers=names)
        return self._lookahead.function_at(t, settings)

    def next_numbers(self) -> tuple[int, list[float]]:
        """The count of the next step, and the numbers before it."""
        t = int(self._numbers["step"][0]) + 1 if self.rule.counts_steps else 0
        return t, [float(self._numbers[name][0]) for name in self.rule.numbers.values()]

    def partial_sums(self, totals: Mapping[int, float]) -> Iterator[dict[int, float]]:
        """This batch's part of sums over all parameters, until `totals` has all of them."""
        if self._trace is not None:
            yield from self._batch.reduce(  # type: ignore[union-attr]
                self._trace.program, self._scalars, self._measures, totals
            )
            return
        while not self._partial.keys() <= totals.keys():
            yield self._partial
            self._run_text(totals)

    def run(self) -> None:
        """Take the step that was prepared."""
        if self._trace is None:
            self._store_results()
        else:
            self._batch.run(  # type: ignore[union-attr]
                self._trace.program, self._scalars, self._measures
            )
            for symbol, value in self._trace.numbers.items():
                self._numbers[self.rule.numbers[symbol]].fill(value)
        if self.rule.counts_steps:
            self._numbers["step"] += 1

    @property
    def has_new_states(self) -> bool:
        """True if the optimizer's state lacks some that the step has made."""
        return self._states.has_new

    def store_new_states(self, state: State) -> bool:
        """Put new states into `state`; True if they were made by running the text with NumPy."""
        if not self._states.has_new:
            return False
        self._states.store(state)
        return self._trace is None

    def _store_results(self) -> None:
        for k, (results, numbers) in enumerate(self._results):
            np.copyto(self._arrays[k], results[0], casting="same_kind")
            for symbol, number in numbers.items():
                name = self.rule.numbers.get(symbol) or self.rule.measured[symbol]
                self._numbers[name][k] = number
            self._states.write(k, results[1:])
        self._results = []


def _make_room(memories: dict[tuple[Any, ...], Batch]) -> None:
    if len(memories) > MOST_PROGRAMS:
        memories.clear()


_warned: set[Rule] = set()  # the rules that a warning has said are not compiled
