"""Signals that end a run: noted when they come, and acted on between two steps."""

import os
from collections.abc import Sequence

from minigrad.core.noted_signals import EXIT_STATUS, NotedSignals


class Interruption(NotedSignals):
    """A block in which the first signal is noted; a second Ctrl-C ends the process at once.

    agreed: several processes are to end together: `name` waits until they `agree`.
    """

    def __init__(self, agreed: bool = False) -> None:
        super().__init__()
        self.noted: str | None = None  # the last one, in this process
        self._agreed = agreed

    def note(self, name: str) -> None:
        """Note a signal; end the process if it is the second Ctrl-C."""
        if name == "SIGINT" and self.noted == "SIGINT":
            os._exit(EXIT_STATUS[name])
        self.noted = name
        if not self._agreed:
            self.name = name

    def agree(self, noted: Sequence[str | None]) -> None:
        """Act on the first signal of those that each process has noted."""
        self.name = self.name or next(filter(None, noted), None)
