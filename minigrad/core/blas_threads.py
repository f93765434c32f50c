"""NumPy's BLAS and LAPACK on one thread, while minigrad calls them.

On more, the order of their sums follows from the number of threads, and with it the last bits of a
factorization.  On matrices of some hundred rows more threads also cost time: beside a busy process
a Cholesky factorization of 300 rows took 570 ms on two threads, and 0.4 on one.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, TypeVar, cast

from numpy.linalg import _umath_linalg

F = TypeVar("F", bound=Callable[..., Any])

# How the libraries that NumPy may be built with call the two functions.
_NAMES = (
    ("scipy_openblas_get_num_threads64_", "scipy_openblas_set_num_threads64_"),
    ("scipy_openblas_get_num_threads", "scipy_openblas_set_num_threads"),
    ("openblas_get_num_threads64_", "openblas_set_num_threads64_"),
    ("openblas_get_num_threads", "openblas_set_num_threads"),
    ("MKL_Get_Max_Threads", "MKL_Set_Num_Threads"),
    ("bli_thread_get_num_threads", "bli_thread_set_num_threads"),
)


@cache
def _thread_count() -> tuple[Callable[[], int], Callable[[int], None]]:
    """The functions that read and set the number of threads; those of no library do nothing."""
    try:
        library = ctypes.CDLL(_umath_linalg.__file__)  # and what it was linked with
    except OSError:
        return lambda: 1, lambda n: None
    for read, write in _NAMES:
        if hasattr(library, read) and hasattr(library, write):
            return getattr(library, read), getattr(library, write)
    return lambda: 1, lambda n: None


_lock = threading.RLock()  # a signal handler may call, too
_callers = 0  # in all Python threads
_before = 1
if hasattr(os, "register_at_fork"):  # in a fork it stays as another thread held it
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Have NumPy's BLAS use one thread; the last to leave gives it back those it had."""
    global _callers, _before  # noqa: PLW0603  the setting is the process's
    read, write = _thread_count()
    with _lock:
        if not _callers:
            _before = read()
            write(1)
        _callers += 1
    try:
        yield
    finally:
        with _lock:
            _callers -= 1
            if not _callers:
                write(_before)


def on_one_thread(function: F) -> F:
    """The function, which calls BLAS on one thread."""

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with one_blas_thread():
            return function(*args, **kwargs)

    return cast("F", called)  # with all its overloads
