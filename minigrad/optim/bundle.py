"""Which arrays go to which program: the parameters of a group, bundled for one kernel call each."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter, is_
from typing import Any

import numpy as np

from minigrad.graph import wrap
from minigrad.kernels.update import Batch, refuse_misfit
from minigrad.optim.rule import Rule, Settings
from minigrad.optim.trace import RuleError, Traced
from minigrad.tensor import Tensor

Array = np.ndarray[Any, Any]
State = Mapping[Any, dict[str, Any]]


class Plan:
    """The bundles of one group, good for as long as its arrays stay the same ones."""

    def __init__(
        self, rule: Rule, active: Sequence[Tensor], state: State, hyper: Mapping[str, Any]
    ) -> None:
        self._entries = [state.get(p, {}) for p in active]
        self._arrays = [p.array for p in active]
        alike: dict[Any, list[int]] = {}
        for k, entry in enumerate(self._entries):
            present = tuple(entry.get(name) is not None for name in rule.states.values())
            numbers = {"step": _number(entry.get("step", 0))} if rule.counts_steps else {}
            for symbol, name in rule.numbers.items():
                known = name in entry
                numbers[name] = _number(entry[name] if known else rule.first_number(symbol, hyper))
            kind = (self._arrays[k].dtype, present, tuple(numbers.items()))
            alike.setdefault(kind, []).append(k)
        self.bundles = [
            Bundle(
                rule,
                [active[k] for k in members],
                [self._entries[k] for k in members],
                dict(numbers),
            )
            for (_, _, numbers), members in alike.items()
        ]

    def fits(self, active: Sequence[Tensor], state: State) -> bool:
        """Whether these parameters and their states are still those that were bundled."""
        return (
            len(active) == len(self._entries)
            and all(map(is_, map(state.get, active), self._entries))
            and all(map(is_, map(_array_of, active), self._arrays))
            and all(bundle.is_current() for bundle in self.bundles)
        )


_array_of = attrgetter("array")


def _number(given: Any) -> float:
    return float(given.item() if isinstance(given, Tensor) else given)


class Bundle:
    """Parameters of one dtype, with the same states, and equal step counts and other numbers."""

    def __init__(
        self,
        rule: Rule,
        params: list[Tensor],
        entries: list[dict[str, Any]],
        numbers: dict[str, float],
    ) -> None:
        self.rule = rule
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
        self._traced_for: Settings | None = None
        self._traced: Traced | None = None
        self._kept: tuple[int, ...] | None = None
        self._batch: Batch | None = None
        self._results: list[tuple[list[Any], dict[str, float]]] = []
        self._note_states()

    def is_current(self) -> bool:
        """Whether the states are where they were, and all of a number are equal."""
        states = chain.from_iterable(map(dict.values, self._entries))
        try:
            arrays = list(map(_array_of, states))
        except AttributeError:
            return False
        return (
            len(arrays) == len(self._state_arrays)
            and all(map(is_, arrays, self._state_arrays))
            and all(len(set(values.tolist())) == 1 for values in self._numbers.values())
        )

    def _note_states(self) -> None:
        states = chain.from_iterable(map(dict.values, self._entries))
        self._state_arrays = [state.array for state in states if isinstance(state, Tensor)]

    # --- one step ---

    def prepare(self, hyper: Mapping[str, Any], maximize: bool) -> None:
        """Get ready for a step at these settings: everything that can fail, fails here."""
        steps = int(self._numbers["step"][0]) + 1 if self.rule.counts_steps else 0
        numbers = {s: float(self._numbers[name][0]) for s, name in self.rule.numbers.items()}
        settings = Settings(steps, hyper, maximize, numbers)
        if settings != self._traced_for:
            self._traced = self._trace(settings)
            self._traced_for = settings
        gradients = [p.grad.array for p in self.params]
        if self._traced is None:
            self._run_text(gradients, settings)
            return
        if self._batch is None or self._traced.kept != self._kept:
            self._assemble(self._traced.kept, hyper)
        self._batch.aim(gradients)  # type: ignore[union-attr]

    def _trace(self, settings: Settings) -> Traced | None:
        """The program for a step; None where NumPy is to run the text instead."""
        if not self._is_fusible:
            return None
        try:
            traced = self.rule.traced(settings, self._present)
        except RuleError as error:
            if self.rule not in _lamented:
                _lamented.add(self.rule)
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
            pairs = zip(self._entries, self._new, strict=True)
            states.append([_either(new, entry, name).array for entry, new in pairs])
        self._batch, self._kept = Batch(self._arrays, states), kept

    def _run_text(self, gradients: list[Array], settings: Settings) -> None:
        refuse_misfit(self._arrays, gradients)
        names = self.rule.states.values()
        self._results = []
        for array, g, entry in zip(self._arrays, gradients, self._entries, strict=True):
            states = [None if entry.get(n) is None else entry[n].array for n in names]
            self._results.append(self.rule.on_arrays(settings, array, g, states))

    def run(self, state: dict[Any, dict[str, Any]]) -> None:
        """Take the step that was prepared, and enter new states into `state`."""
        if self._traced is None:
            self._store_results()
        else:
            self._batch.run(self._traced.program, self._traced.scalars)  # type: ignore[union-attr]
            for symbol, value in self._traced.numbers.items():
                self._numbers[self.rule.numbers[symbol]].fill(value)
        if self.rule.counts_steps:
            self._numbers["step"] += 1
        if any(self._new):
            for p, entry, new in zip(self.params, self._entries, self._new, strict=True):
                entry.update(new)
                state[p] = entry
                new.clear()
            if self._traced is not None:
                self._note_states()  # else what the text has made calls for a bundle of its own
        for p in self.params:
            p.touch()

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
                np.copyto(_either(new, entry, name).array, value, casting="same_kind")
        self._results = []


def _either(new: Mapping[str, Tensor], entry: Mapping[str, Tensor], name: str) -> Tensor:
    return new[name] if name in new else entry[name]


_lamented: set[Rule] = set()  # the rules whose users know that they are not compiled
