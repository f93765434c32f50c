"""Kernels in tasks that take long: each thread takes the next when it is done with its last."""

import threading
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numba
import numpy as np
from numba.core import event
from numba.core.ccallback import CFunc

from minigrad.kernels.compiler.background import BackgroundCompiler
from minigrad.kernels.compiler.cache import keep_on_disk, use_own_data_names
from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.compiler.numpy_abi import headers_are_known, write_addresses
from minigrad.kernels.compiler.pointers import call, fetch_and_increment

array_at = numba.carray

_MOST_THREADS = int(numba.config.NUMBA_NUM_THREADS)

# Told of what this process compiles, it compiles what goes along with that.
background_compiler = BackgroundCompiler("minigrad.kernels.precompile")

_one_compilation_at_a_time = threading.RLock()


class _AnnouncedCFunc(CFunc):
    """Tells listeners of its compilation, as Numba's dispatchers do, and `announce` before them."""

    announce: Callable[[], None]

    @property
    def py_func(self) -> Callable[..., Any]:
        return self._pyfunc  # type: ignore[attr-defined, no-any-return]  # Numba's stubs omit it

    def _compile_uncached(self) -> Any:
        self.announce()
        with event.trigger_event("numba:compile", {"dispatcher": self}):
            return super()._compile_uncached()  # type: ignore[misc]  # Numba's stubs omit it


class TaskKernel:
    """A function of a task's number, handed out to one thread or many as they come for more.

    It is machine code that a loop of a few lines calls by its address.
    """

    def __init__(self, function: Callable[..., Any], plan: np.dtype) -> None:
        self.function = function
        self.plan = plan
        self.name = f"{function.__module__}.{function.__qualname__}"
        self._compiled: dict[np.dtype, Any] = {}
        self.__doc__ = function.__doc__

    def name_for(self, dtype: np.dtype) -> str:
        """What the machine code for this dtype goes by among processes."""
        return f"{self.name} {dtype}"

    def compile(self, dtype: np.dtype) -> CFunc:
        """The machine code, from the cache if it is there."""
        pointers = (numba.types.CPointer(numba.from_dtype(d)) for d in (dtype, self.plan))
        arguments = (numba.types.int64, numba.types.int64, *pointers)
        options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
        keep_on_disk(self.function)
        signature = (arguments, numba.types.void)
        compiled = _AnnouncedCFunc(self.function, signature, locals={}, options=options)
        compiled.announce = partial(background_compiler.start, self.name, str(dtype))
        compiled.enable_caching()
        use_own_data_names(compiled)
        background_compiler.wait_for(self.name_for(dtype))
        compiled.compile()
        return compiled

    def address(self, dtype: np.dtype) -> int:
        if dtype not in self._compiled:
            with _one_compilation_at_a_time:
                if dtype not in self._compiled:
                    self._compiled[dtype] = self.compile(dtype)
        return int(self._compiled[dtype].address)

    def prepare(
        self, dtype: np.dtype, plan: Sequence[int], counts: Sequence[int], work: int
    ) -> "Prepared":
        """`counts[0]` tasks of phase 0, then `counts[1]` of phase 1 ..., for arrays of `dtype`.

        They read the numbers of `plan`, whose first are the arrays' addresses, yet to be known.
        """
        assert len(plan) == len(self.plan.names or ())
        return Prepared(self, dtype, plan, counts, work)


class Prepared:
    """Tasks and all that they read, but for where the arrays lie."""

    def __init__(
        self,
        tasks: TaskKernel,
        dtype: np.dtype,
        plan: Sequence[int],
        counts: Sequence[int],
        work: int,
    ) -> None:
        self._tasks = tasks
        self._dtype = dtype
        self._fields = np.array([*plan, *counts, *[0] * len(counts)], np.int64)
        self._phases = len(counts)
        self._work = work if max(counts) > 1 else 0

    @cached_property
    def _function(self) -> int:
        return self._tasks.address(self._dtype)

    def run(self, *arrays: np.ndarray) -> None:
        """Do all that there is to do, with these arrays."""
        fields = self._fields.copy()
        unknown = len(arrays)
        if not headers_are_known():
            fields[:unknown] = [array.ctypes.data for array in arrays]
            unknown = 0
        function = self._function
        _launch.run(self._work, fields, id(arrays), unknown, self._phases, function, _MOST_THREADS)


def task_kernel(plan: np.dtype) -> Callable[[Callable[..., Any]], TaskKernel]:
    """Declare a function (phase, task, none, plans) whose calls within a phase are independent.

    `array_at(none, 0)` is an array of no elements, whose dtype is that of the call;
    `array_at(plans, 1)[0]` is the record that all tasks read, addresses of arrays among its fields.
    """
    return lambda function: TaskKernel(function, plan)


@kernel
def _launch(fields, arrays, unknown, phases, function, threads):
    """A thread that loses its core to another process holds up the others by a task, not by half
    of the work.  There are `threads` at most; for one that there is not, no task is left.

    `fields` is the plan, how many tasks each phase has, and how many of each are taken.
    """
    write_addresses(fields, arrays, unknown)
    plan = fields.ctypes.data
    counts, taken = fields[-2 * phases : -phases], fields[-phases:]
    for phase in range(phases):
        next_task = taken[phase:]
        for _ in prange(threads):
            task = fetch_and_increment(next_task)
            while task < counts[phase]:
                call(function, phase, task, 0, plan)
                task = fetch_and_increment(next_task)
