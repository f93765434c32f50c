"""Which arrays go to which program: the parameters of a group, bundled for one kernel call each."""

import warnings
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import is_
from typing import Any

import numpy as np

from minigrad.graph import wrap
from minigrad.kernels.update import Batch, refuse_misfit
from minigrad.optim.rule import Rule
from minigrad.optim.trace import RuleError, Traced
from minigrad.tensor import Tensor

Array = np.ndarray[Any, Any]
State = Mapping[Any, dict[str, Any]]


class Plan:
    """The bundles of one group, good for as long as its arrays stay the same ones."""

    def __init__(self, rule: Rule, active: Sequence[Tensor], state: State) -> None:
        self._entries = [state.get(p, {}) for p in active]
        self._arrays = [p.array for p in active]
        alike: dict[Any, list[int]] = {}
        for k, entry in enumerate(self._entries):
            present = tuple(entry.get(name) is not None for name in rule.states.values())
            kind = (self._arrays[k].dtype, present, _steps_taken(entry))
            alike.setdefault(kind, []).append(k)
        self.bundles = [
            Bundle(rule, [active[k] for k in members], [self._entries[k] for k in members], kind[2])
            for kind, members in alike.items()
        ]

    def fits(self, active: Sequence[Tensor], state: State) -> bool:
        """Whether these parameters and their states are still those that were bundled."""
        return (
            len(active) == len(self._entries)
            and all(map(is_, map(state.get, active), self._entries))
            and all(map(is_, [p.array for p in active], self._arrays))
            and all(bundle.is_current() for bundle in self.bundles)
        )


def _steps_taken(entry: Mapping[str, Any]) -> int:
    step = entry.get("step", 0)
    return int(step.item() if isinstance(step, Tensor) else step)


class Bundle:
    """Parameters of one dtype, with the same states, that have taken the same number of steps."""

    def __init__(
        self, rule: Rule, params: list[Tensor], entries: list[dict[str, Any]], steps: int
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
        self._steps = np.full(len(params), steps, np.float32)
        self._new: list[dict[str, Tensor]] = [
            {"step": wrap(Tensor, self._steps[k : k + 1].reshape(()))} if rule.counts_steps else {}
            for k in range(len(params))
        ]
        self._traced_for: Any = None
        self._traced: Traced | None = None
        self._kept: tuple[int, ...] | None = None
        self._batch: Batch | None = None
        self._results: list[tuple[Any, ...]] = []
        self._note_states()

    def is_current(self) -> bool:
        """Whether the states are where they were, and all step counts are equal."""
        states = chain.from_iterable(map(dict.values, self._entries))
        try:
            arrays = [state.array for state in states]
        except AttributeError:
            return False
        return (
            len(arrays) == len(self._state_arrays)
            and all(map(is_, arrays, self._state_arrays))
            and len(set(self._steps.tolist())) == 1
        )

    def _note_states(self) -> None:
        states = chain.from_iterable(map(dict.values, self._entries))
        self._state_arrays = [state.array for state in states if isinstance(state, Tensor)]

    # --- one step ---

    def prepare(self, hyper: Mapping[str, Any], maximize: bool) -> None:
        """Get ready for a step at these settings: everything that can fail, fails here."""
        steps = int(self._steps[0]) + 1 if self.rule.counts_steps else 0
        settings = (steps, hyper, maximize)
        if settings != self._traced_for:
            self._traced = self._trace(*settings)
            self._traced_for = settings
        gradients = [p.grad.array for p in self.params]
        if self._traced is None:
            self._run_text(gradients, *settings)
            return
        if self._batch is None or self._traced.kept != self._kept:
            self._assemble(self._traced.kept)
        self._batch.aim(gradients)  # type: ignore[union-attr]

    def _trace(self, steps: int, hyper: Mapping[str, Any], maximize: bool) -> Traced | None:
        """The program for a step; None where NumPy is to run the text instead."""
        if not self._is_fusible:
            return None
        try:
            traced = self.rule.traced(steps, hyper, maximize, self._present)
        except RuleError as error:
            if self.rule not in _lamented:
                _lamented.add(self.rule)
                warnings.warn(f"{error}.  It runs as NumPy, which is slower.", stacklevel=6)
            return None
        # A step that finds no state happens once: not worth the compiler's second.
        return None if traced.created else traced

    def _assemble(self, kept: tuple[int, ...]) -> None:
        """Bring the arrays together, with zeros for the states that do not exist yet."""
        names = list(self.rule.states.values())
        states = []
        for name in (names[k] for k in kept):
            for entry, new, array in zip(self._entries, self._new, self._arrays, strict=True):
                if entry.get(name) is None and name not in new:
                    new[name] = wrap(Tensor, np.zeros(array.shape, array.dtype))
            pairs = zip(self._entries, self._new, strict=True)
            states.append([_either(new, entry, name).array for entry, new in pairs])
        self._batch, self._kept = Batch(self._arrays, states), kept

    def _run_text(
        self, gradients: list[Array], steps: int, hyper: Mapping[str, Any], maximize: bool
    ) -> None:
        refuse_misfit(self._arrays, gradients)
        names = self.rule.states.values()
        self._results = []
        for array, g, entry in zip(self._arrays, gradients, self._entries, strict=True):
            states = [None if entry.get(n) is None else entry[n].array for n in names]
            self._results.append(self.rule.on_arrays(steps, hyper, maximize, array, g, states))

    def run(self, state: dict[Any, dict[str, Any]]) -> None:
        """Take the step that was prepared, and enter new states into `state`."""
        if self._traced is None:
            self._store_results()
        else:
            self._batch.run(self._traced.program, self._traced.scalars)  # type: ignore[union-attr]
        self._steps += 1
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
        for results, array, entry, new in zip(
            self._results, self._arrays, self._entries, self._new, strict=True
        ):
            np.copyto(array, results[0], casting="same_kind")
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
