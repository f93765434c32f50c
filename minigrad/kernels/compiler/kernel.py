"""Declaration and compilation of kernels: the only module that calls Numba's compiler for them."""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, overload

import numba

from minigrad.kernels.compiler.cache import keep_on_disk
from minigrad.kernels.compiler.checked_cache import KernelCache
from minigrad.kernels.compiler.fork import one_launch_at_a_time, thread_limit
from minigrad.kernels.compiler.link import link
from minigrad.kernels.compiler.outline import has_prange, outline
from minigrad.kernels.compiler.passes import KernelCompiler
from minigrad.kernels.compiler.process import prepare_process
from minigrad.kernels.compiler.region_cost import prepare_limits, set_limits_for
from minigrad.kernels.compiler.sharing import THREAD_BITS, limits
from minigrad.kernels.compiler.signals import deferring_signals

prange = numba.prange

prepare_process()
prepare_limits()

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}

# Kernels for more elements than this are made for several threads: it chooses among algorithms,
# whose results may differ, so that it is a constant.  `sharing` says what several threads do.
GRAIN_SIZE = 32_768

# So much work, in elements, threads share on every machine.
ALWAYS_SHARED = 2**62


class Kernel:
    """A function over arrays, compiled on its first call.

    Its `prange` loops run on one thread or on all, depending on the amount of work (see `sharing`).
    The machine code of an iteration is the same either way, so results are bit-identical for any
    number of threads.
    """

    def __init__(self, function: Callable[..., Any], fastmath: set[str]) -> None:
        self.function = function
        self.fastmath = fastmath
        self.__doc__ = function.__doc__

    @cached_property
    def run(self) -> Callable[..., Any]:
        """`run(work, *arguments)`, work in elements; without `prange` loops `run(*arguments)`."""
        is_parallel = has_prange(self.function)
        compiled = self._compile(is_parallel)
        if not is_parallel or numba.config.DISABLE_JIT or _layer_is_reentrant():
            return compiled

        def run(work: int, *arguments: Any) -> Any:
            with one_launch_at_a_time:
                return compiled(work, *arguments)

        return run

    def _compile(self, is_parallel: bool) -> Callable[..., Any]:
        options = _OPTIONS | {"fastmath": self.fastmath, "_nrt": False}
        function = self.function
        if is_parallel and numba.config.DISABLE_JIT:  # to step through it in Python
            return lambda _, *arguments: function(*arguments)
        if is_parallel:
            # Starts the threading layer, whose functions the code calls.
            set_limits_for(get_num_threads())
            function = outline(function, partial(link, **options))
        keep_on_disk(function)
        compiled: Any = numba.njit(
            function, no_cfunc_wrapper=True, pipeline_class=KernelCompiler, **options
        )
        if not numba.config.DISABLE_JIT:
            compiled._cache = KernelCache(function)
            compiled.compile = deferring_signals(compiled.compile)
        return compiled  # type: ignore[no-any-return]  # Numba's stubs know no dispatchers


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
    call device functions of its own folder, of `simd/`, and of folders that these import from: the
    disk cache's key covers them.

    The variables that a `prange` body binds are local to one iteration.  A sum over iterations
    needs an array of partial sums.

    A kernel allocates no arrays: its caller passes all that it needs.  Numba then counts no
    references, which makes a call a quarter faster, and its compilation too.
    """
    if function is None:
        return lambda decorated: Kernel(decorated, set(fastmath))
    return Kernel(function, set(fastmath))


def device_function(
    function: Callable[..., Any] | None = None,
    *,
    inlined: bool = False,
    fastmath: frozenset[str] = frozenset({"contract"}),
) -> Callable[..., Any]:
    """Declare a device function: compiled functions call it, Python cannot.

    A loop that calls a device function is vectorised if LLVM inlines the function, which it does if
    the function is short or `inlined`.  `fastmath` is as in `kernel`.
    """
    options = _OPTIONS | {"_nrt": False, "forceinline": inlined, "fastmath": set(fastmath)}
    if function is None:
        return lambda decorated: link(decorated, **options)
    return link(function, **options)


def _layer_is_reentrant() -> bool:
    """Return whether two Python threads may run parallel kernels at once: not with workqueue."""
    return str(numba.threading_layer()) != "workqueue"


def get_num_threads() -> int:
    """Return the number of threads that kernels may use."""
    return min(int(numba.get_num_threads()), thread_limit())


def is_shared(work: int) -> bool:
    """Return whether a kernel with this much work, in elements, may run on several threads.

    It does if the others are awake, or if there is more work.
    """
    return work >= limits().awake and get_num_threads() > 1


def thread_setting() -> int:
    """Return one number for how many threads kernels may use, and from how much work on."""
    threads = get_num_threads()
    set_limits_for(threads)  # not later, during a call that is keyed by this number
    return threads + (limits().awake << THREAD_BITS)


def set_num_threads(n: int) -> None:
    """Let kernels use `n` threads, at most as many as Numba was started with.

    A fork of a process that has run kernels computes on one thread, whatever `n` is.  What calling
    so many threads costs is measured the first time, which takes some milliseconds.

    Raises ValueError if `n` is not in 1 ... `NUMBA_NUM_THREADS`.
    """
    most = int(numba.config.NUMBA_NUM_THREADS)
    if not 1 <= n <= most:
        raise ValueError(
            f"set_num_threads expects 1 to {most} threads, got {n}; "
            "start Python with NUMBA_NUM_THREADS set to allow more"
        )
    numba.set_num_threads(n)
    set_limits_for(get_num_threads())
