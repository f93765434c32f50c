"""Lines of a replay that run native tasks, among the lines that call Python."""

import re
import sys
import threading
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.compiler.expressions import Expressions
from minigrad.compiler.floats import FloatArguments
from minigrad.compiler.fusion import Chain
from minigrad.compiler.native import Array, NativeCalls, Run
from minigrad.compiler.shortcuts import Shortcut, given_to
from minigrad.compiler.tape import Entry, as_arrays, results_of
from minigrad.compiler.trace import Trace
from minigrad.kernels.replay.task_list import Number, run_tasks, workspace_of

# The variables of results that each replay makes, and of views of them.
MADE = re.compile(r"v\d+_\d+|w\d+")

# More bytes for the tasks' own use are the workspace that other kernels have, too, in each call.
MOST_SHARED = 2**20


def _held_by_a_variable() -> int:
    array = np.empty(0)
    return sys.getrefcount(array)


# The references to an array that one variable holds and nobody else.
_HELD_BY_ONE = _held_by_a_variable()


class NativeLines(Expressions):
    """Collects native tasks, and writes the line that runs them before the next other line."""

    def __init__(self, trace: Trace, native: NativeCalls, floats: FloatArguments) -> None:
        super().__init__(trace)
        self.floats = floats
        self.takes_floats = False  # native tasks take some of them
        self.stops: set[int] = set()  # the numbers of calls that may end a run
        self.names.update(as_arrays=as_arrays)
        # One that a signal handler may take again between the lines of the thread that has it.
        self._lock = threading.RLock()
        self.native = native
        self.runs: list[Run] = []  # of native tasks
        self._run: Run | None = None  # the last of them, while nothing comes after it

    def write(self, line: str) -> None:
        """Append a line."""
        self.end_run()
        super().write(line)

    def add_native(self, number: int, entry: Entry, found: Shortcut) -> None:
        """Add the tasks of a call to the run of native ones."""
        chain = self.native.chains.get(number)
        if chain is not None:
            if number == chain.numbers[-1]:  # which adds those of all its calls
                self._add_chain(chain)
            return
        given = [self._number(each) for each in given_to(entry, found)]
        arrays = {id(a): (a, self.value(a)) for a in given if isinstance(a, np.ndarray)}
        results = [
            (number, k, result)
            for k, result in enumerate(results_of(entry))
            if id(result) not in arrays  # none of the arguments
        ]
        run = self._add_to_run(number, arrays, results)
        stop = found.tasks(run.tasks, given, results_of(entry))  # type: ignore[misc]  # it has some
        if stop is not None:
            self.stops.add(number)
            run.failures.append(f"if at == {stop}: {self.call(entry)}")

    def _add_chain(self, chain: Chain) -> None:
        """Add the tasks of calls that run block by block."""
        arrays = {id(a): (a, self.value(a)) for a in chain.given}
        run = self._add_to_run(chain.numbers[0], arrays, chain.kept)
        in_place = []
        for number, k, result in chain.kept:
            array, variable = chain.takes.get(id(result)), f"v{number}_{k}"
            if array is None:
                continue
            taken = arrays[id(array)][1]
            if id(result) in self.native.taken:
                in_place.append(result)
            elif variable in run.fresh and MADE.fullmatch(taken):
                run.takes[variable] = taken
                in_place.append(result)
        chain.add_tasks(run.tasks, in_place)
        if chain.fails is not None:
            entry, fails = chain.fails
            kept = {id(result) for *_, result in chain.kept}
            targets = [f"{self.value(r)}[...]" if id(r) in kept else "_" for r in results_of(entry)]
            call = f"{', '.join(targets)} = {self.call(entry)}"
            run.failures.append(f"if {self.object(fails)}.any(): {call}")
            run.may_need_python = True
            self.end_run()

    def _add_to_run(
        self, number: int, arrays: Mapping[int, tuple[Array, str]],
        results: Iterable[tuple[int, int, Array]],
    ) -> Run:  # fmt: skip
        """The run that a call belongs to, which knows its arrays; results get variables."""
        if self._run is None:
            self._run = Run(number, number in self.native.shared)
            self.runs.append(self._run)
        run = self._run
        for array, expression in arrays.values():
            fixed = self.names.get(expression)
            run.know(array, fixed if isinstance(fixed, np.ndarray) else None, expression)
        for at, k, result in results:
            place = self.native.memory.get(id(result))
            variable = f"v{at}_{k}" if place is None else f"m{at}_{k}"
            names = [name for name in self.trace.steps[at].results if name != "several"]
            self._expressions[names[k]] = variable
            if place is None:
                run.fresh[variable] = result.shape, result.dtype
            else:
                self.names[variable] = place
            run.know(result, place, variable)
        return run

    def _number(self, given: Any) -> Any:
        """What native tasks are given for a number that may be another one in each call."""
        number = self._floats.get(given.hex()) if type(given) is float else None
        if number is None:
            return given
        self.takes_floats = True
        return Number(self.floats.memory[number : number + 1])

    def end_run(self) -> None:
        """Write the lines that run the native tasks which are still to be run."""
        run, self._run = self._run, None
        if run is None:
            return
        if run.tasks.shared_size >= MOST_SHARED:
            size = run.tasks.shared_size
            run.tasks.share(run.variables.setdefault(f"workspace({size})", len(run.variables)))
        self.names.update(
            empty=np.empty, run_tasks=run_tasks.run, stop=_refuse_failure, lock=self._lock,
            held=sys.getrefcount, workspace=workspace_of,
        )  # fmt: skip
        tasks, words, *others = run.tasks.arguments(len(run.variables))
        tables = ", ".join(self.object(table) for table in (tasks, *others))
        run.let_go()
        self.names[f"run{len(self.runs)}"] = run, words  # which keeps their memory alive
        makes = []
        for variable, (shape, dtype) in run.fresh.items():
            new = f"empty({self.object(shape)}, {self.object(dtype)})"
            taken = run.takes.get(variable)
            if taken is not None:  # the array itself, if no other variable or object holds it
                lone = f"held({taken}) <= {_HELD_BY_ONE}"
                base = f"({taken}.base is None or held({taken}.base) <= {_HELD_BY_ONE})"
                new = f"{taken} if {lone} and {base} else {new}"
            makes.append(f"{variable} = {new}")
        self.lines += [
            *makes,
            f"given = ({''.join(f'{variable}, ' for variable in run.variables)})",
            f"{'with lock: ' * run.shared}at = run_tasks({tables}, id(given))",
            *run.failures,
            "if at >= 0: stop()",
            "given = None",
        ]

    def call(self, entry: Entry) -> str:
        """The call of the recorded function."""
        arguments = [self.value(arg) for arg in entry.args]
        arguments += [f"{key}={self.value(value)}" for key, value in entry.settings.items()]
        call = f"{self.value(entry.function)}({', '.join(arguments)})"
        if entry.gave_scalars:
            call = f"as_arrays({call})"
        return call


def _refuse_failure() -> None:
    raise RuntimeError("a kernel has failed in a compiled step; uncompiled it raises the cause")
