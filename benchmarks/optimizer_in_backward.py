"""Peak memory and step time of an optimizer that steps in backward, in hooks of the parameters.

    python -m benchmarks.optimizer_in_backward [--library torch] [--width 2048] [--layers 16]

Each parameter has its own optimizer, which steps as soon as its gradient is complete and frees it.
Each way of training runs in a process of its own, so that its peak is its own.
"""

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.fresh import peak_memory

WAYS = ("after backward", "in backward")


def resident_memory() -> int:
    """Bytes in use now; the peak where Linux's /proc is not there."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return peak_memory()
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def hook_optimizers(library: Any, model: Any) -> None:
    """Let each parameter be updated, and its gradient freed, within backward."""
    optimizers = {p: library.optim.SGD([p], lr=1e-3) for p in model.parameters()}

    def step(p: Any) -> None:
        optimizers[p].step()
        p.grad = None

    for p in model.parameters():
        p.register_post_accumulate_grad_hook(step)


def measure(name: str, way: str, width: int, layers: int, steps: int) -> None:
    """Print the peak memory that training adds, in bytes, and the median seconds of a step."""
    library = importlib.import_module(name)
    library.manual_seed(0)
    nn = library.nn
    model = nn.Sequential(*(nn.Linear(width, width, bias=False) for _ in range(layers)))
    x = library.randn(16, width)
    small = nn.Sequential(
        nn.Linear(8, 8, bias=False)
    )  # kernels are loaded before memory is counted
    small(x[:, :8]).square().mean().backward()
    library.optim.SGD(small.parameters(), lr=1e-3).step()
    optimizer = None
    if way == "in backward":
        hook_optimizers(library, model)
    else:
        optimizer = library.optim.SGD(model.parameters(), lr=1e-3)
    before, seconds = resident_memory(), []
    for _ in range(steps):
        start = time.perf_counter()
        model(x).square().mean().backward()
        if optimizer is not None:
            optimizer.step()
            optimizer.zero_grad()
        seconds.append(time.perf_counter() - start)
    print(peak_memory() - before, statistics.median(seconds), min(seconds))


def main() -> None:
    """Measure both ways, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", default="minigrad")
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--layers", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--way", choices=WAYS, help="measure this alone, in this process")
    options = parser.parse_args()
    if options.way:
        measure(options.library, options.way, options.width, options.layers, options.steps)
        return
    weights = options.layers * options.width**2 * 4 / 2**20
    print(f"{options.library}: {options.layers} x Linear, width {options.width}, ", end="")
    print(f"{weights:.0f} MiB of parameters, batch 16, {options.steps} steps")
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks.optimizer_in_backward", *sys.argv[1:]]
        line = subprocess.run(
            [*command, "--way", way], check=True, capture_output=True, text=True
        ).stdout
        peak, median, best = map(float, line.split())
        print(f"{way:16} {peak / 2**20:7.0f} MiB   median {median:.3f} s   best {best:.3f} s")


if __name__ == "__main__":
    main()
