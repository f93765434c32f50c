"""One case from start to end: results are checked first, then the libraries take turns."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigrad.bench.case import Array, Case, Draw
from minigrad.bench.process import Process, WorkerError
from minigrad.bench.record import Entry, Timing

# Which library's float64 result is right where a case has no reference: the first one there.
JUDGES = ("torch", "minigrad")

# float64 results are held to the tolerance of float32 times this.
FLOAT64_TOLERANCE = 1e-5

# OpenBLAS and OpenMP keep threads spinning so long after their last work, in seconds.
SETTLE = 0.04


class Effort(NamedTuple):
    """The time spent on a case: rounds of so many seconds, fewer where a case takes too long."""

    turns: int = 11
    seconds: float = 0.02
    at_most: float = 10.0
    least_turns: int = 3


QUICK = Effort(turns=3, seconds=0.002, at_most=1.0)


class WrongResult(ValueError):  # noqa: N818  noted as a failure, not an error of the program's
    """A library's result is not the right one."""


def reference_result(case: Case, dtype: str) -> list[Array] | None:
    """The right result of the inputs that are drawn for `dtype`; None without a reference."""
    if case.reference is None:
        return None
    inputs = [
        array.astype(np.float64) if array.dtype.kind == "f" else array
        for array in case.inputs(Draw(dtype))
    ]
    return case.result(case.reference(*inputs))


def check(result: list[Array], right: list[Array], tolerance: float) -> float:
    """The largest difference, relative to the size of the right arrays.  Raises WrongResult."""
    shapes, wanted = [a.shape for a in result], [a.shape for a in right]
    if shapes != wanted:
        raise WrongResult(f"wrong result: shapes {shapes}, expected {wanted}")
    errors = [0.0]
    for array, expected in zip(result, right, strict=True):
        size = np.abs(expected).max(initial=0.0) or 1.0
        errors.append(float(np.abs(array - expected).max(initial=0.0) / size))
    worst = float(np.max(errors))
    if not worst <= tolerance:  # nor NaN
        raise WrongResult(f"wrong result: relative error {worst:.2g}, allowed {tolerance:.2g}")
    return worst


class Session:
    """A case in the processes of all libraries that have an implementation of it."""

    def __init__(
        self, case: Case, dtype: str, processes: Mapping[str, Process], folder: Path
    ) -> None:
        self.case = case
        self.dtype = dtype
        self.processes = {k: p for k, p in processes.items() if k in case.implementations}
        self.file = folder / "result.npz"
        self.entry = Entry(case.name, case.label, case.flops, case.bytes(dtype))

    def time(self, effort: Effort) -> Entry:
        """Check every library's result, then time those that are right."""
        right = self._right_result()
        checked = self._of_each(lambda library: self._first_and_error(library, right))
        numbers = self._of_each(
            lambda library: self.processes[library].ask("warm_up", seconds=effort.seconds)["number"]
        )
        times = self._take_turns(numbers, effort)
        for library in self._of_each(lambda library: self.processes[library].ask("drop")):
            first, error = checked[library]
            self.entry.timings[library] = Timing(first, numbers[library], times[library], error)
        return self.entry

    def _of_each(self, ask: Callable[[str], Any]) -> dict[str, Any]:
        """Each library's answer; one that fails is left out from then on, with its reason noted."""
        answers = {}
        for library in list(self.processes):
            try:
                answers[library] = ask(library)
            except (WorkerError, WrongResult) as error:
                self.entry.failures[library] = str(error)
                del self.processes[library]
        return answers

    def _right_result(self) -> list[Array] | None:
        right = reference_result(self.case, self.dtype)
        if right is not None:
            return right
        for judge in JUDGES:
            if judge in self.processes:
                try:
                    return self._result(judge, "float64")[1]
                except WorkerError:
                    continue  # it will fail in its own turn, and be noted then
        return None

    def _result(self, library: str, dtype: str) -> tuple[float, list[Array]]:
        """Seconds of the first call, and what came out."""
        answer = self.processes[library].ask(
            "prepare", case=self.case.label, dtype=dtype, result=str(self.file)
        )
        with np.load(self.file) as arrays:
            return answer["first"], [arrays[name] for name in arrays]

    def _first_and_error(self, library: str, right: list[Array] | None) -> tuple[float, float]:
        first, result = self._result(library, self.dtype)
        if right is None:
            raise WrongResult("there is nothing to compare the result with")
        scale = FLOAT64_TOLERANCE if self.dtype == "float64" else 1.0
        return first, check(result, right, self.case.tolerance * scale)

    def _take_turns(self, numbers: dict[str, int], effort: Effort) -> dict[str, list[float]]:
        times: dict[str, list[float]] = {library: [] for library in numbers}
        start = time.perf_counter()
        for turn in range(effort.turns):
            late = time.perf_counter() - start > effort.at_most
            if late and turn >= effort.least_turns:
                break
            order = list(self.processes)
            for library in order[turn % len(order) :] + order[: turn % len(order)] if order else []:
                time.sleep(SETTLE)
                answer = self.processes[library].ask("time", number=numbers[library])
                times[library].append(answer["seconds"])
        return times
