"""Signals that end a run: noted when they come, and acted on between two steps."""

import os
import signal
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

EXIT_STATUS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}


class Interruption:
    """A block in which SIGINT, SIGTERM and SIGHUP are noted; `name` is that of the first.

    A second Ctrl-C ends the process at once.  Signals that the process ignores stay ignored, and
    outside of the main thread nothing is changed.

    agreed: several processes are to end together: `name` waits until they `agree`.
    """

    def __init__(self, agreed: bool = False) -> None:
        self.name: str | None = None
        self.noted: str | None = None  # the last one, in this process
        self._agreed = agreed
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is not threading.main_thread():
            return self
        for name in EXIT_STATUS:
            number = getattr(signal, name, None)  # Windows has no SIGHUP
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        if name == "SIGINT" and self.noted == "SIGINT":
            os._exit(EXIT_STATUS[name])
        self.noted = name
        if not self._agreed:
            self.name = name

    def agree(self, noted: Sequence[str | None]) -> None:
        """Act on the first signal of those that each process has noted."""
        self.name = self.name or next(filter(None, noted), None)

    @property
    def status(self) -> int:
        """The exit status of a process that the signal has ended."""
        return EXIT_STATUS[self.name] if self.name else 0
