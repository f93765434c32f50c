"""Lines of a replay that run native tasks, among the lines that call Python."""

import re
import threading
from typing import Any

import numpy as np

from minigrad.compiler.expressions import Expressions
from minigrad.compiler.floats import FloatArguments
from minigrad.compiler.native import NativeCalls, Run, given_to, results_of
from minigrad.compiler.shortcuts import Shortcut
from minigrad.compiler.tape import Entry, as_arrays
from minigrad.compiler.trace import Trace
from minigrad.kernels.replay.task_list import Number, run_tasks

# The variables of arrays, and the names of fixed memory.
ARRAY = re.compile(r"\b[vwxkgm]\d+(?:_\d+)?\b")


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
        # By the number of an entry: the variables that it reads, and those that it makes.
        self.read: dict[int, list[str]] = {}
        self.made: dict[int, list[str]] = {}

    def write(self, line: str) -> None:
        """Append a line."""
        self.end_run()
        super().write(line)

    def add_native(self, number: int, entry: Entry, found: Shortcut) -> None:
        """Add the tasks of a call to the run of native ones."""
        given = [self._number(each) for each in given_to(entry, found)]
        arrays = {id(a): (a, self.value(a)) for a in given if isinstance(a, np.ndarray)}
        names = [name for name in self.trace.steps[number].results if name != "several"]
        made = []
        for k, result in enumerate(results_of(entry)):
            if id(result) in arrays:  # one of the arguments
                continue
            place = self.native.memory.get(id(result))
            variable = f"v{number}_{k}" if place is None else f"m{number}_{k}"
            if place is not None:
                self.names[variable] = place
            self._expressions[names[k]] = variable
            arrays[id(result)] = result, variable
            made.append((variable, result))
        if self._run is None:
            self._run = Run(number, number in self.native.shared)
            self.runs.append(self._run)
        run = self._run
        for array, expression in arrays.values():
            fixed = self.names.get(expression)
            run.know(array, fixed if isinstance(fixed, np.ndarray) else None, expression)
        for variable, result in made:
            if variable not in self.names:
                run.fresh[variable] = result.shape, result.dtype
        stop = found.tasks(run.tasks, given, results_of(entry))  # type: ignore[misc]  # it has some
        if stop is not None:
            self.stops.add(number)
            run.failures.append(f"if at == {stop}: {self.call(entry)}")
        self.read[number] = [e for _, e in arrays.values() if ARRAY.fullmatch(e)]
        self.made[number] = [variable for variable, _ in made]

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
        self.names.update(
            empty=np.empty, run_tasks=run_tasks.run, stop=_refuse_failure, lock=self._lock
        )
        tasks, words, *others = run.tasks.arguments(len(run.variables))
        tables = ", ".join(self.object(table) for table in (tasks, *others))
        run.let_go()
        self.names[f"run{len(self.runs)}"] = run, words  # which keeps their memory alive
        makes = [
            f"{variable} = empty({self.object(shape)}, {self.object(dtype)})"
            for variable, (shape, dtype) in run.fresh.items()
        ]
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
