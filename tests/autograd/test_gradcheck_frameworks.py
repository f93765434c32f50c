"""The checks of other frameworks' functions, in a process of their own.

JAX starts threads, and warns of every fork in a process that has it; other tests fork.
"""

import os
import subprocess
import sys
from pathlib import Path

CHECKS = Path(__file__).with_name("checks_of_frameworks.py")


def test_the_checks_of_other_frameworks_pass():
    environment = {key: v for key, v in os.environ.items() if not key.startswith("PYTEST_")}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", CHECKS],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
