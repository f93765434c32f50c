"""Steps of 1, 2 and 4 processes on this machine, beside what `minigrad run --estimate` predicts.

    python -m benchmarks.distributed_scaling

Processes on one machine share its memory, and beyond the number of cores these, too.  So what is
predicted for N is from the step that N processes take which run at once and exchange nothing.
`hidden` is the share of the exchanges' predicted time that the step does not wait for.
"""

import argparse
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.page import add_page, publish
from benchmarks.scaling_script import MODELS
from minigrad.distributed.launch.command import Launch
from minigrad.distributed.launch.estimate import Step, read_step
from minigrad.distributed.launch.job import run_job
from minigrad.distributed.launch.measure_exchange import measured

SCRIPT = str(Path(__file__).with_name("scaling_script.py"))


def step_of(model: str, ranks: int, hosts: Path | None = None) -> Step:
    """The step of rank 0, measured now."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "timeline.json"
        variables = {"MINIGRAD_RUN_TIMELINE": str(file)}
        if run_job(Launch(ranks, SCRIPT, [model], hosts, variables=variables)):
            raise RuntimeError(f"{model} on {ranks} ranks failed")
        return read_step(file)


def beside_others(model: str, count: int) -> Step:
    """The step of one process, the slowest of so many that run at once and exchange nothing."""
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        return max(pool.map(step_of, [model] * count, [1] * count), key=lambda step: step.seconds)


def table() -> Iterator[str]:
    """The rows, as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        network = measured(Path(folder) / "exchange.json")
    cores = len(os.sched_getaffinity(0))
    yield (
        f"between processes here: {network.latency * 1e6:.0f} us, "
        f"{network.bandwidth * 8e-9:.1f} Gbit/s; {cores} cores\n"
    )
    yield "| model | ranks | predicted ms | measured ms | waited ms | hidden |"
    yield "|---|---|---|---|---|---|"
    for model in MODELS:
        for ranks in (1, 2, 4):
            alone = beside_others(model, ranks)
            found = alone if ranks == 1 else step_of(model, ranks)
            predicted = alone.on(network, ranks)
            hidden = 1 - found.waited / predicted.exchanged if predicted.exchanged else 1.0
            yield (
                f"| {model} | {ranks} | {predicted.seconds * 1e3:.1f} | "
                f"{(found.seconds + found.waited) * 1e3:.1f} | {found.waited * 1e3:.1f} | "
                f"{max(hidden, 0.0):.0%} |"
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_page(parser)
    publish(table(), "distributed_scaling", parser.parse_args().page)


if __name__ == "__main__":
    main()
