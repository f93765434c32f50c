"""Calls of a function in several threads at once."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from minigrad.kernels.compiler.kernel import get_num_threads, set_num_threads


def in_threads(work: Callable[..., object], arguments: Iterable[tuple[Any, ...]]) -> None:
    """Call a function with each of these arguments in a thread of its own, and wait for all."""
    threads = [threading.Thread(target=work, args=each) for each in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextlib.contextmanager
def using_threads(count: int) -> Iterator[None]:
    """A block whose kernels use so many threads, or as many as there are."""
    before = get_num_threads()
    set_num_threads(min(count, before))
    try:
        yield
    finally:
        set_num_threads(before)
