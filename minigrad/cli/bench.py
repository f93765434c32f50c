"""`minigrad bench`: time the kernels and training steps against other libraries."""

import argparse
import importlib.util
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from minigrad import bench
from minigrad.bench import ab, exchange, explain
from minigrad.bench.case import choose, smallest
from minigrad.bench.process import WorkerError
from minigrad.bench.regression import confirmed, tell
from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.core.files import write_atomically
from minigrad.utils import terminal

SLOWER_OR_FAILED = 1
PAINT = {r"(?m)\bslower$|^failed": "red", r"(?m)\bfaster$": "green"}


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
    add("--threads", default="1", metavar="N,...", help="threads of every library (1)")
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
    add("--ab", metavar="OLD", help="time an old checkout, or file of cases, and this one in turns")
    add(
        "--fail-slower",
        type=float,
        metavar="PERCENT",
        help="with --ab: what counts as slower or faster (5)",
    )
    add("--markdown", type=Path, metavar="FILE", help="write the table, or verdicts, as Markdown")
    add(
        "--export",
        action="append",
        default=[],
        metavar="FORMAT=FILE",
        help=f"write as one of {', '.join(exchange.FORMATS)}; may be repeated",
    )
    add(
        "--history",
        type=Path,
        nargs="+",
        default=[],
        metavar="OLD.json",
        help="with --export html=FILE: earlier runs, oldest first, whose times it draws",
    )
    add("--list", action="store_true", help="print the names of the cases, and time nothing")
    add("--explain", metavar="TEXT", help="say where the time of the cases with this name goes")
    add("--plot", type=Path, metavar="FILE", help="draw the roofline as a PNG")
    add("--quick", action="store_true", help="the smallest case of each kind, timed roughly")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Time as the options say."""
    threads, exports = _threads(options.threads), _exports(options)
    _check_files(options, exports)
    if options.list:
        with as_usage_error(OSError, ValueError):
            print("\n".join(case.label for case in _cases(options)))
        return 0
    if len(threads) > 1 and (options.ab or options.compare or options.explain):
        raise UsageError("--ab, --compare and --explain take one number of threads at a time")
    if options.ab is not None:
        return _ab(options, threads[0])
    if options.fail_slower is not None:
        raise UsageError("--fail-slower needs --ab OLD")
    if options.explain is not None:
        return _explain(options, threads[0])
    return _time(options, threads, exports)


def _time(options: argparse.Namespace, threads: list[int], exports: dict[Path, str]) -> int:
    """Time the cases at each number of threads, and write what is asked for."""
    before = None
    with as_usage_error(OSError, ValueError):
        earlier = [bench.Run.load(path) for path in options.history]
        if options.compare is not None:
            before = bench.Run.load(options.compare)
            _check_comparable(options, threads[0], before)
        runs = [_timed(options, options.filter, count) for count in threads]
    width = terminal.columns()
    for found in runs:
        head, last = (terminal.fitted(words(found), width)
                      for words in (bench.heading, bench.summary))  # fmt: skip
        print(head, *[bench.table(found, width)] * (len(runs) == 1), last, sep="\n\n")
    if len(runs) > 1:
        print(f"\n{bench.threads_table(runs, width)}")
    with as_usage_error(OSError, ValueError):
        for path, found in _of_threads(options.json, runs):
            found.save(path)
        for path, found in _of_threads(options.plot, runs):
            bench.draw_roofline(path, found)
        for path, wanted in exports.items():
            exchange.export(wanted, path, runs, earlier)
    status = SLOWER_OR_FAILED if any(found.failed for found in runs) else 0
    if before is not None:
        again = partial(_timed, options, threads=threads[0])
        words, slower = tell(runs[0], before, confirmed(runs[0], before, again))
        print(f"\n{terminal.fitted(words, width)}")
        status = SLOWER_OR_FAILED if slower else status
    return status


def _threads(given: str) -> list[int]:
    """The numbers of threads of `1,2,4`."""
    parts = given.split(",")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"--threads expects whole numbers from 1 on, as in 1,2,4; got {given}")
    return [int(part) for part in dict.fromkeys(parts)]


def _exports(options: argparse.Namespace) -> dict[Path, str]:
    """The format of each file to write."""
    found = {} if options.markdown is None else {options.markdown: "markdown"}
    for given in options.export:
        wanted, _, path = given.partition("=")
        if wanted not in exchange.FORMATS or not path:
            known = ", ".join(exchange.FORMATS)
            raise UsageError(f"--export expects FORMAT=FILE with one of {known}; got {given}")
        found[Path(path)] = wanted
    if options.history and "html" not in found.values():
        raise UsageError("--history needs --export html=FILE, which shows it")
    if options.ab is not None and set(found.values()) - {"markdown"}:
        raise UsageError("verdicts of --ab are written as Markdown only")
    return found


def _check_files(options: argparse.Namespace, exports: dict[Path, str]) -> None:
    """Raise UsageError now for what could not be written after the run."""
    if options.plot is not None and importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--plot needs matplotlib: pip install 'minigrad[plot]'")
    for path in (options.json, options.plot, *exports):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")


def _of_threads(path: Path | None, runs: list[bench.Run]) -> list[tuple[Path, bench.Run]]:
    """A file for each run: `run.json`, or of several `run-1.json` and `run-2.json`."""
    if path is None:
        return []
    if len(runs) == 1:
        return [(path, runs[0])]
    return [(path.with_stem(f"{path.stem}-{run.threads}"), run) for run in runs]


def _timed(options: argparse.Namespace, pattern: str | None, threads: int) -> bench.Run:
    return bench.run(
        options.suites or (bench.BUILT_IN,),
        pattern=pattern,
        threads=threads,
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


def _explain(options: argparse.Namespace, threads: int) -> int:
    """Say of each case that fits where its time goes."""
    with as_usage_error(OSError, ValueError, WorkerError):
        suites = options.suites or (bench.BUILT_IN,)
        found = explain.explain(
            suites, options.explain, threads=threads, dtype=options.dtype, quick=options.quick
        )
        for explanation in found:
            print(f"{explain.report(explanation, terminal.columns())}\n")
    return 0


def _ab(options: argparse.Namespace, threads: int) -> int:
    """Time two versions in turns; the status is 1 if a case is slower."""
    percent = 100 * ab.MARGIN if options.fail_slower is None else options.fail_slower
    if not percent > 0:
        raise UsageError(f"--fail-slower expects a positive number of percent, got {percent}")
    margin = percent / 100
    with as_usage_error(OSError, ValueError, WorkerError):
        old, new = ab.version_of(options.ab, options.suites), ab.version_of(None, options.suites)
        with tqdm(bar_format="{desc}", leave=False, disable=None) as bar:
            found = ab.compare_versions(
                old, new, _cases(options), threads=threads, dtype=options.dtype,
                margin=margin, progress=bar.set_description_str,
            )  # fmt: skip
        print(terminal.coloured(ab.table(found, margin, terminal.columns()), PAINT))
        text = ab.markdown(found, margin)
        for page in _exports(options):
            write_atomically(page, lambda path: path.write_text(text))
    bad = any(c.failure is not None or c.verdict.verdict == ab.SLOWER for c in found)
    return SLOWER_OR_FAILED if bad else 0


def _check_comparable(options: argparse.Namespace, threads: int, before: bench.Run) -> None:
    """Raise UsageError now for what `compare` would refuse after the run."""
    for what, asked in (("threads", threads), ("dtype", options.dtype)):
        if asked != getattr(before, what):
            raise UsageError(
                f"{options.compare} was measured with --{what} {getattr(before, what)}, "
                f"this run has --{what} {asked}"
            )
