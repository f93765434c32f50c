"""What a run prints: its end is never the end of the run."""

import contextlib
import os
import sys
from typing import Any, TextIO


class Output:
    """Lines for the standard output, and warnings for the standard error.

    What cannot be written, to a closed pipe or a full disk, is left out: `broken` then says so.
    """

    def __init__(self, quiet: bool = False, mute: bool = False) -> None:
        self.quiet = quiet or mute
        self.broken = self.mute = mute  # a process whose leader speaks for it says nothing
        self._warned: set[str] = set()

    def say(self, line: str) -> None:
        """Print a line about the run, unless it is a quiet one."""
        if not self.quiet:
            self.result(line)

    def result(self, line: str) -> None:
        """Print a line of the result."""
        if self.broken:
            return
        try:
            print(line, flush=True)
        except (OSError, ValueError, AttributeError):
            self.broken = True
            silence(sys.stdout)

    def warn(self, line: str) -> None:
        """Print a line to the standard error."""
        if self.mute:
            return
        with contextlib.suppress(OSError, ValueError, AttributeError):
            print(f"minigrad: {line}", file=sys.stderr, flush=True)

    def warn_once(self, line: str) -> None:
        """Print a line to the standard error, unless it was printed before."""
        if line not in self._warned:
            self._warned.add(line)
            self.warn(line)


class SafeStream:
    """A stream for a progress bar: what cannot be written is left out."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write if it can be."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._stream.write(text)  # type: ignore[union-attr]
        return len(text)

    def flush(self) -> None:
        """Flush if it can be."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._stream.flush()  # type: ignore[union-attr]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def silence(stream: TextIO | None) -> None:
    """Let what is still to be written go nowhere, so that Python's end does not complain."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)
