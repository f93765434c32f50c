"""A reader for the pickles of CIFAR-10 and CIFAR-100 that runs no code from them.

It has the opcodes of the published files only; the three NumPy names in the files are compared as
text, never imported.  Anything else raises ValueError.
"""

import math
from typing import Any, Literal

import numpy as np

from minigrad.core.types import Array
from minigrad.core.unpickler import Unpickler


class _Name:
    """A name in a pickle; with `of`, the arguments with which the pickle calls it."""

    def __init__(self, name: str, of: Any = None) -> None:
        self.name, self.of = name, of


_NAMES = {
    "numpy.core.multiarray _reconstruct": "reconstruct",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
}


class _Array:
    """An array that the pickle has made and not yet filled."""

    content: Array | None = None


class _BatchUnpickler(Unpickler):
    """The machine for batches: strings are bytes, arrays have two dimensions."""

    key_types = (bytes,)
    where, needs = "no batch", "no batch needs"
    # fmt: off
    opcodes = frozenset((
        "PROTO", "STOP", "MARK", "EMPTY_DICT", "EMPTY_LIST", "NONE", "NEWFALSE", "BININT",
        "BININT1", "BININT2", "LONG1", "BINSTRING", "SHORT_BINSTRING", "TUPLE", "TUPLE1", "TUPLE2",
        "TUPLE3", "APPENDS", "SETITEMS", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET",
        "GLOBAL", "REDUCE", "BUILD",
    ))
    # fmt: on

    def text(self, content: bytes) -> bytes:
        return content

    def find(self, name: str) -> _Name:
        if name not in _NAMES:
            super().find(name)
        return _Name(_NAMES[name])

    def call(self, called: Any, arguments: Any) -> Any:
        """A call: of `_reconstruct(ndarray, (0,), b'b')` or `dtype('u1', 0, 1)`, and no other."""
        name = called.name if isinstance(called, _Name) and called.of is None else None
        if name == "reconstruct" and isinstance(arguments, tuple) and len(arguments) == 3:
            of, *rest = arguments
            if isinstance(of, _Name) and of.name == "ndarray" and _same(rest, [(0,), b"b"]):
                return _Array()
        if name == "dtype" and _same(arguments, (b"u1", 0, 1)):
            return _Name("dtype", of=arguments)
        raise ValueError(f"it calls {name or 'something'} with unexpected arguments")

    def build(self, made: Any, state: Any) -> None:
        """Set the state of the last object: a dtype's, always the same, or an array's."""
        if isinstance(made, _Name) and made.of is not None:
            if not _same(state, (3, b"|", None, None, None, -1, -1, 0)):
                raise ValueError("it gives a dtype an unexpected state")
        elif isinstance(made, _Array) and made.content is None:
            made.content = _array_from(state)
        else:
            raise ValueError("it sets the state of something that is no array")


def _same(found: Any, expected: Any) -> bool:
    """Equality of plain values; it calls no method of objects of other types."""
    if type(found) is not type(expected):
        return False
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(_same, found, expected))
    return bool(found == expected)


def _array_from(state: object) -> Array:
    if not isinstance(state, tuple) or len(state) != 5:
        raise ValueError("an array should have a state of five values")
    version, shape, dtype, fortran_order, content = state
    if not (isinstance(dtype, _Name) and dtype.of is not None) or type(fortran_order) is not bool:
        raise ValueError("an array should hold uint8 values")
    if version != 1 or type(shape) is not tuple or len(shape) != 2:
        raise ValueError("an array should have a shape of two integers")
    if not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError("an array should have a shape of two integers >= 0")
    if type(content) is not bytes or len(content) != math.prod(shape):
        raise ValueError(f"the array's content does not have the length of its shape {shape}")
    order: Literal["F", "C"] = "F" if fortran_order else "C"
    return np.frombuffer(content, np.uint8).reshape(shape, order=order)


def unpickle(content: bytes) -> Any:
    """The content of a pickle of CIFAR, strings as bytes; ValueError for any other pickle."""
    return _with_arrays(_BatchUnpickler().load(content))


def _with_arrays(result: Any) -> Any:
    """The result with arrays in place of `_Array`, at the positions where batches have them."""
    if not isinstance(result, dict):
        return result
    return {
        key: value.content if isinstance(value, _Array) else value for key, value in result.items()
    }
