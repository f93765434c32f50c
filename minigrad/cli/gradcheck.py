"""`minigrad gradcheck`: check the derivatives of the whole library, or of what a user wrote."""

import argparse
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from minigrad.cli.help_text import HelpFormatter
from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.testing import report, suite, targets
from minigrad.testing.cases import Subject
from minigrad.testing.frameworks import NAMES
from minigrad.testing.suite import Result
from minigrad.utils import terminal

WRONG = 1
PAINT = {r"\d+ (cases )?FAILED": "red", "none failed": "green", r"(?m)^likely: .*$": "yellow"}
DESCRIPTION = """\
Compare analytic derivatives of first and second order with differences of
function values. Without a target every operation of the library is checked,
at all its samples and memory layouts. Ends with status 1 if a derivative is
wrong."""


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "gradcheck",
        help="check derivatives: of the whole library, or of your functions and modules",
        description=DESCRIPTION,
        epilog=targets.CONVENTION,
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("target", nargs="?", help="FILE.py[:NAME] or PACKAGE.MODULE[:NAME]")
    add("--filter", metavar="TEXT", help="what has this in its name; may hold * and ?")
    add("--seed", type=int, default=0, help="of points, cotangents and directions (default 0)")
    add("--runs", type=int, default=1, help="check with this many seeds, from --seed on")
    add("--quick", action="store_true", help="one sample per operation, another for each seed")
    add(
        "--framework",
        choices=NAMES,
        metavar="NAME",
        help=f"what a target is written for: {', '.join(NAMES)} (default: recognised)",
    )
    add(
        "--budget",
        type=float,
        metavar="SECONDS",
        help="for single entries of each argument of more than 1024, of which some are drawn",
    )
    add("--jobs", type=int, help="processes to share the work among (default: one per CPU)")
    add("--json", type=Path, metavar="FILE", help="write every result")
    add("--junit", type=Path, metavar="FILE", help="write a report in JUnit's XML")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check as the options say; the status is 1 if something is wrong."""
    for option, value, least in (
        ("--runs", options.runs, 1), ("--jobs", options.jobs, 1), ("--seed", options.seed, 0),
    ):  # fmt: skip
        if value is not None and value < least:
            raise UsageError(f"{option} expects a whole number from {least} on, got {value}")
    if options.budget is not None and not options.budget > 0:
        raise UsageError(f"--budget expects a number of seconds, got {options.budget}")
    for path in (options.json, options.junit):
        if path is not None and not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")
    start = time.perf_counter()
    if options.target is None:
        heading, results = "operation", _library(options)
    else:
        heading, results = "subject", _target(options)
    seconds = time.perf_counter() - start
    width = terminal.columns()
    print(terminal.coloured(report.table(results, heading, width), PAINT))
    if looked := report.coverage(results):
        print(f"\n{terminal.fitted(looked, width)}")
    failed = report.failures(results)
    if failed:
        print(f"\n{terminal.coloured(terminal.fitted(failed, width), PAINT)}")
    words = terminal.fitted(report.summary(results, seconds, heading), width)
    print(f"\n{terminal.coloured(words, PAINT)}")
    with as_usage_error(OSError):
        if options.json is not None:
            report.write_json(options.json, results, options.seed, seconds)
        if options.junit is not None:
            report.write_junit(options.junit, results, seconds)
    return WRONG if failed else 0


def _seeds(options: argparse.Namespace) -> range:
    return range(options.seed, options.seed + options.runs)


def _library(options: argparse.Namespace) -> list[Result]:
    with as_usage_error(ValueError):
        wanted = [
            task
            for seed in _seeds(options)
            for task in suite.tasks(options.filter, seed=seed, quick=options.quick)
        ]
    jobs = options.jobs or os.cpu_count() or 1
    again = "minigrad gradcheck --filter {subject} --seed {seed}" + " --quick" * options.quick
    done = suite.run(wanted, min(jobs, len(wanted)))
    return list(_watched(done, wanted, [task.seed for task in wanted], again))


def _target(options: argparse.Namespace) -> list[Result]:
    with as_usage_error(targets.TargetError):
        found = targets.find(options.target)
    for name, reason in found.passed_over:
        print(f"{name} is not checked: it {reason}")
    subjects = [s for s in found.subjects if options.filter is None or options.filter in s.name]
    if not subjects:
        names = ", ".join(s.name for s in found.subjects)
        raise UsageError(f"nothing in {options.target} matches {options.filter!r}: it has {names}")
    with EntryBar() as bar:
        return _checked([_as_asked(subject, options, bar) for subject in subjects], options)


def _checked(subjects: Sequence[Subject], options: argparse.Namespace) -> list[Result]:
    wanted = [(subject, seed) for seed in _seeds(options) for subject in subjects]
    place = options.target.removesuffix(f":{subjects[0].name}")
    again = f"minigrad gradcheck {place}:{{subject}} --seed {{seed}}"
    done = (suite.check_subject(subject, seed) for subject, seed in wanted)
    return list(_watched(done, wanted, [seed for _, seed in wanted], again))


class EntryBar:
    """A bar of the entries of one argument, on a terminal, where they take more than a second."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, label: str, done: int, count: int) -> None:
        """Show that so many entries of so many were compared."""
        if self._bar is None or done == 0:
            self.close()
            self._bar = tqdm(
                total=count, unit="entry", desc=label, disable=None, leave=False, delay=1.0
            )
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> "EntryBar":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _as_asked(subject: Subject, options: argparse.Namespace, bar: EntryBar) -> Subject:
    """The subject with the options of the command; what cannot be checked of it is said."""
    asked = {
        name: getattr(options, name)
        for name in ("framework", "budget")
        if getattr(options, name) is not None
    }
    subject = subject._replace(cases=subject.cases._replace(progress=bar, **asked))
    with as_usage_error(ImportError):
        for reason in subject.cannot():
            print(f"{subject.name} is not checked in {reason}")
    return subject


def _watched(
    done: Iterable[list[Result]], wanted: Sequence[Any], seeds: Sequence[int], again: str
) -> Iterator[Result]:
    """The results as they come, with a progress bar on a terminal; failures say how to see them."""
    bar = tqdm(done, total=len(wanted), unit="op", disable=None, leave=False)
    for seed, results in zip(seeds, bar, strict=True):
        repeat = partial(again.format, seed=seed)
        for result in results:
            failure = result.failure
            if failure is not None:
                failure = f"{failure}\nagain: {repeat(subject=result.subject)}"
            yield result._replace(failure=failure)
