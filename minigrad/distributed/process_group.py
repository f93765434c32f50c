"""ProcessGroup: processes that exchange, and the exchanges they have begun."""

import os
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from minigrad.distributed.debug import compared, is_debugging
from minigrad.distributed.progress import Lane, Place, Work, counted, signed, submit
from minigrad.distributed.transport import Steps, Transport
from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import Value

__all__ = ["ProcessGroup", "seconds_of"]

_DEFAULT_TIMEOUT = 1800.0  # seconds, as torch's gloo


class ProcessGroup:
    """A group of processes; each numbers those of the group from 0 on."""

    def __init__(
        self,
        backend: str,
        name: str,
        ranks: Sequence[int],
        rank: int,
        transport: Transport,
        timeout: float,
    ) -> None:
        self.group_name = name
        self.ranks = list(ranks)  # of the members, among all processes
        self.transport = transport
        self.timeout = timeout  # seconds
        self.key = self._new_key()
        self._backend = backend
        self._rank = rank
        self._lane: Lane = deque()
        self._debugs = is_debugging()

    def rank(self) -> int:
        """The rank of this process in the group."""
        return self._rank

    def size(self) -> int:
        """The number of processes."""
        return len(self.ranks)

    def name(self) -> str:
        """The name of the backend."""
        return self._backend

    def launch(
        self,
        name: str,
        signature: str,
        steps: Steps,
        async_op: bool,
        outputs: Sequence[Value] = (),
    ) -> Work | None:
        """Begin an exchange of all members, after those begun before; without `async_op` wait.

        `signature` says what all members must agree on.
        """
        refuse_to_record(name)
        number = counted(self.key)
        signed(self.key, number, signature)
        title = f"{name} #{number} of the {self.group_name or 'default group'}"
        if self._debugs and self.size() > 1:
            steps = compared(f"{signature} #{number}", self.transport, self.ranks, steps)
        place = Place(self.key, number, tuple(self.ranks), signature)
        work = Work(steps, title, self.timeout, outputs, place)
        submit(work, self._lane, async_op)
        if async_op:
            return work
        work.wait()
        return None

    def launch_pair(
        self,
        name: str,
        steps: Steps,
        async_op: bool,
        outputs: Sequence[Value] = (),
        place: Place | None = None,
        sources: list[int] | None = None,
    ) -> Work:
        """Begin an exchange of two processes, at once; `sources` will have who sent."""
        refuse_to_record(name)
        title = f"{name} in the {self.group_name or 'default group'}"
        work = Work(steps, title, self.timeout, outputs, place, sources)
        submit(work, None, async_op)
        if not async_op:
            work.wait()
        return work

    def _new_key(self) -> str:
        """A name of the group that is the same in all its processes."""
        members = ",".join(map(str, self.ranks))
        return f"group {members}/{counted(f'groups {members}')}"


def refuse_to_record(name: str) -> None:
    """Have a step that is being recorded run as it is written: replays would not exchange."""
    if (recorder := thread.mode.step_recorder) is not None:
        recorder.refuse(
            f"it exchanges with other processes, by {name}: do that before or after the compiled "
            "step, or have DistributedDataParallel with its defaults average gradients"
        )


def seconds_of(timeout: timedelta | None) -> float:
    """The time that an exchange may take, or its default.  Raises ValueError unless positive."""
    seconds = (
        float(os.environ.get("MINIGRAD_DISTRIBUTED_TIMEOUT") or _DEFAULT_TIMEOUT)
        if timeout is None
        else timeout.total_seconds()
    )
    if seconds <= 0:
        raise ValueError(f"a timeout must be positive, got {seconds} seconds")
    return seconds
