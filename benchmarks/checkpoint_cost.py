"""Time and bytes of a checkpoint of ResNet-18 with Adam, and what saving in the background costs.

    python -m benchmarks.checkpoint_cost [--steps 8] [--every 4] [--batch 32] [--threads 1]

Steps with and without checkpoints alternate.  Seconds are CPU seconds of the loop's thread, which
waits for nobody; the writer's own time is given beside them.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import minigrad as mg
from benchmarks.page import add_page, publish
from minigrad.training import CheckpointManager
from minigrad.training.checkpoint_file import take_snapshot, write_checkpoint
from minigrad.vision import models


def measured(options: argparse.Namespace) -> Iterator[str]:
    """The lines of the report."""
    mg.set_num_threads(options.threads)
    model = models.resnet18(num_classes=10, stem="cifar")
    optimizer = mg.optim.Adam(model.parameters())
    x, y = mg.randn(options.batch, 3, 32, 32), mg.randint(10, (options.batch,))

    def step() -> None:
        optimizer.zero_grad()
        mg.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    step()
    yield "| ResNet-18 with Adam | |"
    yield "|---|---|"
    state = {"model": model, "optimizer": optimizer}
    with tempfile.TemporaryDirectory() as name:
        began = time.thread_time()
        snapshot = take_snapshot(state)
        copy = time.thread_time() - began
        began = time.thread_time()
        take_snapshot(state, snapshot)
        again = time.thread_time() - began
        began, wall = time.thread_time(), time.perf_counter()
        write_checkpoint(Path(name) / "one", 1, snapshot)
        write, wall = time.thread_time() - began, time.perf_counter() - wall
        size = (Path(name) / "one").stat().st_size
        yield f"| bytes | {size:,} |"
        yield f"| copying, ms | {copy * 1e3:.1f}, into used memory {again * 1e3:.1f} |"
        yield f"| writing, ms | {write * 1e3:.0f} of CPU, on disk after {wall * 1e3:.0f} |"
        costs: dict[bool, list[float]] = {False: [], True: []}
        with CheckpointManager(name, save_interval_steps=options.every) as manager:
            for number in range(options.steps * 2):
                saving = number % 2 == 1
                began = time.thread_time()
                for i in range(options.every):
                    step()
                    if saving and i == options.every - 1:
                        manager.save(number * options.every, state, force=True)
                costs[saving].append((time.thread_time() - began) / options.every)
    plain, saved = (statistics.median(costs[kind]) for kind in (False, True))
    yield (
        f"| a step, ms | {plain * 1e3:.0f}; with a checkpoint every {options.every} steps "
        f"{saved * 1e3:.0f}: {saved / plain - 1:+.1%} |"
    )
    yield f"| of it the copy | {again / options.every / plain:.2%} |"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    add_page(parser)
    options = parser.parse_args()
    publish(measured(options), "checkpoint_cost", options.page)


if __name__ == "__main__":
    main()
