"""Activities that can be recorded, and a handler that writes a file for each cycle."""

import enum
import gzip
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


class DeviceType(enum.Enum):
    """Kinds of devices that events are of; here always the CPU."""

    CPU = 0
    CUDA = 1


class ProfilerActivity(enum.Enum):
    """Kinds of events; those of other devices never come."""

    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


def supported_activities() -> set[ProfilerActivity]:
    """What can be recorded: the CPU's work."""
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    """False: the profiler is minigrad's own."""
    return False


def tensorboard_trace_handler(
    dir_name: str | os.PathLike[str], worker_name: str | None = None, use_gzip: bool = False
) -> Callable[[Any], None]:
    """A handler for `on_trace_ready` that writes a trace into a folder, a file for each cycle."""

    def handler(measured: Any) -> None:
        folder = Path(dir_name)
        folder.mkdir(parents=True, exist_ok=True)
        worker = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        path = folder / f"{worker}.{time.time_ns()}.pt.trace.json"
        measured.export_chrome_trace(path)
        if use_gzip:
            packed = gzip.compress(path.read_bytes())
            path.unlink()
            path.with_name(f"{path.name}.gz").write_bytes(packed)

    return handler
