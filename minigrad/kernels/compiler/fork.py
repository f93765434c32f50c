"""Forks of a process that has started threads: they compute on one thread.

A fork has a copy of the memory, but of the threads only the one that called `fork`.  GNU OpenMP
waits for its other threads for ever, and Numba ends such a process.  A lock that another thread
held stays locked.
"""

import ctypes
import os
import threading
from typing import Any

from llvmlite import binding
from numba.core.compiler_lock import global_compiler_lock
from numba.np.ufunc import parallel

# Held while a parallel kernel runs, where the threading layer allows one at a time.
one_launch_at_a_time = threading.RLock()  # a signal handler may launch another

# Held by whoever compiles a task kernel.
one_compilation_at_a_time = threading.RLock()

# No kernel runs on more threads than this number, which machine code reads by the symbol's name.
LIMIT_SYMBOL = "minigrad_thread_limit"
_limit = ctypes.c_int32(2**31 - 1)
binding.add_symbol(LIMIT_SYMBOL, ctypes.addressof(_limit))

_MISSING: Any = threading.RLock()
# In the order in which a thread takes them.
_LOCKS = (
    one_launch_at_a_time,
    one_compilation_at_a_time,
    global_compiler_lock,
    getattr(parallel, "_backend_init_thread_lock", _MISSING),
)


def thread_limit() -> int:
    """Return the largest number of threads that kernels may use in this process: 1 in a fork."""
    return _limit.value


def _acquire() -> None:
    """Wait until no other thread compiles: a fork would find its work half done."""
    for lock in _LOCKS:
        lock.acquire()


def _release() -> None:
    for lock in reversed(_LOCKS):
        lock.release()


def _enter_fork() -> None:
    if getattr(parallel, "_is_initialized", True):
        _limit.value = 1
    _release()


def watch_forks() -> None:
    """Have forks of this process compute on one thread if it has started threads."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_acquire, after_in_parent=_release, after_in_child=_enter_fork)
