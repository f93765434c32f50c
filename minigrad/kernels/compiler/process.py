"""Everything that `import minigrad` changes for the whole process, each with a reason and a switch.

`MINIGRAD_DISABLE=allocator,spin` turns off the effects that it names.  Where the user has set a
variable of Numba, OpenMP or the C library that governs an effect, that setting holds.

threading_layer: OpenMP comes first among Numba's threading layers.  A parallel region takes 1.6 us
    in OpenMP and 51 us in workqueue.  Set by the user: `NUMBA_THREADING_LAYER`,
    `NUMBA_THREADING_LAYER_PRIORITY`.
spin: `GOMP_SPINCOUNT` is 10 000, so that an idle OpenMP thread spins for some 100 us.  That bridges
    the gap between two kernels.  GNU OpenMP's default is milliseconds, which keeps a core from
    other processes.  Set by the user: `GOMP_SPINCOUNT`, `OMP_WAIT_POLICY`.
allocator: the C library keeps up to 1 GiB of freed memory.  Otherwise a third of a small network's
    training step is page faults.  Set by the user: glibc's `MALLOC_*` and `GLIBC_TUNABLES`.
cache: Numba caches minigrad's kernels by the content of their sources, in `NUMBA_CACHE_DIR` or in
    `MINIGRAD_CACHE`.  Without this it caches beside each source file and misses edits elsewhere.
collector: the garbage collector rests while Numba compiles.  It took a twentieth of that time.
signals: what a handler does, as KeyboardInterrupt, waits during a compilation until Numba has ended
    a pass.  In between the compiler may lose the exception.
announcement: one line on stderr when the first kernel is compiled, because that takes seconds.
background: from the first compilation of a long kernel on, a second process compiles the kernels
    that are usually needed next.  It ends with this one.  Set by the user: `NUMBA_NUM_THREADS=1`.
einops: a finder in `sys.meta_path` gives einops, whenever it is imported, a backend for tensors.
"""

import gc
import os
from collections.abc import Callable
from functools import cache
from typing import Any

import numba
from numba.core import caching, event

from minigrad.kernels.compiler.allocator import keep_freed_memory
from minigrad.kernels.compiler.cache import KernelCacheLocator, announce_compilation, is_kernel
from minigrad.kernels.compiler.signals import defer_signals

_COMPILATION = "numba:compile"


def _prefer_openmp() -> None:
    chosen = {"NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY"} & os.environ.keys()
    if not chosen:
        numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]


def _spin_briefly() -> None:
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")


def _cache_by_content() -> None:
    caching.CacheImpl._locator_classes.insert(0, KernelCacheLocator)


class _CollectorPause(event.Listener):
    """Disables the garbage collector during a compilation: it makes few reference cycles."""

    def __init__(self) -> None:
        self._was_enabled: list[bool] = []  # one compilation may start another

    def on_start(self, event: Any) -> None:
        self._was_enabled.append(gc.isenabled())
        gc.disable()

    def on_end(self, event: Any) -> None:
        if self._was_enabled.pop():
            gc.enable()


def _pause_collector() -> None:
    event.register(_COMPILATION, _CollectorPause())


class _Announcement(event.Listener):
    """Announces on stderr that a kernel is compiled."""

    def on_start(self, event: Any) -> None:
        dispatcher = event.data["dispatcher"]
        if is_kernel(dispatcher.py_func):
            announce_compilation(dispatcher)

    def on_end(self, event: Any) -> None:
        pass


def _announce_compilations() -> None:
    event.register(_COMPILATION, _Announcement())


_EFFECTS: dict[str, Callable[[], object]] = {
    "threading_layer": _prefer_openmp,
    "spin": _spin_briefly,
    "allocator": keep_freed_memory,
    "cache": _cache_by_content,
    "collector": _pause_collector,
    "signals": defer_signals,
    "announcement": _announce_compilations,
}
# The others are applied where they belong: in `BackgroundCompiler`, and in `utils.after_import`.
EFFECTS = (*_EFFECTS, "background", "einops")


@cache
def _disabled() -> frozenset[str]:
    """Return the names in `MINIGRAD_DISABLE`.  Raises ValueError for an unknown one."""
    given = os.environ.get("MINIGRAD_DISABLE", "").split(",")
    disabled = frozenset(name.strip() for name in given if name.strip())
    if unknown := disabled.difference(EFFECTS):
        raise ValueError(
            f"MINIGRAD_DISABLE names {', '.join(sorted(unknown))}, which is no effect of minigrad; "
            f"expected some of {', '.join(EFFECTS)}, with commas between"
        )
    return disabled


def is_enabled(effect: str) -> bool:
    """Return whether `MINIGRAD_DISABLE` leaves this effect on."""
    return effect not in _disabled()


def prepare_process() -> None:
    """Apply all effects that are enabled.

    Raises ValueError if `MINIGRAD_DISABLE` names an unknown effect.
    """
    for name, apply in _EFFECTS.items():
        if is_enabled(name):
            apply()
