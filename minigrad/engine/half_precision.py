"""float16 is computed in float32: sums neither overflow nor underflow, and are rounded once."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

from minigrad.core import dtypes
from minigrad.engine.graph import Value
from minigrad.engine.overrides import SWITCH, ask, ask_or_raise, mark_asking, overriding

F = TypeVar("F", bound=Callable[..., Any])

HALF = np.dtype(np.float16)


def in_float32(function: F) -> F:
    """Decorate a function of tensors: of float16 ones it is computed in float32, and rounded."""

    @functools.wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        if SWITCH.on and (asked := overriding(args, settings)):
            return ask(call, asked, args, settings)
        try:
            if _gives_half((*args, *settings.values())):
                return through_float32(function, args, settings)
            return function(*args, **settings)
        except (AttributeError, TypeError):
            return ask_or_raise(call, args, settings)

    mark_asking(call)
    return call  # type: ignore[return-value]


def holds_half(args: Iterable[Any]) -> bool:
    """Whether there is a tensor of float16 among the arguments."""
    return any(isinstance(arg, Value) and arg.array.dtype == HALF for arg in args)


def _gives_half(args: Iterable[Any]) -> bool:
    """Whether float16 is the common dtype of the arguments: others of float are 0-d."""
    found = False
    for arg in args:
        if isinstance(arg, Value):
            array = arg.array
            if array.dtype == HALF:
                found = True
            elif array.dtype.kind == "f" and array.ndim:
                return False
    return found


def through_float32(
    function: Callable[..., Any], args: tuple[Any, ...], settings: dict[str, Any]
) -> Any:
    """The function of arguments cast to float32; its result is float16 unless a dtype is given.

    Of several results the first is cast; others, such as statistics, stay float32.
    """
    wide = {name: _widened(value) for name, value in settings.items()}
    result = function(*map(_widened, args), **wide)
    if settings.get("dtype") is not None:
        return result
    if isinstance(result, tuple):
        return (_rounded(result[0]), *result[1:])
    return _rounded(result)


def _widened(arg: Any) -> Any:
    if isinstance(arg, Value) and arg.array.dtype == HALF:
        return arg.to(dtypes.float32)
    return arg


def _rounded(result: Any) -> Any:
    if result.array.dtype != np.float32:
        return result
    rounded = result.to(dtypes.float16)
    if rounded.node is not None:  # called what the operation's node is called
        rounded.node.label = result.node.name()
    return rounded
