"""Which arrays go to which program: the parameters of a group, bundled for one kernel call each."""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.graph import bump_versions, wrap
from minigrad.kernels.fused_optimizer.multi_tensor import Batch, all_equal, are_same, refuse_misfit
from minigrad.optim.fused.lookahead import LookaheadTrace
from minigrad.optim.fused.rule import Rule, Settings
from minigrad.optim.fused.trace import RuleError, Traced
from minigrad.tensor import Tensor

Array = np.ndarray[Any, Any]
State = Mapping[Any, dict[str, Any]]


class Plan:
    """The bundles of all groups, good while parameters, states and their arrays stay the same."""

    def __init__(self, rule: Rule, asked: "StepRequest", held: "StateView") -> None:
        self._sizes, self._params = asked.sizes, asked.params
        self._held = held
        self._absent = [g is None for g in asked.gradients]
        self.bundles: list[Bundle] = []
        start = 0
        for group, size in enumerate(asked.sizes):
            members = [k for k in range(start, start + size) if not self._absent[k]]
            self._bundle(rule, group, members, asked.hypers[group], held.state)
            start += size
        self._updated = [p for bundle in self.bundles for p in bundle.params]
        self._seen = _look(self._params, held)

    def _bundle(
        self, rule: Rule, group: int, members: list[int], hyper: Mapping[str, Any], state: State
    ) -> None:
        """Bundle those members of a group that are alike."""
        alike: dict[Any, list[int]] = {}
        for k in members:
            entry = state.get(self._params[k], {})
            present = tuple(entry.get(name) is not None for name in rule.states.values())
            numbers = {"step": _number(entry.get("step", 0))} if rule.counts_steps else {}
            for symbol, name in rule.numbers.items():
                known = name in entry
                numbers[name] = _number(entry[name] if known else rule.first_number(symbol, hyper))
            kind = (self._params[k].array.dtype, present, tuple(numbers.items()))
            alike.setdefault(kind, []).append(k)
        for (_, _, numbers), some in alike.items():
            params = [self._params[k] for k in some]
            entries = [state.get(p, {}) for p in params]
            self.bundles.append(Bundle(rule, group, some, params, entries, dict(numbers)))

    def fits(self, asked: "StepRequest", held: "StateView") -> bool:
        """Whether what was bundled is still what a step is about."""
        return (
            asked.sizes == self._sizes
            and [g is None for g in asked.gradients] == self._absent
            and are_same(_look(asked.params, held), self._seen)
            and all(bundle.counts_alike() for bundle in self.bundles)
        )

    def prepare(self, asked: "StepRequest") -> None:
        """Get ready for a step: everything that can fail, fails here."""
        for bundle in self.bundles:
            gradients = tuple([asked.gradients[k].array for k in bundle.members])
            bundle.prepare(gradients, asked.hypers[bundle.group], asked.maximize[bundle.group])

    def run(self) -> None:
        """Take the step, and enter new states into the state."""
        for bundle in self.bundles:
            bundle.run()
        bump_versions(self._updated)
        if any(bundle.has_new for bundle in self.bundles):
            made_by_text = [bundle.settle(self._held.state) for bundle in self.bundles]
            # States that the text has made call for other bundles: then the plan is over.
            self._seen = () if any(made_by_text) else _look(self._params, self._held)


class StepRequest(NamedTuple):
    """What a step is asked to do: parameters and gradients of all groups in a row, and settings."""

    sizes: list[int]
    params: tuple[Tensor, ...]
    gradients: list[Any]
    hypers: list[dict[str, Any]]
    maximize: list[bool]


class StateView(NamedTuple):
    """The state of an optimizer, and whether others hold it too, who may change it any time."""

    state: dict[Any, dict[str, Any]]
    by_others: bool


def _look(params: tuple[Tensor, ...], held: StateView) -> tuple[Any, ...]:
    """Every object whose replacement a plan must notice."""
    state = held.state
    if not held.by_others:
        return (*params, *[p.array for p in params], state)
    entries = state.values()
    try:
        states = [value.array for entry in entries for value in entry.values()]
    except AttributeError:  # a user has put something else there
        inner = [v for e in entries for v in (e.values() if isinstance(e, dict) else (e,))]
        states = [getattr(v, "array", v) for v in inner]
    return (*params, *[p.array for p in params], *state, *entries, *states)


def _number(given: Any) -> float:
    return float(given.item() if isinstance(given, Tensor) else given)


class Bundle:
    """Parameters of one dtype, with the same states, and equal step counts and other numbers."""

    def __init__(
        self,
        rule: Rule,
        group: int,
        members: list[int],
        params: list[Tensor],
        entries: list[dict[str, Any]],
        numbers: dict[str, float],
    ) -> None:
        self.rule = rule
        self.group = group
        self.members = members  # their places among the parameters of all groups
        self.params = params
        self._entries = entries
        self._arrays = [p.array for p in params]
        self._is_fusible = self._arrays[0].dtype.name in ("float32", "float64")
        self._present = [
            not optional or entries[0].get(name) is not None
            for name, optional in zip(rule.states.values(), rule.may_be_absent, strict=True)
        ]
        # One array counts for all, so that one addition does; each parameter's `step` views it.
        self._numbers: dict[str, Array] = {
            name: np.full(len(params), value, np.float32 if name == "step" else np.float64)
            for name, value in numbers.items()
        }
        self._new: list[dict[str, Tensor]] = [
            {
                name: wrap(Tensor, values[k : k + 1].reshape(()))
                for name, values in self._numbers.items()
            }
            for k in range(len(params))
        ]
        self.has_new = any(self._new)
        self._lookahead: LookaheadTrace[Traced] = LookaheadTrace(rule, self._present)
        self._traced: Traced | None = None
        self._scalars: Array
        self._kept: tuple[int, ...] | None = None
        self._batch: Batch | None = None
        self._results: list[tuple[list[Any], dict[str, float]]] = []

    def counts_alike(self) -> bool:
        """Whether all of a number are equal still."""
        return all(all_equal.run(values) for values in self._numbers.values())

    # --- one step ---

    def prepare(
        self, gradients: tuple[Array, ...], hyper: Mapping[str, Any], maximize: bool
    ) -> None:
        """Get ready for a step at these settings: everything that can fail, fails here."""
        t = int(self._numbers["step"][0]) + 1 if self.rule.counts_steps else 0
        numbers = {s: float(self._numbers[name][0]) for s, name in self.rule.numbers.items()}
        settings = Settings(t, hyper, maximize, numbers)
        self._traced = self._trace(t, settings)
        if self._traced is None:
            self._run_text(gradients, settings)
            return
        if self._batch is None or self._traced.kept != self._kept:
            self._assemble(self._traced.kept, hyper)
        self._batch.set_gradients(gradients)  # type: ignore[union-attr]

    def _trace(self, t: int, settings: Settings) -> Traced | None:
        """The program for a step; None where NumPy is to run the text instead."""
        if not self._is_fusible:
            return None
        try:
            traced, self._scalars = self._lookahead.traced(t, settings)
        except RuleError as error:
            if self.rule not in _warned:
                _warned.add(self.rule)
                warnings.warn(f"{error}.  It runs as NumPy, which is slower.", stacklevel=6)
            return None
        # A step that finds no state happens once: not worth the compiler's second.
        return None if traced.created else traced

    def _assemble(self, kept: tuple[int, ...], hyper: Mapping[str, Any]) -> None:
        """Bring the arrays together, with those of the states that do not exist yet."""
        named = list(self.rule.states.items())
        states = []
        for symbol, name in (named[k] for k in kept):
            for entry, new, array in zip(self._entries, self._new, self._arrays, strict=True):
                if entry.get(name) is None and name not in new:
                    new[name] = wrap(Tensor, self.rule.first_state(symbol, array, hyper))
                    self.has_new = True
            pairs = zip(self._entries, self._new, strict=True)
            states.append([_either(new, entry, name).array for entry, new in pairs])
        self._batch, self._kept = Batch(self._arrays, states), kept

    def _run_text(self, gradients: tuple[Array, ...], settings: Settings) -> None:
        refuse_misfit(self._arrays, gradients)
        names = self.rule.states.values()
        self._results = []
        for array, g, entry in zip(self._arrays, gradients, self._entries, strict=True):
            states = [None if entry.get(n) is None else entry[n].array for n in names]
            self._results.append(self.rule.on_arrays(settings, array, g, states))

    def run(self) -> None:
        """Take the step that was prepared."""
        if self._traced is None:
            self._store_results()
        else:
            self._batch.run(self._traced.program, self._scalars)  # type: ignore[union-attr]
            for symbol, value in self._traced.numbers.items():
                self._numbers[self.rule.numbers[symbol]].fill(value)
        if self.rule.counts_steps:
            self._numbers["step"] += 1

    def settle(self, state: dict[Any, dict[str, Any]]) -> bool:
        """Enter new states into `state`; whether there were any that the text has made."""
        if not self.has_new:
            return False
        for p, entry, new in zip(self.params, self._entries, self._new, strict=True):
            entry.update(new)
            state[p] = entry
            new.clear()
        self.has_new = False
        return self._traced is None

    def _store_results(self) -> None:
        names = self.rule.states.values()
        for k, (results, numbers) in enumerate(self._results):
            array, entry, new = self._arrays[k], self._entries[k], self._new[k]
            np.copyto(array, results[0], casting="same_kind")
            for symbol, number in numbers.items():
                self._numbers[self.rule.numbers[symbol]][k] = number
            for name, value in zip(names, results[1:], strict=True):
                if value is None:
                    continue
                if entry.get(name) is None:
                    new[name] = wrap(Tensor, np.empty(array.shape, array.dtype))
                    self.has_new = True
                np.copyto(_either(new, entry, name).array, value, casting="same_kind")
        self._results = []


def _either(new: Mapping[str, Tensor], entry: Mapping[str, Tensor], name: str) -> Tensor:
    return new[name] if name in new else entry[name]


_warned: set[Rule] = set()  # the rules whose users know that they are not compiled
