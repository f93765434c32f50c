"""Programs that tests run in processes of their own."""

import os
import subprocess
import sys


def output(program: str, *arguments: object, **variables: str) -> str:
    """Return what a program prints on stdout, which has to end without an error."""
    return streams(program, *arguments, **variables)[0]


def streams(program: str, *arguments: object, **variables: str) -> tuple[str, str]:
    """Return what a program prints on stdout and stderr; it has to end without an error."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=os.environ | variables, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr
