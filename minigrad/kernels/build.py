"""How a kernel is compiled, cached and threaded: the one place that calls Numba's compiler."""

import gc
import hashlib
import importlib.util
import os
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, overload

import numba
from numba.core import caching, event

from minigrad.kernels.heap import keep_freed_memory
from minigrad.kernels.linked import link
from minigrad.kernels.outline import has_shared_loops, outline

prange = numba.prange

# OpenMP enters a parallel region in 1.6 us, workqueue in 51 us.
if "NUMBA_THREADING_LAYER" not in os.environ:
    numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]

# GNU OpenMP lets a thread that has nothing to do spin for milliseconds; where another process wants
# the core, that starves the very threads it waits for.  This is some 100 us, enough to bridge the
# gap between two kernels.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

keep_freed_memory()

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}

# A kernel with less work than this (elements read, or multiply-adds / 16) stays on one thread.
GRAIN = 32_768


def cache_dir() -> Path:
    """Where compiled kernels and downloaded data go: `MINIGRAD_CACHE`, or the user's own cache."""
    if given := os.environ.get("MINIGRAD_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "minigrad"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/minigrad"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "minigrad"


def kernel_cache_dir() -> Path:
    """Where compiled kernels are kept: `NUMBA_CACHE_DIR`, or `kernels` in the cache directory."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    return Path(given) if given else cache_dir() / "kernels"


class _KernelCacheLocator(caching.UserWideCacheLocator):  # type: ignore[misc]
    """Finds a kernel's machine code by the content of its source file and of the shared intrinsics.

    Numba's own locators look at the kernel's file alone, and beside it: an edit of the intrinsics
    would go unseen, and a fresh environment would compile everything again.
    """

    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        super().__init__(py_func, py_file)
        digest = hashlib.sha256(Path(py_file).read_bytes())
        for source in (*_SHARED_SOURCES, *getattr(py_func, _MARK)):
            digest.update(Path(source).read_bytes())
        self._stamp = digest.hexdigest()[:16]
        self._cache_path = str(kernel_cache_dir() / f"{Path(py_file).stem}-{self._stamp}")

    def get_source_stamp(self) -> str:
        return self._stamp

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Any:
        return super().from_function(py_func, py_file) if hasattr(py_func, _MARK) else None


_MARK = "_minigrad_kernel"


def keep_on_disk(function: Callable[..., Any], *sources: str) -> None:
    """Have Numba cache this function, in whatever form, where minigrad's kernels are kept.

    `sources` names files besides the function's own whose text its machine code follows from.
    """
    setattr(function, _MARK, sources)


_PROCESS = uuid.uuid4().hex[:8]


def name_data_apart(compiled: Any) -> None:
    """Give the machine code that this process adds to a function's cache names of its own.

    Numba numbers it by the function's index.  Of two processes that add to that at once, the index
    may lose one's; of one name, it would give the one's for the other's.
    """
    if cache := getattr(compiled, "_cache", None):  # nothing is compiled with NUMBA_DISABLE_JIT
        file = cache._cache_file
        file._data_name_pattern = file._data_name_pattern.replace("{", f"{_PROCESS}-{{")


_SHARED_SOURCES = [
    Path(__file__).with_name(f"{name}.py")
    for name in ("build", "linked", "outline", "share", "scalar", "emitter", "simd")
]
caching.CacheImpl._locator_classes.insert(0, _KernelCacheLocator)


@cache
def _announce_compilation() -> None:
    """Say once, on stderr, why the first call takes seconds."""
    print(
        "minigrad: compiling kernels for this CPU; this happens once, "
        f"they are kept in {kernel_cache_dir()}",
        file=sys.stderr,
        flush=True,
    )


class _Watch(event.Listener):  # type: ignore[misc]
    """Announces compilations, and keeps the garbage collector off: a twentieth of their time.

    A compiler makes many objects and few cycles, and each collection walks through all of them.
    """

    def __init__(self) -> None:
        self._collecting: list[bool] = []

    def on_start(self, event: Any) -> None:
        self._collecting.append(gc.isenabled())
        gc.disable()
        if hasattr(event.data["dispatcher"].py_func, _MARK):
            _announce_compilation()

    def on_end(self, event: Any) -> None:
        if self._collecting.pop():
            gc.enable()


event.register("numba:compile", _Watch())


class Kernel:
    """A function over arrays, compiled on its first call.

    How much work there is says whether its `prange` loops are run by one thread or by all.  Rounds
    are the same machine code either way, so results are bit-identical for any number of threads.
    """

    def __init__(
        self, function: Callable[..., Any], fastmath: set[str], sources: tuple[str, ...] = ()
    ) -> None:
        self.function = function
        self.fastmath = fastmath
        self.sources = sources
        self.__doc__ = function.__doc__

    @cached_property
    def run(self) -> Callable[..., Any]:
        """`run(work, *arguments)`, work in elements; without `prange` loops `run(*arguments)`."""
        shares = has_shared_loops(self.function)
        compiled = self._compile(shares)
        if not shares or _layer_is_reentrant():
            return compiled

        def run(work: int, *arguments: Any) -> Any:
            with _one_launch_at_a_time if work >= GRAIN else nullcontext():
                return compiled(work, *arguments)

        return run

    def _compile(self, shares: bool) -> Callable[..., Any]:
        options = _OPTIONS | {"fastmath": self.fastmath, "_nrt": False}
        function = self.function
        if shares and numba.config.DISABLE_JIT:  # to step through it in Python
            return lambda _, *arguments: function(*arguments)
        if shares:
            numba.get_num_threads()  # starts the threading layer, whose functions the code calls
            function = outline(function, partial(link, **options), GRAIN)
        keep_on_disk(function, *self.sources)
        compiled: Callable[..., Any] = numba.njit(
            function, cache=True, no_cfunc_wrapper=True, **options
        )
        name_data_apart(compiled)
        return compiled


@overload
def kernel(function: Callable[..., Any]) -> Kernel: ...


@overload
def kernel(
    *, fastmath: frozenset[str] = ..., sources: tuple[str, ...] = ...
) -> Callable[[Callable[..., Any]], Kernel]: ...


def kernel(
    function: Callable[..., Any] | None = None,
    *,
    fastmath: frozenset[str] = frozenset({"contract"}),
    sources: tuple[str, ...] = (),
) -> Any:
    """Declare a kernel: loops over arrays, `prange` over independent chunks, `out` first.

    `fastmath` allows fused multiply-add by default; add `"reassoc"` in sums only.  A kernel may
    call `routine`s of its own file, what `simd.py` and `scalar.py` hold, and what the files named
    in `sources` hold: the disk cache watches just those.

    The names that a `prange` body binds are its own: a sum over rounds goes by way of an array.

    A kernel allocates no arrays: its caller gives it what it needs.  Numba then counts no
    references, which takes a quarter off a call and as much off its compilation.
    """
    if function is None:
        return lambda decorated: Kernel(decorated, set(fastmath), sources)
    return Kernel(function, set(fastmath), sources)


def routine(
    function: Callable[..., Any] | None = None,
    *,
    allocates: bool = False,
    inlined: bool = False,
    fastmath: frozenset[str] = frozenset({"contract"}),
) -> Callable[..., Any]:
    """Declare a function that kernels of the same file call; Python cannot.

    What only `tasks` call may say that it `allocates` arrays.  A loop that calls a routine becomes
    vectors if LLVM takes the routine into it, which it does where it is short, or `inlined`.
    `fastmath` is as in `kernel`.
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
    return work >= GRAIN and get_num_threads() > 1


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
