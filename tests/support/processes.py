"""Programs that tests run in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def output(program: str, *arguments: object, **variables: str) -> str:
    """Return what a program prints on stdout, which has to end without an error."""
    return streams(program, *arguments, **variables)[0]


def output_on_four_threads(program: str) -> str:
    """As `output`, of a program that may set up to 4 threads, and imports what tests import."""
    threads = {f"{pool}_NUM_THREADS": "4" for pool in ("NUMBA", "OMP", "OPENBLAS", "MKL")}
    return output(program, **threads, PYTHONPATH=str(ROOT))


def streams(program: str, *arguments: object, **variables: str) -> tuple[str, str]:
    """Return what a program prints on stdout and stderr; it has to end without an error."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=os.environ | variables, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr
