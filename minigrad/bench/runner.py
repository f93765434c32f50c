"""Timing suites: a process for each library, and each case in all of them."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tqdm import tqdm

from minigrad.bench.case import (
    BUILT_IN,
    LIBRARIES,
    choose,
    in_place_of_minigrad,
    load_suite,
    smallest,
    variants,
)
from minigrad.bench.case_runner import QUICK, Effort, Session
from minigrad.bench.peaks import Peaks
from minigrad.bench.process import Process, installed
from minigrad.bench.record import Run, describe_machine


def run(
    suites: Sequence[str | Path] = (BUILT_IN,),
    *,
    pattern: str | None = None,
    threads: int = 1,
    dtype: str = "float32",
    against: Sequence[str] | None = None,
    quick: bool = False,
    progress: bool = False,
) -> Run:
    """Time the cases of the suites whose label has `pattern` in it, on so many threads.

    A suite is a Python file, or the name of a module, with a list `CASES`; the process of each
    library reads it for itself.  `against` are the libraries, or implementations of other names, to
    compare with; without, NumPy, torch and all other names that cases are written for.  Those not
    installed are left out and named in the result.  `quick` times the smallest case of each name,
    and not for long.  Raises FileNotFoundError for a suite that is not there; ValueError for one
    that is not right, for a library that no case is written for, or if there is nothing to time.
    """
    cases = choose((case for suite in suites for case in load_suite(suite)), pattern)
    if not cases:
        raise ValueError(f"no case has {pattern!r} in its name and sizes")
    own = variants(cases)
    main = _main_of(own, against)
    cases = [in_place_of_minigrad(case, main) for case in cases]
    known = {library for case in cases for library in case.implementations}
    if against is None:
        against = [name for name in (*LIBRARIES, *own) if name in known]
    if unknown := sorted(set(against) - known):
        names = sorted(known - {"minigrad"} | {main})
        raise ValueError(f"no case is written for {unknown}; there are cases for {names}")
    if quick:
        cases = smallest(cases)
    libraries = list(dict.fromkeys(["minigrad", *against]))
    missing = [name for name in libraries if name not in own and not installed(name)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes, versions = {}, {}
        for name in libraries:
            if name not in missing:
                library = "minigrad" if name in own else name
                processes[name] = stack.enter_context(Process(library, threads))
                loaded = processes[name].ask(
                    "load", suites=[str(suite) for suite in suites], main=main, implementation=name
                )
                versions[name] = loaded["version"]
        before = measured_peaks(processes["minigrad"], dtype, quick)
        entries = []
        with tqdm(cases, unit="case", disable=None if progress else True, leave=False) as bar:
            for case in bar:
                bar.set_description(f"{case.label:.40}")
                session = Session(case, dtype, processes, folder)
                entries.append(session.time(QUICK if quick else Effort()))
        # A busy moment must not lower the roof for all cases.
        peaks = before.or_better(measured_peaks(processes["minigrad"], dtype, quick))
    return Run(threads, dtype, versions, missing, peaks, describe_machine(), entries, main)


def _main_of(own: Sequence[str], against: Sequence[str] | None) -> str:
    """The implementation in minigrad's place: the last that is not compared with."""
    left = [name for name in own if name not in (against or ())]
    if own and not left:
        raise ValueError(f"nothing is left to compare with {', '.join(own)}")
    return left[-1] if left else "minigrad"


def measured_peaks(process: Process, dtype: str, quick: bool) -> Peaks:
    """The peaks, with the threads of a process of minigrad's."""
    found = process.ask("peaks", dtype=dtype, quick=quick)
    bandwidths = tuple((size, rate) for size, rate in found["bandwidths"])
    return Peaks(found["flops"], bandwidths, found["call"])
