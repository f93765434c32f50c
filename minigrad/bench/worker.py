"""One library's process: prepares cases, returns their results, and times them on request.

Requests come as lines of JSON on standard input, and each is answered by one on standard output.
What cases print goes to standard error.
"""

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from minigrad.bench import peaks
from minigrad.bench.case import Case, Draw, in_place_of_minigrad, load_suite
from minigrad.bench.explain.inner_loop import look_at
from minigrad.bench.timer import calls_lasting, seconds_of, times_of
from minigrad.kernels.compiler.task_queue import background_compiler
from minigrad.kernels.observation.kernel_clock import KernelClock, KernelTime

TORCH_LIKE = ("minigrad", "torch")
ROUNDS = 5  # in which kernels are counted
CALLS = 200  # of the smallest operation, whose time is the least of ten averages


def prepare(
    case: Case, library: str, dtype: str, implementation: str | None = None
) -> Callable[[], Any]:
    """The function to time, of a library that may be imported here; or one of another name."""
    module = importlib.import_module(library)
    inputs: list[Any] = list(case.inputs(Draw(dtype)))
    if library in TORCH_LIKE:
        inputs = [module.from_numpy(array) for array in inputs]
    return case.implementations[implementation or library](module, *inputs)


class _Worker:
    """Answers requests; the name of each is that of a method."""

    def __init__(self, library: str) -> None:
        self.library = library
        self.implementation = library
        self.cases: dict[str, Case] = {}
        self.function: Callable[[], Any] | None = None
        self.clock = KernelClock()

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
        return {"number": calls_lasting(seconds, self._ready())}

    def time(self, number: int) -> dict[str, Any]:
        """Seconds of a call, on average over so many, and those of computing alone."""
        passed, computed = times_of(self._ready(), number)
        return {"seconds": passed / number, "cpu": computed / number}

    def rounds(self, number: int, count: int) -> dict[str, Any]:
        """The same of `count` rounds one after another, each of so many calls."""
        function = self._ready()
        found = [times_of(function, number) for _ in range(count)]
        return {
            "seconds": [passed / number for passed, _ in found],
            "cpu": [computed / number for _, computed in found],
        }

    def peaks(self, dtype: str, quick: bool) -> dict[str, Any]:
        """The peaks of the machine with the threads of this process."""
        library = importlib.import_module(self.library)
        x = library.from_numpy(np.ones(1, dtype))
        call = min(seconds_of(lambda: x * x, CALLS) for _ in range(10)) / CALLS
        return asdict(replace(peaks.measure(dtype, quick), call=call))

    def watch(self) -> dict[str, Any]:
        """Put a clock in front of every kernel, before cases are loaded."""
        self.clock.install()
        return {}

    def kernels(self, number: int) -> dict[str, Any]:
        """The kernels of a call, the longest first, in the fastest of some rounds."""
        function = self._ready()
        best: list[KernelTime] = []
        for _ in range(ROUNDS):
            self.clock.found, self.clock.on = {}, True
            seconds_of(function, number)
            self.clock.on = False
            found = list(self.clock.found.values())
            if not best or sum(k.seconds for k in found) < sum(k.seconds for k in best):
                best = found
        for kernel in best:
            kernel.seconds /= number
            kernel.calls //= number
            kernel.bytes //= number
        best.sort(key=lambda kernel: -kernel.seconds)
        return {"kernels": [asdict(kernel) for kernel in best]}

    def inner_loop(self, kernel: str) -> dict[str, Any]:
        """The innermost loop of a kernel that was counted."""
        loop = look_at(self.clock.assembly(kernel))
        return {"loop": None if loop is None else asdict(loop)}

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
