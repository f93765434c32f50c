"""`minigrad bench`: time the kernels and training steps against other libraries."""

import argparse
import importlib.util
from pathlib import Path
from typing import Any

from tqdm import tqdm

from minigrad import bench
from minigrad.bench import ab
from minigrad.bench.case import choose, smallest
from minigrad.bench.process import WorkerError
from minigrad.bench.regression import confirmed, tell
from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.core.files import write_atomically
from minigrad.utils import terminal

SLOWER_OR_FAILED = 1


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "bench",
        help="time operations and training steps against NumPy and PyTorch",
        description="Time operations and training steps, each library in a process of its own. "
        "Ends with status 1 if a result is wrong, or a case slower than in --compare or --ab.",
        epilog="status: 0 nothing is slower, or unresolved; 1 a case is slower, or a result wrong; "
        "2 the command cannot be carried out; 130 interrupted",
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
        metavar="NAME,...",
        help="compare with these libraries or implementations (all that cases are written for)",
    )
    add("--json", type=Path, metavar="FILE", help="write everything that was measured")
    add("--compare", type=Path, metavar="OLD.json", help="tell what has changed since then")
    add("--ab", metavar="OLD", help="time an old checkout, or file of cases, and this one by turns")
    add(
        "--fail-slower",
        type=float,
        metavar="PERCENT",
        help="with --ab: what counts as slower or faster (5)",
    )
    add("--markdown", type=Path, metavar="FILE", help="with --ab: write the verdicts as Markdown")
    add("--list", action="store_true", help="print the names of the cases, and time nothing")
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
    for path in (options.json, options.plot, options.markdown):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")
    if options.list:
        with as_usage_error(OSError, ValueError):
            print("\n".join(case.label for case in _cases(options)))
        return 0
    if options.ab is not None:
        return _ab(options)
    if options.fail_slower is not None or options.markdown is not None:
        raise UsageError("--fail-slower and --markdown need --ab OLD")
    if options.compare is not None:
        with as_usage_error(OSError, ValueError):
            before = bench.Run.load(options.compare)
        _check_comparable(options, before)
    with as_usage_error(OSError, ValueError):
        found = _timed(options, options.filter)
    width = terminal.columns()
    head, last = (terminal.fitted(part(found), width) for part in (bench.heading, bench.summary))
    print(head, bench.table(found, width), last, sep="\n\n")
    status = SLOWER_OR_FAILED if found.failed else 0
    with as_usage_error(OSError, ValueError):
        if options.json is not None:
            found.save(options.json)
        if options.plot is not None:
            bench.draw_roofline(options.plot, found)
    if before is not None:
        changes = confirmed(found, before, lambda label: _timed(options, label))
        words, slower = tell(found, before, changes)
        print(f"\n{terminal.fitted(words, width)}")
        status = SLOWER_OR_FAILED if slower else status
    return status


def _timed(options: argparse.Namespace, pattern: str | None) -> bench.Run:
    return bench.run(
        options.suites or (bench.BUILT_IN,),
        pattern=pattern,
        threads=options.threads,
        dtype=options.dtype,
        against=options.against and [name for name in options.against.split(",") if name],
        quick=options.quick,
        progress=True,
    )


def _cases(options: argparse.Namespace) -> list[bench.Case]:
    suites = options.suites or (bench.BUILT_IN,)
    cases = choose((c for suite in suites for c in bench.load_suite(suite)), options.filter)
    if not cases:
        raise ValueError(f"no case has {options.filter!r} in its name and sizes")
    return smallest(cases) if options.quick else cases


def _ab(options: argparse.Namespace) -> int:
    """Time two versions by turns; the status is 1 if a case is slower."""
    percent = 100 * ab.MARGIN if options.fail_slower is None else options.fail_slower
    if not percent > 0:
        raise UsageError(f"--fail-slower expects a positive number of percent, got {percent}")
    margin = percent / 100
    with as_usage_error(OSError, ValueError, WorkerError):
        old, new = ab.version_of(options.ab, options.suites), ab.version_of(None, options.suites)
        with tqdm(bar_format="{desc}", leave=False, disable=None) as bar:
            found = ab.compare_versions(
                old, new, _cases(options), threads=options.threads, dtype=options.dtype,
                margin=margin, progress=bar.set_description_str,
            )  # fmt: skip
        print(ab.table(found, margin, terminal.columns()))
        if options.markdown is not None:
            text = ab.markdown(found, margin)
            write_atomically(options.markdown, lambda path: path.write_text(text))
    bad = any(c.failure is not None or c.verdict.verdict == ab.SLOWER for c in found)
    return SLOWER_OR_FAILED if bad else 0


def _check_comparable(options: argparse.Namespace, before: bench.Run) -> None:
    """Raise UsageError now for what `compare` would refuse after the run."""
    for what in ("threads", "dtype"):
        if getattr(options, what) != getattr(before, what):
            raise UsageError(
                f"{options.compare} was measured with --{what} {getattr(before, what)}, "
                f"this run has --{what} {getattr(options, what)}"
            )
