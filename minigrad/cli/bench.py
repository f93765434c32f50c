"""`minigrad bench`: time the kernels and training steps against other libraries."""

import argparse
import importlib.util
from pathlib import Path
from typing import Any

from minigrad import bench
from minigrad.bench.regression import tell
from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.utils import terminal

SLOWER_OR_FAILED = 1


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "bench",
        help="time operations and training steps against NumPy and PyTorch",
        description="Time operations and training steps, each library in a process of its own. "
        "Ends with status 1 if a result is wrong, or a case slower than in --compare.",
    )
    add = parser.add_argument
    add("suites", nargs="*", metavar="FILE", help="Python files with a list CASES of your own")
    add("--filter", metavar="TEXT", help="cases with this in name and sizes; may hold * and ?")
    add("--threads", type=int, default=1, help="threads of every library (1)")
    add(
        "--dtype", choices=("float32", "float64"), default="float32", help="of the inputs (float32)"
    )
    add(
        "--against",
        default="numpy,torch",
        metavar="LIBRARY,...",
        help="compare with these (numpy,torch)",
    )
    add("--json", type=Path, metavar="FILE", help="write everything that was measured")
    add("--compare", type=Path, metavar="OLD.json", help="tell what has changed since then")
    add("--plot", type=Path, metavar="FILE", help="draw the roofline as a PNG")
    add("--quick", action="store_true", help="the smallest case of each kind, timed roughly")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Time as the options say."""
    before = None
    if options.threads < 1:
        raise UsageError(f"--threads expects a whole number from 1 on, got {options.threads}")
    if options.plot is not None and importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib: pip install 'minigrad[plot]'")
    for path in (options.json, options.plot):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")
    if options.compare is not None:
        with as_usage_error(OSError, ValueError):
            before = bench.Run.load(options.compare)
        _check_comparable(options, before)
    with as_usage_error(OSError, ValueError):
        found = bench.run(
            options.suites or (bench.BUILT_IN,),
            pattern=options.filter,
            threads=options.threads,
            dtype=options.dtype,
            against=[name for name in options.against.split(",") if name],
            quick=options.quick,
            progress=True,
        )
    width = terminal.columns()
    words = [terminal.fitted(part(found), width) for part in (bench.heading, bench.summary)]
    print(words[0], bench.table(found, width), words[1], sep="\n\n")
    status = SLOWER_OR_FAILED if found.failed else 0
    with as_usage_error(OSError, ValueError):
        if options.json is not None:
            found.save(options.json)
        if options.plot is not None:
            bench.draw_roofline(options.plot, found)
    if before is not None:
        changes, slower = tell(found, before)
        print(f"\n{terminal.fitted(changes, width)}")
        status = SLOWER_OR_FAILED if slower else status
    return status


def _check_comparable(options: argparse.Namespace, before: bench.Run) -> None:
    """Raise UsageError now for what `compare` would refuse after the run."""
    for what in ("threads", "dtype"):
        if getattr(options, what) != getattr(before, what):
            raise UsageError(
                f"{options.compare} was measured with --{what} {getattr(before, what)}, "
                f"this run has --{what} {getattr(options, what)}"
            )
