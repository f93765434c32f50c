"""How a kernel is declared and compiled: the one place that calls Numba's compiler."""

import importlib.util
import os
import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import cached_property, partial
from typing import Any, overload

import numba

from minigrad.kernels.compiler.cache import keep_on_disk, use_own_data_names
from minigrad.kernels.compiler.link import link
from minigrad.kernels.compiler.outline import has_shared_loops, outline
from minigrad.kernels.compiler.process import prepare_process

prange = numba.prange

prepare_process()

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}

# A kernel with less work than this (elements read, or multiply-adds / 16) stays on one thread.
GRAIN_SIZE = 32_768


class Kernel:
    """A function over arrays, compiled on its first call.

    How much work there is says whether its `prange` loops are run by one thread or by all.  Rounds
    are the same machine code either way, so results are bit-identical for any number of threads.
    """

    def __init__(self, function: Callable[..., Any], fastmath: set[str]) -> None:
        self.function = function
        self.fastmath = fastmath
        self.__doc__ = function.__doc__

    @cached_property
    def run(self) -> Callable[..., Any]:
        """`run(work, *arguments)`, work in elements; without `prange` loops `run(*arguments)`."""
        shares = has_shared_loops(self.function)
        compiled = self._compile(shares)
        if not shares or _layer_is_reentrant():
            return compiled

        def run(work: int, *arguments: Any) -> Any:
            with _one_launch_at_a_time if work >= GRAIN_SIZE else nullcontext():
                return compiled(work, *arguments)

        return run

    def _compile(self, shares: bool) -> Callable[..., Any]:
        options = _OPTIONS | {"fastmath": self.fastmath, "_nrt": False}
        function = self.function
        if shares and numba.config.DISABLE_JIT:  # to step through it in Python
            return lambda _, *arguments: function(*arguments)
        if shares:
            numba.get_num_threads()  # starts the threading layer, whose functions the code calls
            function = outline(function, partial(link, **options), GRAIN_SIZE)
        keep_on_disk(function)
        compiled: Callable[..., Any] = numba.njit(
            function, cache=True, no_cfunc_wrapper=True, **options
        )
        use_own_data_names(compiled)
        return compiled


@overload
def kernel(function: Callable[..., Any]) -> Kernel: ...


@overload
def kernel(*, fastmath: frozenset[str] = ...) -> Callable[[Callable[..., Any]], Kernel]: ...


def kernel(
    function: Callable[..., Any] | None = None,
    *,
    fastmath: frozenset[str] = frozenset({"contract"}),
) -> Any:
    """Declare a kernel: loops over arrays, `prange` over independent chunks, `out` first.

    `fastmath` allows fused multiply-add by default; add `"reassoc"` in sums only.  A kernel may
    call device functions of its own folder, of `simd/`, and of folders its own imports from: the
    disk cache's key covers those.

    The names that a `prange` body binds are its own: a sum over rounds goes by way of an array.

    A kernel allocates no arrays: its caller gives it what it needs.  Numba then counts no
    references, which takes a quarter off a call and as much off its compilation.
    """
    if function is None:
        return lambda decorated: Kernel(decorated, set(fastmath))
    return Kernel(function, set(fastmath))


def device_function(
    function: Callable[..., Any] | None = None,
    *,
    allocates: bool = False,
    inlined: bool = False,
    fastmath: frozenset[str] = frozenset({"contract"}),
) -> Callable[..., Any]:
    """Declare a function that compiled functions call; Python cannot.

    Only what task kernels call may say that it `allocates` arrays.  A loop that calls a device
    function is vectorised if LLVM inlines the function, which it does where it is short or
    `inlined`.  `fastmath` is as in `kernel`.
    """
    own = {"_nrt": allocates, "forceinline": inlined, "fastmath": set(fastmath)}
    if function is None:
        return lambda decorated: link(decorated, **own, **_OPTIONS)
    return link(function, **own, **_OPTIONS)


_one_launch_at_a_time = threading.Lock()


def _layer_is_reentrant() -> bool:
    """Whether two Python threads may be inside parallel kernels at once: not with workqueue."""
    chosen = os.environ.get("NUMBA_THREADING_LAYER", "default")
    if chosen in {"workqueue", "omp", "tbb"}:
        return chosen != "workqueue"
    return importlib.util.find_spec("numba.np.ufunc.omppool") is not None


def get_num_threads() -> int:
    """Threads that kernels may use."""
    return int(numba.get_num_threads())


def is_shared(work: int) -> bool:
    """Whether a kernel of this much work, in elements, is run by more than one thread."""
    return work >= GRAIN_SIZE and get_num_threads() > 1


def set_num_threads(n: int) -> None:
    """Let kernels use `n` threads, at most as many as Numba was started with.

    Raises ValueError if `n` is not in 1 ... `NUMBA_NUM_THREADS`.
    """
    most = int(numba.config.NUMBA_NUM_THREADS)
    if not 1 <= n <= most:
        raise ValueError(
            f"set_num_threads expects 1 to {most} threads, got {n}; "
            "start Python with NUMBA_NUM_THREADS set to allow more"
        )
    numba.set_num_threads(n)
