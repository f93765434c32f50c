"""The process that a library is timed in, seen from the one that asks."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

# The variables by which OpenMP, Numba and the BLAS libraries learn how many threads to use.
THREADS = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

# minigrad sets this one for itself when imported: other libraries wait in their own way.
OWN = "GOMP_SPINCOUNT"

# The library comes first, so that it finds the environment as it would without minigrad.
_START = "import {library}; from minigrad.bench.worker import main; main({library!r})"


class WorkerError(RuntimeError):
    """An error in a library's process, with its message."""


def installed(library: str) -> bool:
    """True if a module of this name can be imported."""
    return library.isidentifier() and importlib.util.find_spec(library) is not None


class Process:
    """A library's process with its number of threads; use it in a `with` block."""

    def __init__(
        self,
        library: str,
        threads: int,
        variables: Mapping[str, str] = MappingProxyType({}),
        folder: Path | None = None,
    ) -> None:
        """Start it, with these environment variables beside this process's, in a folder."""
        self.library = library
        environment = {key: value for key, value in os.environ.items() if key != OWN}
        environment |= dict.fromkeys(THREADS, str(threads)) | dict(variables)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START.format(library=library)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=folder,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout

    @property
    def id(self) -> int:
        """The number that the system knows it by."""
        return self._process.pid

    def ask(self, what: str, **details: Any) -> dict[str, Any]:
        """Send a request and wait for the answer.  Raises WorkerError if there is none."""
        try:
            self._requests.write(json.dumps({"do": what, **details}) + "\n")
            self._requests.flush()
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self._process.wait()
            raise WorkerError(f"the process of {self.library} ended with status {status}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        self._answers.close()
        with suppress(BrokenPipeError):  # a request that the process did not live to read
            self._requests.close()
