"""NumPy's scalars and arrays in pickles of torch's files, without NumPy's own unpickling."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.unpickler import Unpickler

_INTEGERS = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8")
_KINDS = ("b1", *_INTEGERS, "f2", "f4", "f8", "c8", "c16")

_NATIVE_ORDER = "<" if sys.byteorder == "little" else ">"


class NumpyName:
    """A class or function of NumPy's that a pickle names."""

    def __init__(self, name: str) -> None:
        self.name = name


class NumpyDType:
    """A dtype of numbers or bools, whose byte order is set after it was made."""

    def __init__(self, kind: str) -> None:
        self.name, self.order = kind, "="

    def dtype(self) -> np.dtype[Any]:
        swapped = self.order in "<>" and self.order != _NATIVE_ORDER
        plain = np.dtype(self.name)
        return plain.newbyteorder("S") if swapped else plain


def _dtype(machine: Unpickler, arguments: tuple[Any, ...]) -> NumpyDType:
    kind = arguments[0] if arguments else None
    flags = arguments[1:]
    if type(kind) is not str or len(flags) > 2 or not all(f in (0, 1) for f in flags if _plain(f)):
        raise ValueError("it calls numpy.dtype with unexpected arguments")
    if kind not in _KINDS or not all(map(_plain, flags)):
        raise ValueError("it holds an array of a dtype that is not read")
    return NumpyDType(kind)


def _plain(value: object) -> bool:
    return type(value) in (bool, int)


def _scalar(machine: Unpickler, arguments: tuple[Any, ...]) -> Any:
    if (
        len(arguments) != 2
        or type(arguments[0]) is not NumpyDType
        or type(arguments[1]) is not bytes
    ):
        raise ValueError("a NumPy scalar should have a dtype and bytes")
    dtype, content = arguments[0].dtype(), arguments[1]
    if len(content) != dtype.itemsize:
        raise ValueError("a NumPy scalar does not have the size of its dtype")
    return np.frombuffer(content, dtype)[0]


def _reconstruct(machine: Unpickler, arguments: tuple[Any, ...]) -> np.ndarray[Any, Any]:
    """An array without elements, which `set_numpy_state` fills."""
    if len(arguments) != 3 or type(arguments[0]) is not NumpyName:
        raise ValueError("an array should be made of its class")
    if arguments[0].name != "numpy ndarray" or type(arguments[1]) is not tuple:
        raise ValueError("an array should be made of the class ndarray")
    return np.empty(0, np.int8)


def _frombuffer(machine: Unpickler, arguments: tuple[Any, ...]) -> np.ndarray[Any, Any]:
    if len(arguments) != 4:
        raise ValueError("an array should have bytes, a dtype, a shape and an order")
    content, dtype, shape, order = arguments
    if type(order) is not str or order not in ("C", "F"):
        raise ValueError("an array should have its elements in order C or F")
    of = _checked(machine, shape, dtype, content)
    flat: np.ndarray[Any, Any] = np.frombuffer(bytearray(content), of)
    return flat.reshape(shape, order="C" if order == "C" else "F")


def _not_a_call(machine: Unpickler, arguments: tuple[Any, ...]) -> Any:
    raise ValueError("it calls numpy.ndarray")


NUMPY_CALLS: dict[str, Callable[[Unpickler, tuple[Any, ...]], Any]] = {
    "numpy dtype": _dtype,
    "numpy ndarray": _not_a_call,
    "numpy._core.multiarray scalar": _scalar,
    "numpy._core.multiarray _reconstruct": _reconstruct,
    "numpy._core.numeric _frombuffer": _frombuffer,
}
"""NumPy's names that a pickle may have, and what a call of them gives."""


def set_numpy_state(machine: Unpickler, made: Any, state: Any) -> None:
    """Set the state of a dtype or an array.  Raises ValueError for anything else."""
    if type(made) is NumpyDType:
        if type(state) is not tuple or len(state) < 2 or state[0] != 3:
            raise ValueError("it gives a dtype an unexpected state")
        if type(state[1]) is not str or state[1] not in ("<", ">", "|", "="):
            raise ValueError("it gives a dtype an unexpected byte order")
        if any(part is not None for part in state[2:5]):
            raise ValueError("it holds an array of a dtype with fields, which is not read")
        made.order = state[1]
    elif type(made) is np.ndarray and made.shape == (0,) and made.dtype == np.int8:
        if type(state) is not tuple or len(state) != 5 or type(state[3]) is not bool:
            raise ValueError("an array should have a state of five values")
        _, shape, dtype, fortran_order, content = state
        of = _checked(machine, shape, dtype, content)
        # NumPy may keep these bytes for the array's memory, so they are new ones.
        made.__setstate__((1, shape, of, fortran_order, bytes(bytearray(content))))
    else:
        raise ValueError("it sets the state of something that has none")


def _checked(machine: Unpickler, shape: Any, dtype: Any, content: Any) -> np.dtype[Any]:
    """The dtype of an array.  Raises ValueError unless the bytes have the length of its shape."""
    if type(dtype) is not NumpyDType:
        raise ValueError("an array's dtype is missing")
    if type(shape) is not tuple or len(shape) > 32:
        raise ValueError("an array should have a shape of at most 32 sizes")
    count = dtype.dtype().itemsize
    for size in shape:
        if type(size) is not int or not 0 <= size < 1 << 60:
            raise ValueError("an array should have sizes >= 0")
        count = min(count * size, 1 << 62)
    if type(content) not in (bytes, bytearray) or len(content) != count:
        raise ValueError("an array's content does not have the length of its shape")
    machine.take(2 * len(content) + 200)
    return dtype.dtype()
