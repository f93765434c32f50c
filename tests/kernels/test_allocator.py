"""Freed memory is kept for the next arrays."""

import os
import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource
import minigrad as mg

def step():
    x = mg.zeros(4_000_000)
    y = x + 1
    return y

for _ in range(5):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


def pages_per_step(**variables):
    """Page faults of a step that allocates 32 MB."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment | variables, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries than GNU's are left alone"
)
def test_large_arrays_are_allocated_from_what_was_freed():
    assert pages_per_step() < 100


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries than GNU's are left alone"
)
def test_the_users_own_setting_holds():
    assert pages_per_step(MALLOC_MMAP_THRESHOLD_="100000") > 500
