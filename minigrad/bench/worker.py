"""One library's process: prepares cases, returns their results, and times them on request.

Requests come as lines of JSON on standard input, and each is answered by one on standard output.
What cases print goes to standard error.
"""

import gc
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from minigrad.bench import peaks
from minigrad.bench.case import Case, Draw, in_place_of_minigrad, load_suite
from minigrad.kernels.compiler.task_queue import background_compiler

TORCH_LIKE = ("minigrad", "torch")
# A turn's calls are counted so that it lasts as long as asked for; that is tried out from here on.
LONGEST_TRIAL = 0.1


def prepare(
    case: Case, library: str, dtype: str, implementation: str | None = None
) -> Callable[[], Any]:
    """The function to time, of a library that may be imported here; or one of another name."""
    module = importlib.import_module(library)
    inputs: list[Any] = list(case.inputs(Draw(dtype)))
    if library in TORCH_LIKE:
        inputs = [module.from_numpy(array) for array in inputs]
    return case.implementations[implementation or library](module, *inputs)


def seconds_of(function: Callable[[], Any], number: int) -> float:
    """Seconds that `number` calls take together, with the garbage collector waiting."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(number):
            function()
        return time.perf_counter() - start
    finally:
        if was_on:
            gc.enable()


class _Worker:
    """Answers requests; the name of each is that of a method."""

    def __init__(self, library: str) -> None:
        self.library = library
        self.implementation = library
        self.cases: dict[str, Case] = {}
        self.function: Callable[[], Any] | None = None

    def load(
        self, suites: list[str], main: str = TORCH_LIKE[0], implementation: str | None = None
    ) -> dict[str, Any]:
        """Read the suites; return the library's version.

        main: the implementation that takes minigrad's place where a case has none of it;
        implementation: the one to time, the library's without.
        """
        self.cases = {
            case.label: in_place_of_minigrad(case, main)
            for suite in suites
            for case in load_suite(suite)
        }
        self.implementation = implementation or self.library
        module = importlib.import_module(self.library)
        return {"version": str(getattr(module, "__version__", "unknown"))}

    def prepare(self, case: str, dtype: str, result: str) -> dict[str, Any]:
        """Make a case ready, and write its result to the file `result`.

        Returns how long preparing and the first call took, compiling included.
        """
        self.function = None  # before the next one takes memory
        chosen = self.cases[case]
        start = time.perf_counter()
        function = prepare(chosen, self.library, dtype, self.implementation)
        outcome = function()
        first = time.perf_counter() - start
        for _ in range(chosen.calls - 1):
            outcome = function()
        background_compiler.join()  # it would want a core while others are timed
        np.savez(result, *chosen.result(outcome))
        self.function = function
        return {"first": first}

    def warm_up(self, seconds: float) -> dict[str, Any]:
        """The number of calls that last about so many seconds."""
        function = self._ready()
        number = 1
        while (spent := seconds_of(function, number)) < min(seconds, LONGEST_TRIAL) / 2:
            number *= 2
        return {"number": max(1, round(number * seconds / spent))}

    def time(self, number: int) -> dict[str, Any]:
        """Seconds of a call, on average over so many."""
        return {"seconds": seconds_of(self._ready(), number) / number}

    def peaks(self, dtype: str, quick: bool) -> dict[str, Any]:
        """The peaks of the machine with the threads of this process."""
        return asdict(peaks.measure(dtype, quick))

    def drop(self) -> dict[str, Any]:
        """Give back what the last case holds."""
        self.function = None
        return {}

    def _ready(self) -> Callable[[], Any]:
        if self.function is None:
            raise RuntimeError("no case is prepared")
        return self.function


def main(library: str) -> None:
    """Answer requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    worker = _Worker(library)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("do"))(**request)
        except Exception as error:  # a case's failure is the caller's to tell
            last = traceback.format_exception_only(error)[-1].strip()
            answer = {"error": last, "traceback": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)
