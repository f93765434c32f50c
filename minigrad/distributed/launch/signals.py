"""Signals to `minigrad run`, which hands them on to its processes and lets these end by themselves.

MPI's launcher does not see them: it has a session of its own, so Ctrl-C in a terminal comes here
alone.
"""

import signal
import threading
import time

from minigrad.core.noted_signals import NotedSignals

__all__ = ["Signals", "raise_in_main_thread"]


class Signals(NotedSignals):
    """A block in which the first signal is noted, and whether it was Ctrl-C and came twice."""

    def __init__(self) -> None:
        super().__init__()
        self.came = 0.0  # when
        self.hurried = False  # whether Ctrl-C came twice

    def note(self, name: str) -> None:
        """Note a signal, when it is the first, with its time."""
        self.hurried = self.hurried or self.name == name == "SIGINT"
        if self.name is None:
            self.name, self.came = name, time.monotonic()


def raise_in_main_thread(name: str) -> None:
    """Give the main thread a signal, which its handler gets even while it sleeps or waits."""
    number = signal.Signals[name]
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)
