"""Signals to `minigrad run`, which hands them on to its processes and lets these end by themselves.

MPI's launcher does not see them: it has a session of its own, so Ctrl-C in a terminal comes here
alone.
"""

import signal
import threading
import time
from types import FrameType
from typing import Any

__all__ = ["Signals", "raise_in_main_thread"]

_HANDED_ON = ("SIGINT", "SIGTERM", "SIGHUP")


class Signals:
    """A block in which signals that end programs are noted; `name` is that of the first.

    Signals that the process ignores stay ignored, and outside of the main thread nothing is
    changed.
    """

    def __init__(self) -> None:
        self.name: str | None = None
        self.came = 0.0  # when
        self.hurried = False  # whether Ctrl-C came twice
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is not threading.main_thread():
            return self
        for name in _HANDED_ON:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        self.hurried = self.hurried or self.name == name == "SIGINT"
        if self.name is None:
            self.name, self.came = name, time.monotonic()

    @property
    def status(self) -> int:
        """The exit status of a process that the signal has ended."""
        return 128 + signal.Signals[self.name] if self.name else 0


def raise_in_main_thread(name: str) -> None:
    """Give the main thread a signal, which its handler gets even while it sleeps or waits."""
    number = signal.Signals[name]
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)
