"""Make every published comparison: results/<kind of machine>/*.json, and the pages of results.

The kind is AVX2, AVX-512 or Arm: what other kinds measured stays, and stands beside it in
results/README.md.  The chief tables stand in docs/tables/speed.md, too.
"""

import argparse
import json
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import compiled_steps as steps
from benchmarks import processes
from benchmarks.inner_loops.report import summary as inner_loops_summary
from benchmarks.published.kinds import RESULTS, own_folder
from benchmarks.published.pages import publish, summary
from benchmarks.verdicts.campaign import campaign
from benchmarks.winograd_errors import summary as winograd_summary
from minigrad import bench
from minigrad.bench.record import describe_machine
from minigrad.cli.generated_section import Section

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs/tables/speed.md"
ON_PAGE = Section("speed", "python -m benchmarks")
BUSY_CASE = "training step lecture CNN SGD N64"


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Another process keeps one core busy."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.terminate()


def cases(options: Namespace) -> None:
    """All of minigrad's own cases, at each number of threads."""
    for threads in options.threads:
        save(options, f"cases-{threads}", bench.run(threads=threads, **common(options)))


def startup(options: Namespace) -> None:
    """Importing, and the first step of the lecture's network from the start of the process."""
    save(options, "startup", processes.startup(options.threads[-1], 1 if options.quick else 5))


def memory(options: Namespace) -> None:
    """Peak memory of training."""
    save(options, "memory", processes.memory(options.threads[-1], options.quick))


def neighbour(options: Namespace) -> None:
    """A training step on all threads, alone and while another process keeps a core busy."""
    settings: dict[str, Any] = {
        "pattern": BUSY_CASE,
        "threads": options.threads[-1],
        "against": ["torch"],
    }
    save(options, "neighbour-none", bench.run(**settings, progress=True))
    with busy_neighbour():
        save(options, "neighbour-busy", bench.run(**settings, progress=True))


def growth(options: Namespace) -> None:
    """A training step as batch and depth grow."""
    found = bench.run([HERE / "growth.py"], against=["torch"], **common(options))
    save(options, "growth", found)


def alternatives(options: Namespace) -> None:
    """A training step in JAX and in MyGrad, where they are installed."""
    against = ["torch", "jax", "mygrad"]
    found = bench.run([HERE / "alternatives.py"], against=against, **common(options))
    save(options, "alternatives", found)


def optimizers(options: Namespace) -> None:
    """A step of every optimizer, at each number of threads."""
    for threads in options.threads:
        settings: dict[str, Any] = {"against": ["torch"], "threads": threads, **common(options)}
        found = bench.run([HERE / "optimizer_steps.py"], **settings)
        save(options, f"optimizers-{threads}", found)


def optimizer_targets(options: Namespace) -> None:
    """Steps of every update rule, of a chain and of Muon, against their targets."""
    settings: dict[str, Any] = {"against": ["torch"], "threads": options.threads[-1]}
    found = bench.run([HERE / "optimizer_targets.py"], **settings, **common(options))
    save(options, "optimizer-targets", found)


def compiled_steps(options: Namespace) -> None:
    """Training steps replayed by `minigrad.compile`, beside eager steps, torch and JAX."""
    for threads in options.threads:
        rounds, seconds = (1, 0.2) if options.quick else (2, 1.5)
        save(options, f"compiled-steps-{threads}", steps.summary(threads, rounds, seconds))


def verdicts(options: Namespace) -> None:
    """How often comparisons of two versions raise a false alarm, or miss a slow-down."""
    machine = describe_machine()
    found = campaign(65, 5, 20) if options.quick else campaign()
    machine["load"] = os.getloadavg()
    save(options, "verdicts", {"machine": machine, "verdicts": found})


def inner_loops(options: Namespace) -> None:
    """The innermost loops of kernels for CPUs that are not here, by LLVM's simulator."""
    save(options, "inner-loops", inner_loops_summary())


def winograd_errors(options: Namespace) -> None:
    """Rounding errors of Winograd's convolution, beside those of plain sums and of PyTorch."""
    save(options, "winograd-errors", winograd_summary())


PARTS = (
    cases, startup, memory, neighbour, growth, alternatives, optimizers,
    optimizer_targets, compiled_steps, verdicts, inner_loops, winograd_errors,
)  # fmt: skip
SECTIONS: dict[str, Callable[[Namespace], None]] = {part.__name__: part for part in PARTS}


def common(options: Namespace) -> dict[str, Any]:
    return {"quick": options.quick, "progress": True}


def save(options: Namespace, name: str, found: object) -> None:
    path = own_folder(options.out) / f"{name}.json"
    if isinstance(found, bench.Run):
        found.save(path)
        failures = [
            f"{e.label}, {k}: {why}" for e in found.entries for k, why in e.failures.items()
        ]
        for failure in failures:
            print(f"failed: {failure}", file=sys.stderr)
    else:
        path.write_text(json.dumps(found, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", choices=SECTIONS, action="append", help="make this part; may be repeated"
    )
    both = sorted({1, os.cpu_count() or 1})
    parser.add_argument(
        "--threads", type=int, nargs="+", default=both, help=f"numbers of threads (default {both})"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--quick", action="store_true", help="small and rough, to see that it runs")
    options = parser.parse_args()
    for name in options.only or SECTIONS:
        print(f"{name}: {SECTIONS[name].__doc__}", file=sys.stderr)
        SECTIONS[name](options)
        publish(options.out)
    if options.out == RESULTS:
        ON_PAGE.write(PAGE, summary(RESULTS))


if __name__ == "__main__":
    main()
