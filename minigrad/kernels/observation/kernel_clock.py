"""The kernels that a process runs: how often, for how long, on how many bytes.

A clock is put in front of every kernel's `run`, which costs a call 0.1 us while it does not count.
It belongs into a process of its own, and into it before the kernels are used.
"""

import ctypes
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numba
import numpy as np

from minigrad.kernels.compiler.checked_cache import KernelCache
from minigrad.kernels.compiler.kernel import Kernel
from minigrad.kernels.compiler.outline import has_prange
from minigrad.kernels.compiler.sharing import limits
from minigrad.kernels.compiler.task_queue import TaskKernel

PACKAGE = "minigrad.kernels."
_LAUNCH = "compiler.task_queue.launch_tasks"  # which runs task kernels


@dataclass
class KernelTime:
    """What one kernel has done.

    seconds: of all calls; work: of the largest call, as `kernel` counts it; bytes: of the arrays
    that the calls were given; workspace: bytes that tasks worked in, of the largest call; least:
    the work from which on threads share it; shared: whether a call had as much.
    """

    name: str
    calls: int = 0
    seconds: float = 0.0
    work: int = 0
    bytes: int = 0
    workspace: int = 0
    least: int = 0
    shared: bool = False


@dataclass
class KernelClock:
    """Counts while `on`."""

    on: bool = False
    found: dict[str, KernelTime] = field(default_factory=dict)
    kernels: dict[str, tuple[Kernel, tuple[Any, ...]]] = field(default_factory=dict)
    tasks: dict[str, tuple[TaskKernel[Any, Any], Any]] = field(default_factory=dict)
    _addresses: dict[int, tuple[TaskKernel[Any, Any], Any]] = field(default_factory=dict)

    def install(self) -> None:
        """Put the clock in front of every kernel of this process."""
        compiled: Any = Kernel.__dict__["run"]
        clock = self

        def run(kernel: Kernel) -> Callable[..., Any]:
            return clock._timed(kernel, compiled.func(kernel))

        timed = cached_property(run)
        timed.__set_name__(Kernel, "run")
        setattr(Kernel, "run", timed)  # noqa: B010  the type checker knows it as a method
        for kernel in [each for each in gc.get_objects() if type(each) is Kernel]:
            kernel.__dict__.pop("run", None)  # from before

    def _timed(self, kernel: Kernel, compiled: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{kernel.function.__module__}.{kernel.function.__qualname__}".removeprefix(PACKAGE)
        takes_work = has_prange(kernel.function)

        def run(*arguments: Any) -> Any:
            if not self.on:
                return compiled(*arguments)
            start = time.perf_counter()
            result = compiled(*arguments)
            spent = time.perf_counter() - start
            if name == _LAUNCH:
                self._count_tasks(spent, *arguments)
            else:
                if name not in self.kernels:
                    self.kernels[name] = kernel, tuple(map(numba.typeof, arguments))
                work = int(arguments[0]) if takes_work else 0
                self._count(name, spent, work, arguments)
            return result

        return run

    def _count(
        self, name: str, spent: float, work: int, given: tuple[Any, ...], workspace: int = 0
    ) -> None:
        counted = self.found.setdefault(name, KernelTime(name))
        counted.calls += 1
        counted.seconds += spent
        counted.work = max(counted.work, work)
        counted.least = limits().awake
        counted.shared |= work >= counted.least
        counted.workspace = max(counted.workspace, workspace)
        counted.bytes += sum(a.nbytes for a in given if isinstance(a, np.ndarray))

    def _count_tasks(
        self, spent: float, work: int, fields: Any, arrays: int, unread: int, phases: int,
        function: int, workspace: int, threads: int,
    ) -> None:  # fmt: skip
        kernel, dtype = self._task_kernel(function)
        name = kernel.name.removeprefix(PACKAGE)
        self.tasks[name] = kernel, dtype
        # `PreparedTasks.run` hands on the id of its arrays, and keeps them alive.
        given = ctypes.cast(arrays, ctypes.py_object).value
        size = threads * int(fields[-1])
        self._count(name, spent, work, tuple(given), size)

    def _task_kernel(self, address: int) -> tuple[TaskKernel[Any, Any], Any]:
        if address not in self._addresses:
            for kernel in [each for each in gc.get_objects() if type(each) is TaskKernel]:
                for dtype, compiled in kernel._compiled.items():
                    self._addresses[compiled.address] = kernel, dtype
        return self._addresses[address]

    def assembly(self, name: str) -> str:
        """The machine code of a kernel that was counted, compiled again: the cache has no text."""
        with _without_cache():
            if name in self.tasks:
                kernel, dtype = self.tasks[name]
                compiled: Any = kernel.compile(dtype)
                return str(compiled._library.get_asm_str())
            loops, types = self.kernels[name]
            again: Any = loops._compile(has_prange(loops.function))
            again.compile(types)
            return "\n".join(again.inspect_asm().values())


@contextmanager
def _without_cache() -> Iterator[None]:
    """What is compiled inside is neither read from the disk cache nor written to it."""
    load, save = KernelCache.load_overload, KernelCache.save_overload
    replaced: Any = KernelCache
    replaced.load_overload = replaced.save_overload = lambda *_: None
    try:
        yield
    finally:
        replaced.load_overload, replaced.save_overload = load, save
