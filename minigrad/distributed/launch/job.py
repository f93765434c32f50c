"""One run of several processes: MPI's launcher beside a watchdog that ends it if it must."""

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
    wait,
)
from typing import Any

from minigrad.distributed.launch.command import (
    Launch,
    address_for,
    environment,
    mpiexec_command,
)
from minigrad.distributed.launch.signals import Signals
from minigrad.distributed.launch.watchdog import RankState, process_state, silent_rank, verdict

__all__ = ["run_job"]

_TICK = 0.2  # seconds
_PATIENCE = 1.5  # seconds for MPI's launcher to end the others by itself
_GRACE = 3.0  # seconds after a signal in which all processes have to be there to get it
_FAREWELL = 8.0  # seconds from the end of all scripts to the end of their processes
_HOST = socket.gethostname()
_LAST_WORDS = 1.0  # seconds for what processes said before they ended


class _Job:
    """The processes, what they have reported, and the launcher."""

    def __init__(self, launch: Launch, signals: Signals) -> None:
        self.launch = launch
        self.signals = signals  # that `minigrad run` has got
        self.ranks: dict[int, RankState] = {}
        self.status: int | None = None  # of the rank that failed first
        self.ended_others = False  # whether MPI's launcher has not ended the job by itself
        self._handed_on = False  # whether the processes have been given the signal
        self._said: set[int] = set()
        self._asked: set[int] = set()  # the ranks that have yet to say where they are
        self._connections: list[Connection[Any, Any]] = []
        self._rank_of: dict[int, int] = {}  # by the connection's id
        self._all_left_at: float | None = None
        self._key = secrets.token_hex(16)
        place = "127.0.0.1" if launch.hosts is None else "0.0.0.0"
        self._listener = Listener((place, 0), backlog=512)
        host = place if launch.hosts is None else address_for(launch.hosts)
        address = f"{host}:{self._listener.address[1]}"
        self._began = time.monotonic()
        names = ("MINIGRAD_RUN_ADDRESS", "MINIGRAD_RUN_KEY", "NUMBA_NUM_THREADS", "PYTHONPATH")
        self.mpiexec = subprocess.Popen(
            mpiexec_command(launch, names), env=environment(launch, address, self._key),
            start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                stranger = self._listener.accept()
            except OSError:
                if self.mpiexec.poll() is not None:
                    return
                continue
            threading.Thread(target=self._admit, args=(stranger,), daemon=True).start()

    def _admit(self, stranger: "Connection[Any, Any]") -> None:
        """Hear one that knows the key; others may take as long as they like to tell it."""
        key = self._key.encode()
        with contextlib.suppress(EOFError, OSError, AuthenticationError):
            deliver_challenge(stranger, key)
            answer_challenge(stranger, key)
            self._connections.append(stranger)

    def listen(self) -> None:
        """Take in what the processes say, for a moment."""
        if not self._connections:
            time.sleep(_TICK)
            return
        for ready in wait(list(self._connections), _TICK):
            assert isinstance(ready, Connection)
            try:
                self._take(json.loads(ready.recv_bytes()), ready)
            except (EOFError, OSError):
                self._connections.remove(ready)
                rank = self._rank_of.get(id(ready))
                if rank is not None:
                    self.ranks[rank].gone = True

    def _take(self, message: dict[str, Any], connection: "Connection[Any, Any]") -> None:
        rank, now = message["rank"], time.monotonic()
        if message["kind"] == "hello":
            self._rank_of[id(connection)] = rank
            self.ranks[rank] = RankState(message["pid"], message["host"], now)
            return
        state = self.ranks[rank]
        state.heard = now
        if message["kind"] == "report":
            state.begun, state.waits = message["begun"], message["waits"]
            state.signatures = message["signatures"]
        elif message["kind"] == "left":
            state.left = True
        elif message["kind"] == "stack":
            self._asked.discard(rank)
            self.say(f"rank {rank} is at\n{message['text'].rstrip()}")
        elif message["kind"] == "failed":
            state.failure = message["text"]
            if self.status is None:
                self.status = message["status"]
            ended_by_signal = self._handed_on and message["status"] == self.signals.status
            if len(self._said) < 3 and not ended_by_signal:  # further ones fail by the first
                self._said.add(rank)
                self.say(f"rank {rank} (pid {state.pid} on {state.host}) failed:\n{state.failure}")

    def hand_on(self) -> None:
        """Give all processes the signal that has come, once they are there."""
        if self.signals.name is None or self._handed_on or self.unstarted():
            return
        self._handed_on = True
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.send_bytes(self.signals.name.encode())

    def reason_to_end(self) -> str | None:
        """Why the job cannot end by itself, or should not go on; or None."""
        now = time.monotonic()
        if reason := self._told_to_end() or self._fallen(now):
            return reason
        if missing := self.unstarted():
            late = now - self._began > self.launch.start_timeout
            return missing if late else None
        if self._all_left():
            self._all_left_at = self._all_left_at or now
            late = now - self._all_left_at > _FAREWELL
            return "all scripts have ended, and their processes have not" if late else None
        return verdict(self.ranks)

    def last_words(self) -> str | None:
        """Why the job has not ended well, although the launcher has ended; or None.

        Each process says that its script has ended; the launcher's status is 0 without that, too.
        """
        until = time.monotonic() + _LAST_WORDS
        while not self._all_left() and time.monotonic() < until:
            self.listen()
            if reason := self._fallen(time.monotonic()):
                return reason
        early = [rank for rank, state in self.ranks.items() if not state.left]
        return self.unstarted() or (
            f"ranks {early} have not ended their scripts" if early else None
        )

    def _all_left(self) -> bool:
        return not self.unstarted() and all(state.left for state in self.ranks.values())

    def _told_to_end(self) -> str | None:
        if self.signals.hurried:
            return "Ctrl-C came twice"
        late = self.signals.name and time.monotonic() - self.signals.came > _GRACE
        if late and self.unstarted():
            return f"{self.signals.name} came before all processes had started"
        return None

    def _fallen(self, now: float) -> str | None:
        """Which rank has failed, or can be heard no more."""
        for rank, state in self.ranks.items():
            if state.failure:
                return f"rank {rank} has failed"
        for rank, state in self.ranks.items():
            if state.gone and not state.left:
                return f"rank {rank} (pid {state.pid} on {state.host}) {_end_of(state)}"
        if silent := silent_rank(self.ranks, now, self.launch.silence, _HOST):
            rank, words = silent
            state = self.ranks[rank]
            return f"rank {rank} (pid {state.pid} on {state.host}) {words}"
        return None

    def unstarted(self) -> str | None:
        """Which ranks have not said that they are there."""
        missing = sorted(set(range(self.launch.processes)) - set(self.ranks))
        return f"ranks {missing} have not started" if missing else None

    def say(self, words: str) -> None:
        """Print a message of the launcher."""
        print(f"minigrad run: {words}", file=sys.stderr, flush=True)

    def explain(self) -> None:
        """Print what each rank does; those that compute say where."""
        for rank, state in sorted(self.ranks.items()):
            if not state.gone and not state.failure:
                self.say(f"rank {rank} {state.doing()}")
        self._asked = set()
        for connection in list(self._connections):
            rank = self._rank_of.get(id(connection), -1)
            if rank in self.ranks and not (self.ranks[rank].left or _is_stopped(self.ranks[rank])):
                with contextlib.suppress(OSError):
                    connection.send_bytes(b"stack")
                    self._asked.add(rank)
        until = time.monotonic() + 1.0
        while time.monotonic() < until and self._asked and self._connections:
            self.listen()

    def wait_for_launcher(self, seconds: float) -> bool:
        """Give MPI's launcher time to end the job by itself; whether it has."""
        until = time.monotonic() + seconds
        while self.mpiexec.poll() is None and time.monotonic() < until:
            self.listen()
        return self.mpiexec.poll() is not None

    def end(self) -> None:
        """End all processes; those that are deaf to SIGTERM first, and in a hurry all."""
        hurried = self.signals.hurried
        states = list(self.ranks.values())
        _kill([state for state in states if hurried or _is_stopped(state)])
        for signal_ in (signal.SIGTERM, signal.SIGKILL):
            if self.mpiexec.poll() is not None:
                break
            self.ended_others = True
            self.mpiexec.send_signal(signal_)
            self.wait_for_launcher(1.0)
        _kill(states)
        self.mpiexec.wait()


def _is_stopped(state: RankState) -> bool:
    return state.host == _HOST and process_state(state.pid)[0] in "Tt"


def _kill(states: Iterable[RankState]) -> None:
    """End those that run here."""
    for state in states:
        if state.host == _HOST and process_state(state.pid)[0] not in "XZ":
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.pid, signal.SIGKILL)


def _end_of(state: RankState) -> str:
    return f"was killed or ended without a word, while it {state.doing()}"


def run_job(launch: Launch) -> int:
    """Start the processes, watch them, and return the status of the job: 0 if all ended well.

    SIGINT, SIGTERM and SIGHUP are handed on to the processes, and a second Ctrl-C ends them.
    """
    with Signals() as signals:
        return _watch(_Job(launch, signals))


def _watch(job: _Job) -> int:
    reason = None
    while job.mpiexec.poll() is None and reason is None:
        job.listen()
        job.hand_on()
        reason = job.reason_to_end()
    if reason is None:
        reason = job.last_words()
    else:
        died = any(s.failure or (s.gone and not s.left) for s in job.ranks.values())
        if job.signals.hurried or not (died and job.wait_for_launcher(_PATIENCE)):
            if job.status is None and job.signals.name is None:
                job.explain()
            job.end()
    seconds = time.monotonic() - job._began
    status = job.status or (1 if job.ended_others else job.mpiexec.returncode)
    status = 128 - status if status < 0 else status or int(reason is not None)
    if job.signals.hurried or (job.signals.name and status and job.status is None):
        status = job.signals.status
    if status and status == job.signals.status and not job.signals.hurried:
        reason = f"{job.signals.name} came"
    if reason is not None or status:
        job.say(f"{reason or 'a process failed'}; ended after {seconds:.1f} s with status {status}")
    return status
