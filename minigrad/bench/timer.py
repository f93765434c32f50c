"""Times of functions in this process."""

import gc
import time
from collections.abc import Callable
from typing import Any

from minigrad.bench.record import Timing

# A turn's calls are counted so that it lasts as long as asked for; that is tried out from here on.
LONGEST_TRIAL = 0.1
TURNS, SECONDS = 11, 0.02


def seconds_of(function: Callable[[], Any], number: int) -> float:
    """Seconds that `number` calls take together, with the garbage collector waiting."""
    return times_of(function, number)[0]


def times_of(function: Callable[[], Any], number: int) -> tuple[float, float]:
    """Seconds that have passed, and those that this process has computed, in so many calls."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        computed, start = time.process_time(), time.perf_counter()
        for _ in range(number):
            function()
        passed = time.perf_counter() - start
        return passed, time.process_time() - computed
    finally:
        if was_on:
            gc.enable()


def calls_lasting(seconds: float, function: Callable[[], Any]) -> int:
    """The number of calls that last about so many seconds."""
    number = 1
    while (spent := seconds_of(function, number)) < min(seconds, LONGEST_TRIAL) / 2:
        number *= 2
    return max(1, round(number * seconds / spent))


def time_function(function: Callable[[], Any]) -> Timing:
    """Eleven turns of as many calls as last 20 ms; the first call, which may compile, apart."""
    first = seconds_of(function, 1)
    number = calls_lasting(SECONDS, function)
    times = [seconds_of(function, number) / number for _ in range(TURNS)]
    return Timing(first, number, times, 0.0)
