"""Programs that tests run in several processes, which MPI starts."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parents[1] / "distributed" / "programs"


def _mpiexec() -> str | None:
    beside = Path(sys.executable).parent / "mpiexec"
    return str(beside) if beside.exists() else shutil.which("mpiexec")


needs_mpi = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None or _mpiexec() is None,
    reason='several processes need MPI: pip install "minigrad[mpi]"',
)


def run_ranks(count: int, program: str, *arguments: object, **variables: str) -> str:
    """What `count` processes of a program print on stdout; they have to end without an error."""
    command = [str(_mpiexec()), "-n", str(count), sys.executable, "-m", "mpi4py"]
    done = subprocess.run(
        [*command, str(PROGRAMS / program), *map(str, arguments)],
        env=os.environ | one_thread() | variables, capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def one_thread() -> dict[str, str]:
    """Variables that have a process compute on one thread, and import the minigrad at hand."""
    here = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    return {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
