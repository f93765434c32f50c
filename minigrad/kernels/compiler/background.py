"""A second process, which compiles what this one is likely to want next while this one compiles.

Numba compiles one function at a time, on one core.  The other process leaves the machine code in
the cache that both share.
"""

import atexit
import os
import subprocess
import sys
import threading
from contextlib import suppress

import numba

_OURS = threading.Event()
_OURS.set()


class BackgroundCompiler:
    """Runs a module that names what it could compile, line by line, and reads "yes" or "no"."""

    def __init__(self, module: str) -> None:
        self._module = module
        # By name, what this process has begun to compile, or when the other will be done with it.
        self._begun: dict[str, threading.Event] = {}
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._forget,
            )

    def _forget(self) -> None:
        """In a fork, which hears nothing from the other process."""
        self._begun.clear()
        self._process = None
        self._lock.release()

    def wait_for(self, name: str) -> None:
        """Return when the other process is done with `name`, at once if it has not begun with it.

        From then on it does not begin.
        """
        with self._lock:
            done = self._begun.setdefault(name, _OURS)
        done.wait()

    def start(self, *arguments: str) -> None:
        """Run the module with these arguments, if there is a core for it and it does not run."""
        if numba.config.NUMBA_NUM_THREADS == 1 or not sys.executable:
            return
        with self._lock, suppress(OSError):  # where none can be started, this one compiles all
            if self._process is None or self._process.poll() is not None:
                self._process = self._started(*arguments)
                threading.Thread(target=self._answer, args=(self._process,), daemon=True).start()

    def join(self) -> None:
        """Wait until the other process has ended, if there is one."""
        if self._process is not None:
            self._process.wait()

    def _started(self, *arguments: str) -> subprocess.Popen[str]:
        # It finds the modules that this one finds, and starts no third.
        path = os.pathsep.join(sys.path)
        own = {"PYTHONPATH": path, "PYTHONSAFEPATH": "1", "NUMBA_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", self._module, *arguments],
            env=os.environ | own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what it cannot compile, this one tries, and tells about
            text=True,
        )
        atexit.register(_stop, process)
        return process

    def _answer(self, process: subprocess.Popen[str]) -> None:
        """Let the other process begin what this one has not, and note what it is done with."""
        done = _OURS
        with suppress(OSError), process:
            assert process.stdin is not None
            assert process.stdout is not None
            for line in process.stdout:
                done.set()  # it names the next when it is done with the last
                new = threading.Event()
                with self._lock:
                    free = self._begun.setdefault(line.strip(), new) is new
                done = new if free else _OURS
                process.stdin.write("yes\n" if free else "no\n")
                process.stdin.flush()
        done.set()


def _stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
