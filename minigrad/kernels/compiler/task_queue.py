"""Kernels cut into long tasks: a thread that has finished one takes the next that is left."""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

import numba
import numpy as np
from numba.core import event
from numba.core.ccallback import CFunc

from minigrad.kernels.compiler.background import BackgroundCompiler
from minigrad.kernels.compiler.cache import keep_on_disk
from minigrad.kernels.compiler.checked_cache import KernelCache
from minigrad.kernels.compiler.fork import one_compilation_at_a_time, watch_forks
from minigrad.kernels.compiler.kernel import get_num_threads, is_shared, kernel, prange
from minigrad.kernels.compiler.numpy_abi import headers_are_known, write_addresses
from minigrad.kernels.compiler.passes import KernelCompiler
from minigrad.kernels.compiler.plan_record import address_dtype, flatten, record_dtype
from minigrad.kernels.compiler.pointers import call, fetch_and_increment
from minigrad.kernels.compiler.signals import deferring_signals
from minigrad.kernels.compiler.workspace import slots

Arrays = TypeVar("Arrays", bound=tuple[Any, ...])
Plan = TypeVar("Plan", bound=tuple[Any, ...])

# A second process that compiles the kernels which usually follow the one compiled here.
background_compiler = BackgroundCompiler("minigrad.kernels.precompile")

# After the line above: of the actions before a fork, Python does the last registered first, and
# a thread that compiles takes the compiler's lock before that of the background.
watch_forks()


class _AnnouncedCFunc(CFunc):
    """A CFunc that calls `announce` and triggers Numba's compile event, as dispatchers do."""

    announce: Callable[[], None]
    _cache: Any

    @property
    def py_func(self) -> Callable[..., Any]:
        return self._pyfunc  # type: ignore[attr-defined, no-any-return]  # Numba's stubs omit it

    def _compile_uncached(self) -> Any:
        self.announce()
        with event.trigger_event("numba:compile", {"dispatcher": self}):
            return super()._compile_uncached()  # type: ignore[misc]  # Numba's stubs omit it


class TaskKernel(Generic[Arrays, Plan]):
    """A function that does one task of a kernel, given the task's index.

    One thread or many call it, each for the next task that is left.  It is machine code that a
    loop of a few lines calls by its address.
    """

    def __init__(
        self, function: Callable[..., Any], arrays: type[Arrays], plan: type[Plan]
    ) -> None:
        self.function = function
        self.arrays = arrays
        self.plan = plan
        self.record = np.dtype([("arrays", address_dtype(arrays)), ("plan", record_dtype(plan))])
        self.name = f"{function.__module__}.{function.__qualname__}"
        self._compiled: dict[np.dtype, Any] = {}
        self.__doc__ = function.__doc__

    def name_for(self, dtype: np.dtype) -> str:
        """The name by which processes agree on who compiles the machine code for `dtype`."""
        return f"{self.name} {dtype}"

    def compile(self, dtype: np.dtype) -> CFunc:
        """The machine code, from the cache if it is there."""
        pointers = (numba.types.CPointer(numba.from_dtype(d)) for d in (dtype, self.record))
        arguments = (numba.types.int64, numba.types.int64, *pointers)
        options = {
            "nogil": True, "error_model": "numpy", "fastmath": {"contract"}, "_nrt": False
        }  # fmt: skip
        keep_on_disk(self.function)
        signature = (arguments, numba.types.void)
        compiled = _AnnouncedCFunc(
            self.function, signature, locals={}, options=options, pipeline_class=KernelCompiler
        )
        compiled.announce = partial(background_compiler.start, self.name, str(dtype))
        compiled._cache = KernelCache(self.function)
        background_compiler.wait_for(self.name_for(dtype))
        deferring_signals(compiled.compile)()
        return compiled

    def address(self, dtype: np.dtype) -> int:
        """The address of the machine code for `dtype`, which is compiled if it has to be."""
        if dtype not in self._compiled:
            with one_compilation_at_a_time:
                if dtype not in self._compiled:
                    self._compiled[dtype] = self.compile(dtype)
        return int(self._compiled[dtype].address)

    def prepare(
        self, dtype: np.dtype, plan: Plan, counts: Sequence[int], work: int, slot_size: int = 0
    ) -> "PreparedTasks[Arrays]":
        """All tasks of a call on arrays of `dtype`, for arrays that are known later.

        There are `counts[0]` tasks of phase 0, then `counts[1]` of phase 1 and so on.  `work` is
        as in `kernel`: a call with little of it stays on one thread.  `slot_size` bytes of
        workspace are a task's own while it runs.
        """
        if type(plan) is not self.plan:
            raise TypeError(f"{self.name} reads a {self.plan.__name__}, got {plan!r}")
        return PreparedTasks(self, dtype, flatten(plan), counts, work, slot_size)


class PreparedTasks(Generic[Arrays]):
    """The tasks of a kernel for some shapes, ready to run on any arrays of these shapes."""

    def __init__(
        self,
        kernel: TaskKernel[Arrays, Any],
        dtype: np.dtype,
        plan: Sequence[int],
        counts: Sequence[int],
        work: int,
        slot_size: int,
    ) -> None:
        self._kernel = kernel
        self._arrays = kernel.arrays
        self._dtype = dtype
        addresses = [0] * len(kernel.record["arrays"].names or ())
        taken = [0] * len(counts)
        self._fields = np.array([*addresses, *plan, *counts, *taken, slot_size], np.int64)
        # `launch_tasks` reads the addresses of so many arrays: of all, or of none.
        self._unread = len(addresses) if headers_are_known() else 0
        self._phases = len(counts)
        self._most_threads = max(counts)
        self._work = work if self._most_threads > 1 else 0
        self._slot_size = slot_size

    @cached_property
    def _function(self) -> int:
        return self._kernel.address(self._dtype)

    def threads(self) -> int:
        """Return how many threads may work on the tasks."""
        return min(get_num_threads(), self._most_threads) if is_shared(self._work) else 1

    def run(self, arrays: Arrays) -> None:
        """Do all tasks with these arrays.

        Raises MemoryError, with no array changed, if there is no memory for the tasks to work in.
        """
        if type(arrays) is not self._arrays:
            raise TypeError(f"{self._kernel.name} takes {self._arrays.__name__}, got {arrays!r}")
        fields, function = self._fields.copy(), self._function
        if not self._unread:
            fields[: len(arrays)] = [array.ctypes.data for array in arrays]
        threads = self.threads()
        held, workspace = slots(threads * self._slot_size)
        launch_tasks.run(
            self._work, fields, id(arrays), self._unread, self._phases, function, workspace, threads
        )
        del held  # not before: the tasks have worked in it


def task_kernel(
    arrays: type[Arrays], plan: type[Plan]
) -> Callable[[Callable[..., Any]], TaskKernel[Arrays, Plan]]:
    """Declare a function (phase, task, workspace, records) whose calls in a phase are independent.

    `arrays` is a NamedTuple of the arrays that the tasks read and write, `plan` one of the numbers
    that they read (see `plan_record`).  `workspace` points to `slot_size` bytes that no other task
    uses at the time, of undefined content; its elements have the dtype of the call.
    `record_at(records)` is the record that all tasks read, with the arrays' addresses in its field
    `arrays` and the numbers in `plan`.

    A task cannot allocate: Numba refuses to compile it.  Where memory is short, `run` says so
    before the first task has begun.
    """
    return lambda function: TaskKernel(function, arrays, plan)


@kernel
def launch_tasks(fields, arrays, unread, phases, function, workspace, threads):
    """Run the phases one after the other, the tasks of each on up to `threads` threads.

    A thread that loses its core to another process holds up the others by a task, not by half of
    the work.  Where fewer threads run, the rest of the loop finds no task left.

    `fields` holds the record, the number of tasks of each phase, how many of each are taken, and
    the size of a slot: each thread works in one of its own.
    """
    write_addresses(fields, arrays, unread)
    record = fields.ctypes.data
    counts, taken = fields[-2 * phases - 1 : -phases - 1], fields[-phases - 1 : -1]
    slot_size = fields[-1]
    for phase in range(phases):
        next_task = taken[phase:]
        for slot in prange(threads):
            task = fetch_and_increment(next_task)
            while task < counts[phase]:
                call(function, phase, task, workspace + slot * slot_size, record)
                task = fetch_and_increment(next_task)
