"""Many gradient checks in a row, or on several processes at once; each ends in a Result."""

import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from minigrad.autograd import GradcheckError
from minigrad.kernels.compiler.kernel import set_num_threads
from minigrad.testing.cases import Subject
from minigrad.testing.operations import (
    LAYOUTS,
    Errors,
    check_layout,
    check_operation,
    describe,
    differentiable,
)

PACKAGE = Path(__file__).parents[1]


class Result(NamedTuple):
    """The outcome of one check: the worst errors of each order, or the failure.

    coverage: what was looked at of arguments of many entries, in words.
    """

    subject: str
    case: str
    first: float | None
    second: float | None
    seconds: float
    failure: str | None
    coverage: str = ""


class Task(NamedTuple):
    """The checks of one operation, as a process is given them."""

    operation: str
    seed: int
    quick: bool


def tasks(pattern: str | None = None, *, seed: int = 0, quick: bool = False) -> list[Task]:
    """The checks of the whole library, or of operations whose name holds or matches `pattern`.

    quick: one sample in one layout per operation, which ones depends on the seed.
    Raises ValueError if there is no such operation.
    """
    names = [name for name in differentiable() if pattern is None or _matches(name, pattern)]
    if not names:
        raise ValueError(f"there is no differentiable operation whose name matches {pattern!r}")
    return [Task(name, seed, quick) for name in names]


def _matches(name: str, pattern: str) -> bool:
    return pattern in name or fnmatch(name, pattern)


def run(wanted: Sequence[Task], jobs: int = 1) -> Iterator[list[Result]]:
    """The results of each task, in order; on several processes if jobs is more than 1."""
    if jobs == 1:
        yield from map(check_library, wanted)
        return
    # Processes of their own: a fork would share OpenMP's threads, which it must not.
    with multiprocessing.get_context("spawn").Pool(jobs, set_num_threads, (1,)) as pool:
        yield from pool.imap(check_library, wanted)


def check_library(task: Task) -> list[Result]:
    """Check one operation at its samples, in every layout.

    Derivatives of contiguous arguments are compared with differences, those of others with them.
    """
    operation = differentiable()[task.operation]
    cases = [(sample, layout) for sample in operation.op.samples for layout in LAYOUTS]
    if task.quick and cases:
        cases = [cases[task.seed % len(cases)]]
    if not cases:
        return [Result(task.operation, "", None, None, 0.0, "no samples are declared for it")]
    return [
        timed(
            task.operation,
            f"{describe(sample)}, {layout}",
            partial(
                check_operation if task.quick or layout == "contiguous" else check_layout,
                operation,
                sample,
                layout,
                task.seed,
            ),
        )
        for sample, layout in cases
    ]


def check_subject(subject: Subject, seed: int = 0) -> list[Result]:
    """Check a user's function or module on each of its cases."""
    return [
        timed(subject.name, describe(sample), partial(subject.check, sample, seed))
        for sample in subject.cases.samples
    ]


def timed(subject: str, case: str, check: Callable[[], Errors]) -> Result:
    """Run a check; whatever it raises is its failure."""
    start = time.perf_counter()
    errors, failure = Errors(None, None), None  # type: ignore[arg-type]
    try:
        errors = check()
    except GradcheckError as error:
        failure = str(error)
    except Exception as error:
        words = f"{type(error).__name__}: {error}\n{_where(error)}{_hint(error)}"
        failure = f"{subject}{case} raised {words}"
    seconds = time.perf_counter() - start
    coverage = "\n".join(map(str, errors.coverages))
    return Result(subject, case, errors.first, errors.second, seconds, failure, coverage)


def _hint(error: Exception) -> str:
    """What to do where a function was given tensors that wants arrays."""
    if not str(error).startswith("Can't call numpy() on Tensor that requires grad"):
        return ""
    return (
        "\n  a function of NumPy arrays is checked with the gradient you wrote for it: "
        "gradcheck_cases(..., vjp=...); one of tensors loses its derivatives in NumPy"
    )


def _where(error: Exception) -> str:
    """The last line of code outside minigrad's own, or else the one that raised."""
    frames: Any = traceback.extract_tb(error.__traceback__)
    outside = [f for f in frames if not f.filename.startswith(str(PACKAGE))]
    frame = (outside or frames)[-1]
    return f"  at {frame.filename}:{frame.lineno}, in {frame.name}"
