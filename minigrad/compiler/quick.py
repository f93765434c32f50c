"""Arguments that are like those of an earlier call, recognised by few compiled comparisons."""

from operator import attrgetter
from typing import Any

from minigrad.compiler.arguments import Arguments
from minigrad.core import dtypes
from minigrad.engine.grad_mode import Mode
from minigrad.engine.graph import Value
from minigrad.kernels.replay.guards import Headers, arrays_are_known

_array_of = attrgetter("array")
# What plain tensors have in common, which most arguments are.
PLAIN_ATTRIBUTES = {
    "_requires_grad": False, "_needs_check": False, "node": None, "_hooks": None,
    "_post_accumulate_hooks": None,
}  # fmt: skip
_state_of = attrgetter(*PLAIN_ATTRIBUTES)
_PLAIN = tuple(PLAIN_ATTRIBUTES.values())


class QuickArguments:
    """Plain tensors that lie apart, given in the order of parameters, and the case they belong to.

    `arguments_of` gives the same for all kinds of arguments, and takes five times as long.
    """

    def __init__(self, mode: Mode, arguments: Arguments, case: Any) -> None:
        self.case = case
        self._key = arguments.key
        self.kinds = [type(tensor) for tensor in arguments.tensors]
        self._states = [_PLAIN] * len(self.kinds)
        self._mode = _mode_of(mode)
        self.headers = Headers(tuple(arguments.arrays))

    @staticmethod
    def of(
        mode: Mode, args: tuple[Any, ...], kwargs: dict[str, Any], arguments: Arguments, case: Any
    ) -> "QuickArguments | None":
        """What recognises such arguments again, or None if only `arguments_of` does."""
        if kwargs or not args or not all(isinstance(arg, Value) for arg in args):
            return None
        if any(_state_of(arg) != _PLAIN for arg in args) or not arrays_are_known():
            return None
        quick = QuickArguments(mode, arguments, case)
        return quick if quick.recognise(mode, args) is not None else None

    def recognise(self, mode: Mode, args: tuple[Any, ...]) -> Arguments | None:
        """The parts of the arguments, or None if they are others."""
        if list(map(type, args)) != self.kinds or _mode_of(mode) != self._mode:
            return None
        if list(map(_state_of, args)) != self._states:
            return None
        arrays = tuple(map(_array_of, args))
        if not self.headers.match(arrays):
            return None
        return Arguments(self._key, list(arrays), list(args), [])


def _mode_of(mode: Mode) -> tuple[Any, ...]:
    return mode.grad, mode.inference, mode.overrides, dtypes.default_numpy()
