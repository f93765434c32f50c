"""The command and the environment with which MPI's launcher starts the processes."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["Launch", "address_for", "environment", "mpiexec_command"]

# A process computes on as many threads as these say; they are read when it starts.
_THREADS = (
    "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
)  # fmt: skip
_PROGRAM = "minigrad.distributed.launch.rank_program"


class Launch(NamedTuple):
    """What is to be started."""

    processes: int
    script: str  # a file, or the name of a module
    arguments: Sequence[str] = ()
    hosts: Path | None = None
    threads: int = 1  # of each process
    timeout: float | None = None  # of an exchange, in seconds
    silence: float = 5.0  # seconds after which a process that says nothing has failed
    start_timeout: float = 120.0  # seconds in which all processes have to say that they are there
    variables: Mapping[str, str] = MappingProxyType({})  # further ones of the environment
    is_module: bool = False


def environment(launch: Launch, address: str, key: str) -> dict[str, str]:
    """The variables of the processes: threads, timeout, and where the watchdog listens."""
    found = dict(os.environ)
    found |= dict.fromkeys(_THREADS, str(launch.threads))
    found |= {"MINIGRAD_RUN_ADDRESS": address, "MINIGRAD_RUN_KEY": key}
    if launch.timeout is not None:
        found["MINIGRAD_DISTRIBUTED_TIMEOUT"] = str(launch.timeout)
    return found | dict(launch.variables)


def mpiexec_command(launch: Launch, variables: Sequence[str]) -> list[str]:
    """The command; `variables` are the names that Open MPI has to be asked to pass on.

    Raises RuntimeError if there is no mpiexec.
    """
    beside = Path(sys.executable).parent / "mpiexec"  # that of the wheel `mpich`
    mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec")
    if mpiexec is None:
        raise RuntimeError(
            'mpiexec is not in the path: pip install "minigrad[mpi]", or load the cluster\'s MPI'
        )
    command = [mpiexec, "-n", str(launch.processes)]
    if _is_open_mpi(mpiexec):
        command.append("--oversubscribe")
        for name in variables:
            command += ["-x", name]
        if launch.hosts is not None:
            command += ["--hostfile", str(launch.hosts)]
    elif launch.hosts is not None:
        command += ["-f", str(launch.hosts)]
    program = [sys.executable, "-m", "mpi4py", "-m", _PROGRAM]
    kind = ["-m"] if launch.is_module else []
    return [*command, *program, *kind, launch.script, *launch.arguments]


def address_for(hosts: Path) -> str:
    """The address of this machine that hosts reach it by: where the way to one of them begins."""
    for line in hosts.read_text(encoding="utf-8").splitlines():
        host = line.split("#")[0].strip().partition(" ")[0].partition(":")[0]
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
                way.connect((host, 9))  # sends nothing
                found: str = way.getsockname()[0]
        except OSError:
            continue
        if host and not found.startswith("127.") and found != host:
            return found
    return socket.getfqdn()


def _is_open_mpi(mpiexec: str) -> bool:
    said = subprocess.run([mpiexec, "--version"], capture_output=True, text=True, check=False)
    return "Open MPI" in said.stdout or "OpenRTE" in said.stdout
