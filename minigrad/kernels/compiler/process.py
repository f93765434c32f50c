"""What `import minigrad` changes for the whole process: each effect, its reason and its switch.

`MINIGRAD_DISABLE` names effects to do without, with commas between: `allocator,spin`.  Where an
effect has a variable of its own that the user has set, that one wins.

threading_layer: OpenMP is preferred, a parallel region takes 1.6 us there and 51 us in workqueue;
    `NUMBA_THREADING_LAYER`.
spin: idle OpenMP threads spin for some 100 us and not for milliseconds, which starves other
    processes; `GOMP_SPINCOUNT`.
allocator: the C library keeps up to 1 GiB of freed memory, a third of a small network's step is
    page faults otherwise; glibc's `MALLOC_*` variables.
cache: kernels are cached by the content of their sources, in a folder of the user's;
    `MINIGRAD_CACHE`, `NUMBA_CACHE_DIR`.  Without it Numba caches beside each source file.
collector: no garbage collection while a function is compiled, it takes a twentieth of that time.
"""

import gc
import os
from collections.abc import Callable
from typing import Any

import numba
from numba.core import caching, event

from minigrad.kernels.compiler.allocator import keep_freed_memory
from minigrad.kernels.compiler.cache import KernelCacheLocator, announce_compilation, is_kernel


def _prefer_openmp() -> None:
    if "NUMBA_THREADING_LAYER" not in os.environ:
        numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]


def _spin_briefly() -> None:
    # Enough to bridge the gap between two kernels.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")


def _cache_by_content() -> None:
    caching.CacheImpl._locator_classes.insert(0, KernelCacheLocator)


class _WithoutCollector(event.Listener):
    """Keeps the garbage collector off: a compiler makes many objects and few cycles."""

    def __init__(self) -> None:
        self._was_enabled: list[bool] = []

    def on_start(self, event: Any) -> None:
        self._was_enabled.append(gc.isenabled())
        gc.disable()

    def on_end(self, event: Any) -> None:
        if self._was_enabled.pop():
            gc.enable()


def _collect_no_garbage() -> None:
    event.register("numba:compile", _WithoutCollector())


class _Announcements(event.Listener):
    """Says on stderr that a kernel is compiled."""

    def on_start(self, event: Any) -> None:
        if is_kernel(event.data["dispatcher"].py_func):
            announce_compilation()

    def on_end(self, event: Any) -> None:
        pass


EFFECTS: dict[str, Callable[[], object]] = {
    "threading_layer": _prefer_openmp,
    "spin": _spin_briefly,
    "allocator": keep_freed_memory,
    "cache": _cache_by_content,
    "collector": _collect_no_garbage,
}


def prepare_process() -> None:
    """Apply the effects that `MINIGRAD_DISABLE` does not name.

    Raises ValueError if it names what is no effect.
    """
    disabled = {name for name in os.environ.get("MINIGRAD_DISABLE", "").split(",") if name}
    if unknown := disabled - EFFECTS.keys():
        raise ValueError(
            f"MINIGRAD_DISABLE names {', '.join(sorted(unknown))}; "
            f"what can be disabled is {', '.join(EFFECTS)}"
        )
    for name, effect in EFFECTS.items():
        if name not in disabled:
            effect()
    event.register("numba:compile", _Announcements())
