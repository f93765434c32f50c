"""torch.multiprocessing: Python's multiprocessing, and `spawn`.

Tensors go from process to process by value: a process that changes one does not change another's.
"""

import multiprocessing
import traceback
from collections.abc import Callable, Iterable
from multiprocessing import (
    Array,
    Barrier,
    BoundedSemaphore,
    Condition,
    Event,
    JoinableQueue,
    Lock,
    Manager,
    Pipe,
    Pool,
    Process,
    ProcessError,
    Queue,
    RawArray,
    RawValue,
    RLock,
    Semaphore,
    SimpleQueue,
    TimeoutError,
    Value,
    active_children,
    connection,
    cpu_count,
    current_process,
    freeze_support,
    get_all_start_methods,
    get_context,
    get_start_method,
    parent_process,
    set_start_method,
)  # fmt: skip
from typing import Any

from minigrad.core.public_names import show_public_names

__all__ = [
    "Array",
    "Barrier",
    "BoundedSemaphore",
    "Condition",
    "Event",
    "JoinableQueue",
    "Lock",
    "Manager",
    "Pipe",
    "Pool",
    "Process",
    "ProcessContext",
    "ProcessError",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "Queue",
    "RLock",
    "RawArray",
    "RawValue",
    "Semaphore",
    "SimpleQueue",
    "TimeoutError",
    "Value",
    "active_children",
    "cpu_count",
    "current_process",
    "freeze_support",
    "get_all_sharing_strategies",
    "get_all_start_methods",
    "get_context",
    "get_sharing_strategy",
    "get_start_method",
    "parent_process",
    "set_sharing_strategy",
    "set_start_method",
    "spawn",
    "start_processes",
]  # fmt: skip

# How torch shares the memory of tensors; here they are copied.
_STRATEGY = "file_system"


def get_all_sharing_strategies() -> set[str]:
    """The one name there is of a way to hand tensors on: they are copied."""
    return {_STRATEGY}


def get_sharing_strategy() -> str:
    """The one name there is."""
    return _STRATEGY


def set_sharing_strategy(new_strategy: str) -> None:
    """Nothing: tensors are copied.  Raises ValueError for a name that torch does not know."""
    if new_strategy not in ("file_descriptor", "file_system"):
        raise ValueError(f"unknown sharing strategy: {new_strategy!r}")


class ProcessException(Exception):  # noqa: N818  torch's name
    """A process that ended badly: its index and its number."""

    def __init__(self, msg: str, error_index: int, pid: int | None) -> None:
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.pid = pid


class ProcessRaisedException(ProcessException):
    """A process raised an exception; the message has its traceback."""


class ProcessExitedException(ProcessException):
    """A process was ended by a signal, or with an exit code."""

    def __init__(self, msg: str, error_index: int, pid: int | None, exit_code: int) -> None:
        super().__init__(msg, error_index, pid)
        self.exit_code = exit_code


def _run(fn: Callable[..., Any], index: int, args: Iterable[Any], errors: Any) -> None:
    """In the process: call the function, and tell the parent of an exception."""
    try:
        fn(index, *args)
    except KeyboardInterrupt:
        pass  # the parent's
    except Exception:
        errors.put(traceback.format_exc())
        raise SystemExit(1) from None


class ProcessContext:
    """The processes that `start_processes` has started."""

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes = processes
        self.error_queues = errors

    def pids(self) -> list[int]:
        """Their numbers."""
        return [int(process.pid) for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait until one or all have ended; True if all have.

        Ends the others and raises ProcessRaisedException or ProcessExitedException if one failed.
        """
        running = {p.sentinel: p for p in self.processes if p.is_alive()}
        if running:
            connection.wait(list(running), timeout=timeout)
        failed = [i for i, p in enumerate(self.processes) if p.exitcode not in (None, 0)]
        if failed:
            self._raise(failed[0], grace_period)
        return all(p.exitcode == 0 for p in self.processes)

    def _raise(self, index: int, grace_period: float | None) -> None:
        failed = self.processes[index]
        for process in self.processes:
            if process.is_alive() and grace_period is not None:
                process.join(grace_period)
            if process.is_alive():
                process.terminate()
            process.join()
        if not self.error_queues[index].empty():
            text = self.error_queues[index].get()
            raise ProcessRaisedException(
                f"\n\n-- Process {index} terminated with the following error:\n{text}",
                index,
                failed.pid,
            )
        how = (
            f"signal {-failed.exitcode}" if failed.exitcode < 0 else f"exit code {failed.exitcode}"
        )
        raise ProcessExitedException(
            f"process {index} terminated with {how}", index, failed.pid, failed.exitcode
        )


def start_processes(
    fn: Callable[..., Any],
    args: Iterable[Any] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Start nprocs processes that call fn(i, *args), for i from 0; wait for them with `join`.

    Raises ProcessRaisedException or ProcessExitedException if one of them fails.
    """
    context: Any = multiprocessing.get_context(start_method)
    errors = [context.SimpleQueue() for _ in range(nprocs)]
    processes = []
    for index in range(nprocs):
        process = context.Process(
            target=_run, args=(fn, index, tuple(args), errors[index]), daemon=daemon
        )
        process.start()
        processes.append(process)
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: Iterable[Any] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """`start_processes`, by Python's spawn."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)


show_public_names(__name__)
