"""The arguments of a call: their arrays, and a key of all else that a recording depends on."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.core import dtypes
from minigrad.engine.grad_mode import Mode
from minigrad.engine.graph import Value
from minigrad.kernels.compiler.kernel import thread_setting


class Arguments(NamedTuple):
    """The parts of a call's arguments."""

    key: tuple[Any, ...]
    arrays: list[np.ndarray]
    tensors: list[Any]  # for each array its tensor, or the array itself if it was given alone
    floats: list[float]


def arguments_of(mode: Mode, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """The parts of the arguments of a call that is made in this mode."""
    arrays: list[np.ndarray] = []
    tensors: list[Any] = []
    floats: list[float] = []
    key: list[Any] = [
        mode.grad, mode.inference, mode.overrides, thread_setting(), dtypes.default_numpy(),
    ]  # fmt: skip
    for arg in args:
        _add(arg, key, arrays, tensors, floats)
    if kwargs:
        for name, arg in kwargs.items():
            key.append(name)
            _add(arg, key, arrays, tensors, floats)
    if len(arrays) > 1:
        _add_sharing(key, arrays)
    return Arguments(tuple(key), arrays, tensors, floats)


def _add(
    arg: Any, key: list[Any], arrays: list[np.ndarray], tensors: list[Any], floats: list[float]
) -> None:
    if isinstance(arg, Value):
        array = arg.array
        flags = array.flags
        key.append(
            (
                type(arg), array.shape, array.strides, array.dtype, arg._requires_grad,
                arg.node is None, arg._needs_check, flags.writeable, flags.aligned,
                arg._hooks is None, arg._post_accumulate_hooks is None,
            )
        )  # fmt: skip
        arrays.append(array)
        tensors.append(arg)
    elif isinstance(arg, float):
        key.append(float)
        floats.append(arg)
    elif isinstance(arg, tuple | list):
        key += (type(arg), len(arg))
        for each in arg:
            _add(each, key, arrays, tensors, floats)
    elif isinstance(arg, dict):
        key += (type(arg), len(arg))
        for name, each in arg.items():
            key.append(name)
            _add(each, key, arrays, tensors, floats)
    elif isinstance(arg, np.ndarray):
        key.append((np.ndarray, arg.shape, arg.strides, arg.dtype, arg.flags.writeable))
        arrays.append(arg)
        tensors.append(arg)
    elif isinstance(arg, int | str | bool | type(None)):
        key += (type(arg), arg)
    else:
        key.append(_Same(arg))


def _add_sharing(key: list[Any], arrays: list[np.ndarray]) -> None:
    """Note which arrays share memory: a change of one is a change of the other."""
    for k, array in enumerate(arrays):
        for other in range(k):
            if np.may_share_memory(array, arrays[other]):
                key.append(("shares", k, other, array is arrays[other]))


class _Same:
    """An argument that is compared by identity, and kept alive so that its id is not another's."""

    def __init__(self, given: Any) -> None:
        self.given = given

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.given is self.given

    def __hash__(self) -> int:
        return id(self.given)


def objects_in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    """The arguments that are no tensors, arrays or numbers, such as modules."""
    for arg in (*args, *kwargs.values()):
        if isinstance(arg, tuple | list):
            yield from objects_in(tuple(arg), {})
        elif isinstance(arg, dict):
            yield from objects_in(tuple(arg.values()), {})
        elif not isinstance(arg, Value | np.ndarray | int | float | str | type(None)):
            yield arg
