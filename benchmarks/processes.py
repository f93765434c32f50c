"""Start-up time and peak memory, of fresh processes."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from minigrad.bench.process import OWN, THREADS, installed

# By the first, minigrad would wait for work as other libraries do; by the second its modules would
# be compiled at each import, while those of installed libraries have been since their installation.
LEFT_OUT = {OWN, "PYTHONDONTWRITEBYTECODE"}

SCRIPT = Path(__file__).with_name("fresh.py")
LIBRARIES = ("minigrad", "torch")


def fresh(library: str, *work: object, threads: int, **variables: str) -> tuple[float, int]:
    """Seconds from the start of a process until it is done, and its peak memory in bytes."""
    environment = {key: value for key, value in os.environ.items() if key not in LEFT_OUT}
    environment |= dict.fromkeys(THREADS, str(threads)) | variables
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, SCRIPT, library, *map(str, work)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        seconds = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{SCRIPT.name} {library} {work} ended with {process.returncode}")
    return seconds, int(line)


def startup(threads: int, repeats: int) -> dict[str, dict[str, float]]:
    """Best seconds of importing, and of the first step of the lecture's network, by library.

    The cold step of minigrad has to compile its kernels.
    """
    found = {}
    for library in ["numpy", "numba", *filter(installed, LIBRARIES)]:
        found[library] = {"import": _best(repeats, library, threads=threads)}
    for library in filter(installed, LIBRARIES):
        first_step = ("lecture_cnn", 64, 1)
        with tempfile.TemporaryDirectory() as empty:
            cache = {"MINIGRAD_CACHE": empty, "NUMBA_CACHE_DIR": str(Path(empty, "kernels"))}
            cold, _ = fresh(library, *first_step, threads=threads, **cache)
            warm = min(
                fresh(library, *first_step, threads=threads, **cache)[0] for _ in range(repeats)
            )
        found[library] |= {"first step, cold": cold, "first step, warm": warm}
    return found


def _best(repeats: int, library: str, *work: object, threads: int) -> float:
    return min(fresh(library, *work, threads=threads)[0] for _ in range(repeats))


def memory(threads: int, quick: bool) -> dict[str, dict[str, int]]:
    """Peak memory in bytes of some training steps, by library."""
    networks = {"lecture_cnn": 4, "resnet18": 4} if quick else {"lecture_cnn": 64, "resnet18": 256}
    return {
        library: {
            f"{network} b{batch}": fresh(library, network, batch, 4, threads=threads)[1]
            for network, batch in networks.items()
        }
        for library in filter(installed, LIBRARIES)
    }
