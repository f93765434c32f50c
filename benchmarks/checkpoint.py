"""What `utils.checkpoint` saves and costs: peak memory and step time of a network of 32 layers.

    python -m benchmarks.checkpoint [--library torch] [--width 512] [--batch 4096] [--steps 5]

Each way of training runs in a process of its own, so that its peak is its own.
"""

import argparse
import importlib
import math
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks.fresh import peak_memory

LAYERS = 32
WAYS = {
    "no checkpoint": None,
    "2 segments": 2,
    "6 segments": round(math.sqrt(LAYERS)),
    "16 segments": 16,
    "32 segments": LAYERS,
    "6 segments, reentrant": -round(math.sqrt(LAYERS)),
}


def step(library: Any, model: Any, segments: int | None, x: Any) -> None:
    """Forward and backward; `segments` is negative for the reentrant variant."""
    if segments is None:
        result = model(x)
    else:
        checkpoint = importlib.import_module(f"{library.__name__}.utils.checkpoint")
        result = checkpoint.checkpoint_sequential(
            model, abs(segments), x, use_reentrant=segments < 0
        )
    result.square().mean().backward()


def measure(name: str, way: str, width: int, batch: int, steps: int) -> None:
    """Print the peak memory that training adds, in bytes, and the median seconds of a step."""
    library = importlib.import_module(name)
    library.manual_seed(0)
    nn = library.nn
    layers = [nn.Sequential(nn.Linear(width, width), nn.GELU()) for _ in range(LAYERS)]
    model = nn.Sequential(*layers)
    x = library.randn(batch, width).requires_grad_()
    for layer in layers:  # kernels are loaded and gradients are there before memory is counted
        layer(x[:1]).sum().backward()
    before, seconds = peak_memory(), []
    for _ in range(steps):
        start = time.perf_counter()
        step(library, model, WAYS[way], x)
        seconds.append(time.perf_counter() - start)
    print(peak_memory() - before, statistics.median(seconds), min(seconds))


def main() -> None:
    """Measure all ways, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", default="minigrad")
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--way", choices=WAYS, help="measure this alone, in this process")
    options = parser.parse_args()
    if options.way:
        measure(options.library, options.way, options.width, options.batch, options.steps)
        return
    print(f"{options.library}: {LAYERS} x (Linear, GELU), width {options.width}, ", end="")
    print(f"batch {options.batch}, {options.steps} steps")
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks.checkpoint", *sys.argv[1:], "--way", way]
        line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peak, median, best = map(float, line.split())
        print(
            f"{way:24} {peak / 2**20:7.0f} MiB   median {median:.2f} s   best {best:.2f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
