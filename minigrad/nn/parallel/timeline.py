"""When each bucket of gradients is ready in a step: what `minigrad run --estimate` reads.

It is kept only if the environment's MINIGRAD_RUN_TIMELINE names a file, which rank 0 writes at its
end.
"""

import atexit
import json
import os
import time
from pathlib import Path
from typing import Any

_SKIPPED = 3  # steps at first, which compile and arrange


class Timeline:
    """The times of steps, in seconds: of the whole, of each bucket's exchange, of waiting.

    With `reduction="fixed"`, whose exchanges all come when gradients are there: what they exchange.
    """

    def __init__(self, file: str, buffers: int) -> None:
        self._steps: list[dict[str, Any]] = []
        self._buffers = buffers  # bytes that are given to all before each forward
        self._now: dict[str, Any] | None = None
        atexit.register(self._write, Path(file))

    def begin(self) -> None:
        """A forward has ended, and its backward begins; or a loop over shards does."""
        now = time.perf_counter()
        if self._steps:
            self._steps[-1]["period"] = now - self._steps[-1]["began"]
        self._now = {"began": now, "ready": [], "bytes": [], "sums": [], "small": 0}
        self._steps.append(self._now)

    def ready(self, size: int) -> None:
        """A bucket of so many bytes is full."""
        if self._now is not None:
            self._now["ready"].append(time.perf_counter() - self._now["began"])
            self._now["bytes"].append(size)

    def summed(self, nodes: int, size: int) -> None:
        """So many nodes of a summation tree, each of so many bytes, are exchanged at the end."""
        if self._now is not None:
            self._now["sums"].append([nodes, size])

    def small(self, count: int) -> None:
        """So many exchanges of a few bytes take place."""
        if self._now is not None:
            self._now["small"] += count

    def wait(self) -> None:
        """All gradients are there, and the exchanges have to end."""
        if self._now is not None:
            self._now["computed"] = time.perf_counter() - self._now["began"]

    def end(self) -> None:
        """All exchanges have ended."""
        if self._now is not None:
            self._now["ended"] = time.perf_counter() - self._now["began"]
            self._now = None

    def _write(self, file: Path) -> None:
        steps = [step for step in self._steps[_SKIPPED:] if {"period", "ended"} <= step.keys()]
        file.write_text(json.dumps({"steps": steps, "buffers": self._buffers}), encoding="utf-8")


def timeline_of(rank: int, buffers: int) -> Timeline | None:
    """The timeline of this process, if one is asked for."""
    file = os.environ.get("MINIGRAD_RUN_TIMELINE")
    return Timeline(file, buffers) if file and rank == 0 else None


def is_asked_for() -> bool:
    """Whether the environment asks for a timeline."""
    return bool(os.environ.get("MINIGRAD_RUN_TIMELINE"))
