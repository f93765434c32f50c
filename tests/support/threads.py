"""Calls of a function in several threads at once."""

import threading
from collections.abc import Callable, Iterable
from typing import Any


def in_threads(work: Callable[..., object], arguments: Iterable[tuple[Any, ...]]) -> None:
    """Call a function with each of these arguments in a thread of its own, and wait for all."""
    threads = [threading.Thread(target=work, args=each) for each in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
