"""The states of a batch of parameters: made when they are first needed, in full or in 8 bits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.core.complex_arrays import complex_of, real_view
from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.kernels.fused_optimizer.eight_bits import decoded, encoded
from minigrad.kernels.fused_optimizer.multi_tensor import CodedState
from minigrad.optim.fused.rule import Rule
from minigrad.optim.optimizer.state_dict import State
from minigrad.tensor import Tensor


class ParamStates:
    """What an optimizer's state has for parameters of one dtype, or is to have after a step.

    `entries` are the dicts in the optimizer's state; `new` has what they lack so far.
    """

    def __init__(
        self,
        rule: Rule,
        params: Sequence[Tensor],
        arrays: Sequence[Array],
        entries: Sequence[dict[str, Any]],
        new: list[dict[str, Tensor]],
    ) -> None:
        self._rule = rule
        self._params = params
        self._arrays = arrays
        self._entries = entries
        self._new = new
        self._is_complex = params[0].is_complex()
        self.has_new = any(new)

    def make(self, symbol: str, hyper: Mapping[str, Any]) -> None:
        """Make a state for the parameters that have none."""
        name = self._rule.states[symbol]
        for k, array in enumerate(self._arrays):
            if self._entries[k].get(name) is None and name not in self._new[k]:
                self._add(k, symbol, self._rule.first_state(symbol, array, hyper))

    def _add(self, k: int, symbol: str, value: Array) -> None:
        """Give parameter k a new state."""
        name, code = self._rule.states[symbol], self._rule.eight_bits.get(symbol)
        self.has_new = True
        if code is None:
            # That of a complex parameter is complex.
            self._new[k][name] = wrap(Tensor, complex_of(value) if self._is_complex else value)
            return
        codes, largest = encoded(value, code)
        self._new[k][name] = wrap(Tensor, codes)
        self._new[k][self._rule.largest[name]] = wrap(Tensor, largest)

    def _array(self, k: int, name: str) -> Array:
        """The array of a state that parameter k has."""
        found = self._new[k] if name in self._new[k] else self._entries[k]
        array: Array = real_view(found[name].array)
        return array

    def row(self, symbol: str) -> list[Array] | CodedState:
        """A state's arrays for the kernel, one for each parameter."""
        name = self._rule.states[symbol]
        indices = range(len(self._arrays))
        arrays = [self._array(k, name) for k in indices]
        if symbol not in self._rule.eight_bits:
            return arrays
        return CodedState(arrays, [self._array(k, self._rule.largest[name]) for k in indices])

    def read(self, k: int) -> list[Array | None]:
        """The states of parameter k as numbers; None for those that it does not have."""
        found: list[Array | None] = []
        for symbol, name in self._rule.states.items():
            value = self._entries[k].get(name)
            if value is None or symbol not in self._rule.eight_bits:
                found.append(None if value is None else real_view(value.array))
            else:
                largest = self._entries[k][self._rule.largest[name]].array
                found.append(decoded(value.array, largest, self._arrays[k].dtype))
        return found

    def write(self, k: int, values: Sequence[Array | None]) -> None:
        """Store new values of the states of parameter k."""
        for (symbol, name), value in zip(self._rule.states.items(), values, strict=True):
            if value is None:
                continue
            if self._entries[k].get(name) is None and name not in self._new[k]:
                self._add(k, symbol, np.zeros(np.shape(value), self._arrays[k].dtype))
            code = self._rule.eight_bits.get(symbol)
            if code is None:
                np.copyto(self._array(k, name), value, casting="same_kind")
            else:
                codes, largest = encoded(np.asarray(value), code)
                np.copyto(self._array(k, name), codes)
                np.copyto(self._array(k, self._rule.largest[name]), largest)

    def store(self, state: State) -> None:
        """Put what is new into an optimizer's state."""
        for p, entry, new in zip(self._params, self._entries, self._new, strict=True):
            entry.update(new)
            state[p] = entry
            new.clear()
        self.has_new = False
