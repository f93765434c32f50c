"""What it costs to call threads into a loop, measured at start, and the work that is worth it.

With n threads, work that takes one thread t seconds takes t / n and the call.  So threads are
called where t * (1 - 1 / n) is more than a call costs, and t is the work by the speed of a thread.
A call is measured twice: of threads that wait for one, and of threads that sleep.  On a busy
machine calls take longer for moments: the shortest of several counts, and large work is shared
whatever was measured.

`MINIGRAD_SHARED_WORK`, or `choose`, sets the limits in place of the measurement.
"""

import ctypes
import os
from collections.abc import Callable
from functools import cache
from time import perf_counter_ns

import numpy as np
from llvmlite import binding

from minigrad.kernels.compiler.fork import one_launch_at_a_time
from minigrad.kernels.compiler.sharing import AWAKE_NANOSECONDS, DEFAULT, Limits, set_limits

VARIABLE = "MINIGRAD_SHARED_WORK"

# Whatever is measured, the limits stay in these ranges.
LEAST, MOST = Limits(32_768, 65_536), Limits(131_072, 524_288)

# OpenMP's idle threads sleep after at most so many nanoseconds (see `process`: spin).
_ASLEEP_NANOSECONDS = 600_000
_AWAKE_CALLS, _ASLEEP_CALLS, _SPEED_CALLS = 12, 3, 20
_LONGEST_NANOSECONDS = 2_000_000
# An element of work takes a kernel so many times what NumPy takes to double one.
_SHARE_OF_SPEED = 2

_WORDS = ctypes.c_int64 * 3
_ParallelFor = ctypes.CFUNCTYPE(
    None, *[ctypes.c_void_p] * 5, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int
)


class _Choice:
    """The least work that was chosen, or None."""

    work: int | None = None


def prepare_limits() -> None:
    """Take the limit from the environment.  Raises ValueError if it is no whole number."""
    given = os.environ.get(VARIABLE, "").strip()
    if not given:
        return
    if not given.isdecimal():
        raise ValueError(f"{VARIABLE} is the least work that threads share, in elements: "
                         f"expected a whole number as 32768, got {given!r}")  # fmt: skip
    choose(int(given), 1)


def chosen() -> int | None:
    """Return the limit that was chosen, or None if what was measured holds."""
    return _Choice.work


def choose(work: int | None, threads: int) -> None:
    """Set the least work that threads share, awake or not; with None it is measured."""
    _Choice.work = work
    set_limits(DEFAULT if work is None else Limits(work, work))
    set_limits_for(threads)


def set_limits_for(threads: int) -> None:
    """Set the limits for so many threads, unless others were chosen."""
    if _Choice.work is None and threads > 1:
        set_limits(measured(threads))


@cache
def measured(threads: int) -> Limits:
    """Return the limits for so many threads, from some 3 ms of measurement, made once."""
    with one_launch_at_a_time:
        awake, asleep = _cost(threads)
    return limits_of(awake, asleep, _speed(), threads)


def limits_of(awake: float, asleep: float, speed: float, threads: int) -> Limits:
    """Return the limits for calls that cost so many nanoseconds, with `speed` in elements each."""
    factor = speed * threads / (threads - 1)
    found = (round(cost * factor) for cost in (awake, max(awake, asleep)))
    kept = (min(max(work, least), most)
            for work, least, most in zip(found, LEAST, MOST, strict=True))  # fmt: skip
    return Limits(*kept)


def _cost(threads: int) -> tuple[float, float]:
    """Return what calls cost in nanoseconds: of threads that are awake, and that sleep."""
    parallel_for = _ParallelFor(binding.address_of_symbol("numba_parallel_for"))
    # A function of CPython stands for the loop: it reads a flag, and no argument.
    nothing = ctypes.cast(ctypes.pythonapi.Py_IsInitialized, ctypes.c_void_p)
    pointers, steps = _WORDS(), _WORDS(1)

    def call_of(parts: int) -> Callable[[], object]:
        counts = _WORDS(parts)
        return lambda: parallel_for(nothing, pointers, counts, steps, None, 0, 1, parts)

    shared, alone = call_of(threads), call_of(1)
    shared()  # starts the threads
    own = _shortest(alone, 0, _AWAKE_CALLS)
    awake = _shortest(shared, AWAKE_NANOSECONDS, _AWAKE_CALLS)
    asleep = _shortest(shared, _ASLEEP_NANOSECONDS, _ASLEEP_CALLS)
    return max(0, awake - own), max(0, asleep - own)


def _speed() -> float:
    """Return how many elements of work a thread does in a nanosecond."""
    x, out = np.ones(LEAST.awake, np.float32), np.empty(LEAST.awake, np.float32)
    spent = _shortest(lambda: np.add(x, x, out), 0, _SPEED_CALLS)
    return x.size / max(1, spent) / _SHARE_OF_SPEED


def _shortest(call: Callable[[], object], pause: int, times: int) -> int:
    """Return the nanoseconds of the shortest of some calls, each after a pause.

    There are fewer where the machine is so busy that they take long.
    """
    best, end = 1 << 62, perf_counter_ns() + _LONGEST_NANOSECONDS
    for _ in range(times):
        begin = perf_counter_ns() + pause
        while perf_counter_ns() < begin:
            pass
        begin = perf_counter_ns()
        call()
        now = perf_counter_ns()
        best = min(best, now - begin)
        if now > end:
            break
    return best
