"""A script for a fresh process: trains a network for some steps and prints the peak memory.

    python benchmarks/fresh.py LIBRARY [NETWORK BATCH STEPS]

It imports nothing but the library, so that start-up and memory are the library's own.
"""

import importlib
import runpy
import sys
from pathlib import Path
from typing import Any

NETWORKS = Path(__file__).parents[1] / "minigrad" / "bench" / "cases" / "networks.py"
IMAGES = {"lecture_cnn": (1, 28, 28), "resnet18": (3, 32, 32)}


def train(library: Any, network: str, batch: int, steps: int) -> None:
    model = runpy.run_path(str(NETWORKS))[network](library)
    images = library.randn(batch, *IMAGES[network])
    labels = library.randint(0, 10, (batch,))
    optimizer = library.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        library.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()


def peak_memory() -> int:
    """Bytes.  Linux counts what the parent had at the fork into ru_maxrss, but not into VmHWM."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    import resource  # noqa: PLC0415  not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    name, *work = sys.argv[1:]
    imported = importlib.import_module(name)
    if work:
        train(imported, work[0], int(work[1]), int(work[2]))
    print(peak_memory(), flush=True)
