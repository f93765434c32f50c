"""A report of the micro-kernels' innermost loops: `python -m benchmarks.inner_loops [TARGET ...]`.

The counts are facts.  The share of the peak is llvm-mca's opinion, which takes everything to lie in
the first-level cache; without llvm-mca that column is empty.
"""

import argparse

from benchmarks.inner_loops.micro_kernels import DTYPES, MICRO_KERNELS
from benchmarks.inner_loops.report import HEAD, judge
from benchmarks.inner_loops.targets import TARGETS
from minigrad.bench.explain.simulator import simulator_version


def main() -> None:
    """Print a table, one line for each target and micro-kernel."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inner_loops", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--only", nargs="+", choices=MICRO_KERNELS, default=list(MICRO_KERNELS))
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"unknown targets {', '.join(unknown)}; known are {', '.join(TARGETS)}")
    print(f"Cycles by {simulator_version()}.\n\n| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}")
    for judged in judge(options.targets or TARGETS, options.only, options.dtype):
        print(f"| {' | '.join(judged.cells)} |", flush=True)


if __name__ == "__main__":
    main()
