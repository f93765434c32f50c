"""NumPy's allocations made to fail: the one of a given number, or all from it on.

The allocator is compiled: NumPy calls it with an exception set, where Python code cannot run.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numba import carray, cfunc, types

from tests.support.numpy_memory import Handler, capsule, set_handler

_libc = ctypes.CDLL(None)
_address, _size = ctypes.c_void_p, ctypes.c_size_t
_malloc, _calloc, _realloc, _free = _libc.malloc, _libc.calloc, _libc.realloc, _libc.free
_malloc.restype = _calloc.restype = _realloc.restype = _address
_free.restype = None
_malloc.argtypes, _calloc.argtypes = [_size], [_size, _size]
_realloc.argtypes, _free.argtypes = [_address, _size], [_address]

# Allocations left until one fails, 0 once it has; and whether all that follow fail as well.
_state = np.zeros(2, np.int64)
_pointer, _count = types.voidptr, types.uintp


@cfunc(_pointer(_pointer, _count))
def _failing_malloc(context, size):
    state = carray(context, 2, np.int64)
    fails = state[0] == 0 and state[1] == 1
    if state[0] > 0 and size > 1:  # where there are no elements, NumPy ends in a SystemError
        state[0] -= 1
        fails = state[0] == 0
    return _malloc(2**62 if fails else size)


@cfunc(_pointer(_pointer, _count, _count))
def _failing_calloc(context, count, size):
    state = carray(context, 2, np.int64)
    fails = state[0] == 0 and state[1] == 1
    if state[0] > 0 and count * size > 1:
        state[0] -= 1
        fails = state[0] == 0
    return _calloc(count, 2**62 if fails else size)


@cfunc(_pointer(_pointer, _pointer, _count))
def _plain_realloc(context, address, size):
    return _realloc(address, size)


@cfunc(types.void(_pointer, _pointer, _count))
def _plain_free(context, address, size):
    _free(address)


_handler = Handler(
    b"failing",
    1,
    _state.ctypes.data,
    Handler.malloc(_failing_malloc.address),
    Handler.calloc(_failing_calloc.address),
    Handler.realloc(_plain_realloc.address),
    Handler.free(_plain_free.address),
)
_capsule = capsule(_handler)


class Countdown:
    """Says how many allocations are left until one fails: 0 once it has."""

    @property
    def left(self) -> int:
        return int(_state[0])


@contextmanager
def failing(number: int, goes_on: bool = False) -> Iterator[Countdown]:
    """Let allocation `number` of this thread's arrays fail, counted from 1, or all from it on."""
    previous: Any = set_handler(_capsule)
    _state[:] = number, goes_on
    try:
        yield Countdown()
    finally:
        _state[1] = 0
        set_handler(previous)
