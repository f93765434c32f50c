"""`minigrad compile`: fill the cache of compiled kernels ahead of time."""

import argparse
import time
from typing import Any

from minigrad.cli.help_text import HelpFormatter
from minigrad.cli.workloads import WORKLOADS
from minigrad.core import dtypes
from minigrad.kernels import cpu_info
from minigrad.kernels.compiler.cache import kernel_cache_dir

EPILOG = """\
A machine that finds its kernels in the cache compiles nothing.  Set
MINIGRAD_CACHE to a folder that is shipped (in an image: ENV
MINIGRAD_CACHE=/opt/minigrad, then RUN minigrad compile) or shared by a cluster.

Machine code is for the CPU it was made on.  For machines of several kinds, make
it for what all of them have, and set the same variables wherever it is used;
for AVX2:
NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES=+avx,+avx2,+fma"""


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "compile",
        help="compile the kernels of common models ahead of time",
        description="Compile the kernels of common models, by a training step of each.",
        epilog=EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help=f"what will be trained: {', '.join(WORKLOADS)} (default: all)",
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "float64"),
        action="append",
        help="of the parameters; may be given twice (default: float32)",
    )
    parser.set_defaults(run=run, refuse=parser.error)


def run(options: argparse.Namespace) -> int:
    """Run a step of each model, and say what was compiled."""
    if unknown := [name for name in options.models if name not in WORKLOADS]:
        options.refuse(f"no model {unknown[0]!r}; choose from {', '.join(WORKLOADS)}")
    print(f"{'model':<12} {'dtype':<8} {'kernels':>7} {'seconds':>8}")
    for name in options.models or WORKLOADS:
        for kind in options.dtype or ["float32"]:
            before, start = _count(), time.perf_counter()
            WORKLOADS[name](getattr(dtypes, kind))
            seconds = time.perf_counter() - start
            print(f"{name:<12} {kind:<8} {_count() - before:>7} {seconds:>8.1f}", flush=True)
    features = ", ".join(cpu_info.vector_features())
    print(f"kept in {kernel_cache_dir()}, for {cpu_info.cpu_name()}: {features}")
    return 0


def _count() -> int:
    """The number of compiled functions in the cache."""
    return sum(1 for _ in kernel_cache_dir().rglob("*.nbc"))
