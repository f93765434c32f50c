"""The thread of a process that tells the watchdog twice a second what the process waits for."""

import json
import os
import socket
import sys
import threading
import time
import traceback
from multiprocessing.connection import Client, Connection
from typing import Any

from minigrad.distributed import progress
from minigrad.distributed.launch.signals import raise_in_main_thread

__all__ = ["Reporter", "connect"]

_PERIOD = 0.5  # seconds between reports


class Reporter:
    """The connection of one process to the watchdog of `minigrad run`."""

    def __init__(self, connection: "Connection[Any, Any]", rank: int) -> None:
        self._connection = connection
        self._rank = rank
        self._lock = threading.Lock()
        self._main = threading.get_ident()
        self.say("hello", pid=os.getpid(), host=socket.gethostname())
        threading.Thread(target=self._report, name="minigrad-reports", daemon=True).start()

    def say(self, kind: str, **content: Any) -> None:
        """Send a message; one that cannot be sent is lost, with the job."""
        message = json.dumps({"kind": kind, "rank": self._rank, **content})
        try:
            with self._lock:
                self._connection.send_bytes(message.encode())
        except OSError:
            pass

    def leave(self) -> None:
        """Say that the script has ended, and what it has begun until then: others wait for that."""
        self._say_what_it_does()
        self.say("left")

    def _say_what_it_does(self) -> None:
        self.say("report", waits=_wait_of_program(), **_exchanges())

    def _report(self) -> None:
        try:
            while True:
                self._say_what_it_does()
                if self._connection.poll(_PERIOD):
                    self._answer(self._connection.recv_bytes().decode())
        except (OSError, EOFError):
            os.write(2, f"rank {self._rank}: `minigrad run` has ended, so this ends\n".encode())
            os._exit(1)

    def _answer(self, question: str) -> None:
        """Say where the program is, or give it the signal that `minigrad run` has got."""
        if question == "stack":
            self.say("stack", text=self._stack())
        else:
            raise_in_main_thread(question)

    def _stack(self) -> str:
        """The lines of code that the program is in."""
        frame = sys._current_frames().get(self._main)
        return "".join(traceback.format_stack(frame)[-6:])


def _exchanges() -> dict[str, Any]:
    """What the process has begun; copies, since the program goes on."""
    latest = {key: list(found) for key, found in progress.signatures.copy().items()}
    return {"begun": progress.begun.copy(), "signatures": latest}


def _wait_of_program() -> dict[str, Any] | None:
    work = progress.waiting()
    if work is None:
        return None
    seconds = time.monotonic() - work.waits_since
    place = None if work.place is None else work.place._asdict()
    return {"name": work.name, "seconds": seconds, "place": place}


def connect(rank: int) -> Reporter | None:
    """The reporter of this process, if `minigrad run` has started it."""
    address = os.environ.get("MINIGRAD_RUN_ADDRESS")
    if not address:
        return None
    host, _, port = address.rpartition(":")
    key = os.environ["MINIGRAD_RUN_KEY"].encode()
    return Reporter(Client((host, int(port)), authkey=key), rank)
