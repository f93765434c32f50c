"""A step that differs from the one before in its gradients and its count alone.

Most steps do.  What has to be looked at then is that nothing else has changed, which takes a
fraction of what planning a step takes.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from minigrad.core.types import Array
from minigrad.engine.graph import bump_versions, grads_of
from minigrad.kernels.compiler.numpy_abi import are_same
from minigrad.optim.fused.param_batch import Plan, StateView
from minigrad.tensor import Tensor

_NOTHING = type(None)
# Settings of these types are what they were if they are the same objects.
_UNCHANGING = (bool, int, float, str, _NOTHING)


class RepeatedStep:
    """A plan whose last step can be repeated, and the settings of that step."""

    def __init__(self, plan: Plan, groups: Sequence[dict[str, Any]]) -> None:
        self._plan = plan
        self._params: tuple[Tensor, ...] = plan.params
        self._settings = _settings_of(groups)
        self._sizes = _sizes_of(groups)
        self._run_all = [(batch, batch.indices) for batch in plan.batches]

    @staticmethod
    def of(plan: Plan, groups: Sequence[dict[str, Any]]) -> "RepeatedStep | None":
        """The step that `plan` has taken; None if its repetition needs more than gradients."""
        values = [v for group in groups for name, v in group.items() if name != "params"]
        if not all(map(_is_unchanging, values)):
            return None
        return RepeatedStep(plan, groups) if plan.is_repeatable() else None

    def take(self, groups: Sequence[dict[str, Any]], view: StateView) -> bool:
        """Take the step again; False, and nothing is done, if something else has changed.

        Raises RuntimeError if a gradient does not fit its parameter; no parameter has changed then.
        """
        if _sizes_of(groups) != self._sizes or not are_same(_settings_of(groups), self._settings):
            return False
        gradients = grads_of(self._params)
        if _NOTHING in map(type, gradients) or not self._plan.is_current(view):
            return False
        arrays: list[Array] = [g.array for g in gradients]
        for batch, indices in self._run_all:
            if not batch.repeat(tuple([arrays[k] for k in indices])):
                return False
        for batch, _ in self._run_all:
            batch.run()
        bump_versions(self._params)
        return True


def _is_unchanging(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_unchanging, value))
    return isinstance(value, _UNCHANGING)


def _settings_of(groups: Sequence[dict[str, Any]]) -> tuple[Any, ...]:
    """All settings of all groups, and their parameters."""
    values = chain.from_iterable([group.values() for group in groups])
    return (*values, *chain.from_iterable([group["params"] for group in groups]))


def _sizes_of(groups: Sequence[dict[str, Any]]) -> list[int]:
    return [len(group["params"]) for group in groups]
