"""Kernels in tasks that take long: each thread takes the next when it is done with its last."""

import threading
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numba
import numpy as np
from numba.core import event
from numba.core.ccallback import CFunc

from minigrad.kernels.addresses import write_addresses
from minigrad.kernels.build import keep_on_disk, kernel, prange
from minigrad.kernels.second_compiler import SecondCompiler
from minigrad.kernels.simd import call, fetch_and_increment

array_at = numba.carray

_MOST_THREADS = int(numba.config.NUMBA_NUM_THREADS)

# Told of what this process compiles, it compiles what goes along with that.
second_compiler = SecondCompiler("minigrad.kernels.compile_ahead")

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


class Tasks:
    """A function of a task's number, handed out to one thread or many as they come for more.

    It is machine code that a loop of a few lines calls by its address.
    """

    def __init__(
        self, function: Callable[..., Any], plan: np.dtype, sources: tuple[str, ...]
    ) -> None:
        self.function = function
        self.plan = plan
        self.sources = sources
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
        keep_on_disk(self.function, *self.sources)
        signature = (arguments, numba.types.void)
        compiled = _AnnouncedCFunc(self.function, signature, locals={}, options=options)
        compiled.announce = partial(second_compiler.start, self.name, str(dtype))
        compiled.enable_caching()
        second_compiler.wait_for(self.name_for(dtype))
        compiled.compile()
        return compiled

    def _address(self, dtype: np.dtype) -> int:
        if dtype not in self._compiled:
            with _one_compilation_at_a_time:
                if dtype not in self._compiled:
                    self._compiled[dtype] = self.compile(dtype)
        return int(self._compiled[dtype].address)

    def run(
        self,
        dtype: np.dtype,
        plan: np.ndarray,
        arrays: tuple[np.ndarray, ...],
        counts: tuple[int, ...],
        work: int,
    ) -> None:
        """Run `counts[0]` tasks of phase 0, then `counts[1]` of phase 1 ..., for `dtype`.

        They read a copy of `plan`, int64, whose first fields are the addresses of the arrays.
        """
        plan = plan.copy()
        write_addresses(plan, arrays)
        taken = np.zeros(len(counts), np.int64)
        function = self._address(dtype)
        work = work if max(counts) > 1 else 0
        _launch.run(work, _as_array(counts), taken, function, plan, _MOST_THREADS)


@lru_cache(256)
def _as_array(counts: tuple[int, ...]) -> np.ndarray:
    return np.array(counts)


def tasks(plan: np.dtype, *sources: str) -> Callable[[Callable[..., Any]], Tasks]:
    """Declare a function (phase, task, none, plans) whose calls within a phase are independent.

    `array_at(none, 0)` is an array of no elements, whose dtype is that of the call;
    `array_at(plans, 1)[0]` is the record that all tasks read, addresses of arrays among its fields.
    `sources` names files, besides its own, whose routines it calls.
    """
    return lambda function: Tasks(function, plan, sources)


@kernel
def _launch(counts, taken, function, fields, threads):  # type: ignore[no-untyped-def]
    """A thread that loses its core to another process holds up the others by a task, not by half
    of the work.  There are `threads` at most; for one that there is not, no task is left."""
    plan = fields.ctypes.data
    for phase in range(len(counts)):
        next_task = taken[phase:]
        for _ in prange(threads):
            task = fetch_and_increment(next_task)
            while task < counts[phase]:
                call(function, phase, task, 0, plan)
                task = fetch_and_increment(next_task)
