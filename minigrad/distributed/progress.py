"""Exchanges under way: who takes them further, who waits for them, and for how long.

MPI moves data while it is called, so exchanges are taken further by whoever waits, by the backward
pass between its operations, and by a thread that looks at them now and then.  Nobody blocks in
MPI: each wait looks, sleeps and looks again, and ends when its time is over.  One lock holds MPI's
calls apart.
"""

import atexit
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from minigrad.distributed import mpi
from minigrad.distributed.transport import Steps
from minigrad.engine.graph import Value

__all__ = [
    "DistBackendError",
    "Place",
    "Work",
    "begun",
    "counted",
    "poll",
    "signatures",
    "signed",
    "submit",
    "waiting",
]

_LOOKS_BEFORE_SLEEP = 30  # some 30 us: small exchanges are done by then
_SHORTEST_SLEEP, _LONGEST_SLEEP = 2e-5, 1e-3  # seconds
_THREAD_SLEEP = 5e-4
_REMEMBERED = 8  # exchanges of a group


class DistBackendError(RuntimeError):
    """An exchange between processes that failed, or took too long."""


class Place(NamedTuple):
    """Where in the program an exchange is, for the watchdog: what it waits for of other ranks.

    Each process counts what it begins, by keys (`begun`).  The exchange needs every rank of `ranks`
    to have begun `number` under the key, with the same signature if they exchange together.
    """

    key: str
    number: int
    ranks: tuple[int, ...]
    signature: str = ""


class Work:
    """An exchange under way, which an asynchronous call gives: `wait()`, then read the result."""

    def __init__(
        self,
        steps: Steps,
        name: str,
        timeout: float,
        outputs: Sequence[Value] = (),
        place: "Place | None" = None,
        sources: list[int] | None = None,
    ) -> None:
        self.name = name  # in words, for errors: "all_reduce #3 of the default group"
        self.place = place
        self.waits_since = 0.0  # when the program began to wait for it
        self._steps = steps
        self._timeout = timeout
        self._outputs = outputs
        self._requests: Sequence[Any] = ()
        self._statuses: list[Any] | None = None
        self._done = False
        self._error: BaseException | None = None
        self._sources = [] if sources is None else sources  # who sent what was received

    def wait(self, timeout: timedelta | None = None) -> bool:
        """Wait until the exchange is done, and return True; raise its error if it failed.

        Raises DistBackendError, a RuntimeError, after `timeout`, or else the time of the group.
        """
        if not self._done:
            _wait(self, self._timeout if timeout is None else timeout.total_seconds())
        if self._error is not None:
            raise self._error
        return True

    def is_completed(self) -> bool:
        """Whether the exchange has ended."""
        if not self._done:
            poll()
        return self._done

    def is_success(self) -> bool:
        """Whether the exchange has ended without an error."""
        return self._done and self._error is None

    def exception(self) -> BaseException | None:
        """The error with which the exchange ended, or None."""
        return self._error

    def result(self) -> list[Value]:
        """The tensors that the exchange has changed."""
        return list(self._outputs)

    def source_rank(self) -> int:
        """The rank in the group that sent what `recv` or `irecv` got."""
        return self._sources[0]

    def _advance(self) -> bool:
        """Go on as far as possible without waiting; return whether the exchange has ended."""
        try:
            while True:
                if self._requests and not _are_done(self._requests, self._statuses):
                    return False
                self._requests = self._steps.send(self._statuses)
                self._statuses = [mpi.library().Status() for _ in self._requests]
        except StopIteration:
            for output in self._outputs:
                output.bump_version()
        except Exception as error:
            self._error = _explained(error, self.name)
        self._requests, self._done = (), True
        return True


def _are_done(requests: Sequence[Any], statuses: list[Any] | None) -> bool:
    return bool(mpi.library().Request.Testall(list(requests), statuses))


def _explained(error: Exception, name: str) -> Exception:
    """MPI's error with the name of the exchange; others as they are."""
    if not type(error).__module__.startswith("mpi4py"):
        return error
    new = DistBackendError(
        f"{name} failed: {error}; other ranks may have called it with another size or dtype, "
        f"which MINIGRAD_DISTRIBUTED_DEBUG=1 names"
    )
    new.__cause__ = error
    return new


# --- what is under way ----------------------------------------------------------------------------

Lane = deque[Work]
"""The exchanges of a group that all its processes take part in: one after the other."""

_lock = threading.RLock()
_running: list[tuple[Work, Lane | None]] = []
_wake = threading.Event()
_thread: threading.Thread | None = None
_waiting: Work | None = None
begun: dict[str, int] = {}  # how many exchanges this process has begun, by their keys
# The numbers and signatures of the last ones of each group, for the watchdog to compare.
signatures: dict[str, deque[tuple[int, str]]] = {}


def submit(work: Work, lane: Lane | None, in_background: bool) -> None:
    """Begin an exchange, after those that are in its lane; between two processes without a lane.

    `in_background` has the thread look after it.
    """
    with _lock:
        if lane is not None:
            lane.append(work)
        if lane is None or len(lane) == 1:
            _run(work, lane)
        if in_background and not work._done:
            _start_thread()


def counted(key: str) -> int:
    """Count one more exchange under a key, and return its number."""
    begun[key] = begun.get(key, 0) + 1
    return begun[key]


def signed(key: str, number: int, signature: str) -> None:
    """Note what an exchange of a group is."""
    signatures.setdefault(key, deque(maxlen=_REMEMBERED)).append((number, signature))


def _run(work: Work, lane: Lane | None) -> None:
    """Begin an exchange; if it ends at once, those that wait behind it."""
    while work._advance():
        if lane is None:
            return
        lane.popleft()
        if not lane:
            return
        work = lane[0]
    _running.append((work, lane))


def poll() -> None:
    """Take everything under way further, unless another thread does."""
    if not _running or not _lock.acquire(blocking=False):
        return
    try:
        for entry in tuple(_running):
            work, lane = entry
            if work._advance():
                _running.remove(entry)
                if lane is not None:
                    lane.popleft()
                    if lane:
                        _run(lane[0], lane)
    finally:
        _lock.release()


def _wait(work: Work, seconds: float) -> None:
    global _waiting  # noqa: PLW0603  the watchdog of the process reads it
    began = time.monotonic()
    work.waits_since = began
    before, _waiting = _waiting, work
    looks, pause = 0, _SHORTEST_SLEEP
    try:
        while True:
            poll()
            if work._done:
                return
            looks += 1
            if looks > _LOOKS_BEFORE_SLEEP:
                time.sleep(pause)
                pause = min(pause * 1.2, _LONGEST_SLEEP)
                if time.monotonic() - began > seconds:
                    raise DistBackendError(
                        f"Timed out waiting {seconds * 1000:.0f}ms for {work.name}: another rank "
                        f"has not come to it"
                    )
    finally:
        _waiting = before


def waiting() -> Work | None:
    """The exchange that the program waits for at this moment."""
    return _waiting


# --- the thread -----------------------------------------------------------------------------------


def _start_thread() -> None:
    """Have a thread look after what is under way, if MPI allows calls of several threads."""
    global _thread  # noqa: PLW0603  one for the process
    _wake.set()
    if _thread is None:
        MPI = mpi.library()
        if MPI.Query_thread() < MPI.THREAD_SERIALIZED:
            return  # only those who wait take exchanges further
        _thread = threading.Thread(target=_look_after, name="minigrad-exchanges", daemon=True)
        _thread.start()
        atexit.register(_stop)


_ended = threading.Event()


def _look_after() -> None:
    while not _ended.is_set():
        _wake.wait()
        if _waiting is None:  # else the program looks itself
            poll()
        with _lock:
            if not _running:
                _wake.clear()
        time.sleep(_THREAD_SLEEP)


def _stop() -> None:
    """End the thread before MPI ends."""
    _ended.set()
    _wake.set()
    if _thread is not None:
        _thread.join(1.0)
