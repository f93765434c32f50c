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
    """Plain tensors that lie apart, and floats, in the order of parameters; and their case.

    `arguments_of` gives the same for all kinds of arguments, and takes five times as long.
    """

    def __init__(self, mode: Mode, args: tuple[Any, ...], arguments: Arguments, case: Any) -> None:
        self.case = case
        self.arguments = len(args)
        self.floats_at = [k for k, arg in enumerate(args) if type(arg) is float]
        self.tensors_at = [k for k, arg in enumerate(args) if type(arg) is not float]
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
        tensors = [arg for arg in args if type(arg) is not float]
        if kwargs or not tensors or not all(isinstance(arg, Value) for arg in tensors):
            return None
        if any(_state_of(arg) != _PLAIN for arg in tensors) or not arrays_are_known():
            return None
        quick = QuickArguments(mode, args, arguments, case)
        return quick if quick.recognise(mode, args) is not None else None

    def recognise(self, mode: Mode, args: tuple[Any, ...]) -> Arguments | None:
        """The parts of the arguments, or None if they are others."""
        floats: list[float] = []
        if self.floats_at:
            if len(args) != self.arguments:
                return None
            floats = [args[k] for k in self.floats_at]
            if any(type(x) is not float for x in floats):
                return None
            args = tuple([args[k] for k in self.tensors_at])
        if list(map(type, args)) != self.kinds or _mode_of(mode) != self._mode:
            return None
        if list(map(_state_of, args)) != self._states:
            return None
        arrays = tuple(map(_array_of, args))
        if not self.headers.match(arrays):
            return None
        return Arguments(self._key, list(arrays), list(args), floats)


def _mode_of(mode: Mode) -> tuple[Any, ...]:
    return mode.grad, mode.inference, mode.overrides, dtypes.default_numpy()
