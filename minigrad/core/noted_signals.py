"""Signals that end programs, noted when they come instead of acted on."""

import signal
import threading
from abc import ABC, abstractmethod
from types import FrameType
from typing import Any, Self

EXIT_STATUS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


class NotedSignals(ABC):
    """A block in which SIGINT, SIGTERM and SIGHUP are noted; `name` is that of the first.

    Signals that the process ignores stay ignored, and outside of the main thread nothing is
    changed.
    """

    def __init__(self) -> None:
        self.name: str | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is not threading.main_thread():
            return self
        for name in EXIT_STATUS:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.note(signal.Signals(number).name)

    @abstractmethod
    def note(self, name: str) -> None:
        """What is done when a signal comes."""

    @property
    def status(self) -> int:
        """The exit status of a process that the signal has ended."""
        return EXIT_STATUS[self.name] if self.name else 0
