"""A second process that compiles the kernels this process is likely to need next.

Numba compiles one function at a time, on one core.  The second process leaves its machine code in
the cache that both share.
"""

import atexit
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import numba

from minigrad.kernels.compiler.cache import kernel_cache_dir
from minigrad.kernels.compiler.cache_folder import private_folder
from minigrad.kernels.compiler.process import is_enabled

# The event of a kernel that this process compiles itself: there is nothing to wait for.
_COMPILED_HERE = threading.Event()
_COMPILED_HERE.set()


class BackgroundCompiler:
    """Runs a module that compiles kernels, and says which of them it may compile.

    The module prints a kernel's name on a line and reads "yes", or "no" if this process has begun
    to compile that kernel.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        # By kernel's name, the event that the second process has compiled it.
        self._begun: dict[str, threading.Event] = {}
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.RLock()  # a signal handler may compile
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._lock.acquire,
                after_in_parent=self._lock.release,
                after_in_child=self._forget,
            )

    def _forget(self) -> None:
        """Forget the second process in a fork, which has no thread that reads its messages."""
        self._begun.clear()
        self._process = None
        self._lock.release()

    def wait_for(self, name: str) -> None:
        """Return when the second process has compiled `name`, at once if it has not begun to.

        From then on it does not begin to.
        """
        with self._lock:
            done = self._begun.setdefault(name, _COMPILED_HERE)
        done.wait()

    def start(self, *arguments: str) -> None:
        """Run the module with these arguments, unless it is running.

        Does nothing on one core, where `MINIGRAD_DISABLE` names `background`, or where nothing can
        be left in the cache.
        """
        if numba.config.NUMBA_NUM_THREADS == 1 or not sys.executable:
            return
        folder = private_folder(kernel_cache_dir())
        if not is_enabled("background") or not os.access(folder, os.W_OK):
            return
        # Where no process can be started, this one compiles everything.
        with self._lock, suppress(OSError):
            if self._process is None or self._process.poll() is not None:
                self._process = self._start_process(folder, *arguments)
                threading.Thread(target=self._answer, args=(self._process,), daemon=True).start()

    def join(self) -> None:
        """Wait until the second process has ended, if there is one."""
        if self._process is not None:
            self._process.wait()

    def _start_process(self, folder: Path, *arguments: str) -> subprocess.Popen[str]:
        # It imports the modules that this process would, and starts no third process.
        settings = {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONSAFEPATH": "1",
            "NUMBA_NUM_THREADS": "1",
            "NUMBA_CACHE_DIR": str(folder),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", self._module, *arguments],
            env=os.environ | settings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # this process tries what failed there, and reports it
            text=True,
        )
        atexit.register(_stop, process)
        return process

    def _answer(self, process: subprocess.Popen[str]) -> None:
        """Let the second process compile what this one has not begun, and note its progress."""
        done = _COMPILED_HERE
        with suppress(OSError), process:
            assert process.stdin is not None
            assert process.stdout is not None
            for line in process.stdout:
                done.set()  # it prints the next name when it has compiled the last
                new = threading.Event()
                with self._lock:
                    is_free = self._begun.setdefault(line.strip(), new) is new
                done = new if is_free else _COMPILED_HERE
                process.stdin.write("yes\n" if is_free else "no\n")
                process.stdin.flush()
        done.set()


def _stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
