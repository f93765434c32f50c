"""Explanations of cases, each measured in a fresh process."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from minigrad.bench.case import Case, choose, in_place_of_minigrad, load_suite, variants
from minigrad.bench.explain.counters import counted
from minigrad.bench.explain.explanation import Explanation
from minigrad.bench.explain.inner_loop import InnerLoop
from minigrad.bench.process import Process
from minigrad.bench.runner import measured_peaks
from minigrad.kernels.observation.kernel_clock import KernelTime

AT_MOST = 8  # cases at a time
SECONDS = 0.05  # of a round
ROUNDS = 5
COUNTED = 0.3  # seconds that perf counts


def explain(
    suites: Sequence[str | Path],
    pattern: str,
    *,
    threads: int = 1,
    dtype: str = "float32",
    quick: bool = False,
) -> Iterator[Explanation]:
    """Explain the cases with `pattern` in their names; of a case's own forms, the last one's.

    quick: measure roofs roughly.  Raises ValueError if there is no such case, or too many.
    """
    cases = choose((case for suite in suites for case in load_suite(suite)), pattern)
    if not cases:
        raise ValueError(f"no case has {pattern!r} in its name and sizes")
    if len(cases) > AT_MOST:
        names = ", ".join(case.label for case in cases[:AT_MOST])
        raise ValueError(
            f"{len(cases)} cases have {pattern!r} in their names, which is more than {AT_MOST}: "
            f"{names} ..."
        )
    own = variants(cases)
    main = own[-1] if own else "minigrad"
    return (
        _explained(in_place_of_minigrad(case, main), main, suites, threads, dtype, quick)
        for case in cases
    )


def _explained(
    case: Case,
    main: str,
    suites: Sequence[str | Path],
    threads: int,
    dtype: str,
    quick: bool,
) -> Explanation:
    with tempfile.TemporaryDirectory() as folder, Process("minigrad", threads) as process:
        process.ask("watch")
        process.ask("load", suites=[str(suite) for suite in suites], main=main)
        result = str(Path(folder) / "result.npz")
        process.ask("prepare", case=case.label, dtype=dtype, result=result)
        number = process.ask("warm_up", seconds=SECONDS)["number"]
        spent = min(process.ask("time", number=number)["seconds"] for _ in range(ROUNDS))
        kernels = [KernelTime(**k) for k in process.ask("kernels", number=number)["kernels"]]
        long = max(1, round(COUNTED / spent))
        counters = counted(process.id, lambda: process.ask("time", number=long))
        loop = process.ask("inner_loop", kernel=kernels[0].name)["loop"] if kernels else None
        return Explanation(
            case, dtype, threads, spent, kernels, measured_peaks(process, dtype, quick), counters,
            None if loop is None else InnerLoop(**loop),
        )  # fmt: skip
