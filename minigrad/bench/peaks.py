"""Peaks of the machine: multiply-adds in registers, bandwidth of each memory level.

The two bounds of the roofline: Williams, Waterman & Patterson, "Roofline: an insightful visual
performance model" (2009).
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import ALWAYS_SHARED, Kernel, get_num_threads
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.peaks import CHAINS, multiply_adds, read, triad

# Working sets in bytes, from the first-level cache to main memory.
WORKING_SETS = tuple(2**power for power in range(14, 29, 2))

ROUNDS = 7
SECONDS = 0.02


@dataclass(frozen=True)
class Peaks:
    """FLOP/s of multiply-adds, and B/s for each working set in bytes, smallest first.

    call: seconds of the smallest operation of tensors; 0 where it was not measured.
    """

    flops: float
    bandwidths: tuple[tuple[int, float], ...]
    call: float = 0.0

    def bandwidth(self, size: float) -> float:
        """B/s for `size` bytes, as the largest working set that fits into them reached it.

        A larger working set that was faster shows what this one can reach, too: the machine was
        busy while it was measured.
        """
        smallest = self.bandwidths[0][0]
        fitting = max((s for s, _ in self.bandwidths if s <= size), default=smallest)
        return max(rate for measured, rate in self.bandwidths if measured >= fitting)

    def or_better(self, other: "Peaks") -> "Peaks":
        """The higher of the rates that two measurements of the same working sets reached."""
        rates = [
            (size, max(rate, again))
            for (size, rate), (_, again) in zip(self.bandwidths, other.bandwidths, strict=True)
        ]
        return Peaks(max(self.flops, other.flops), tuple(rates), min(self.call, other.call))

    def least_time(self, flops: float, size: float) -> float:
        """Seconds that so many operations on so many bytes take at the roof; 0 for none."""
        return max(flops / self.flops, size / self.bandwidth(size))

    def bound_by_memory(self, flops: float, size: float) -> bool:
        """True if the bytes take longer than the operations."""
        return size / self.bandwidth(size) > flops / self.flops

    def bound_by_calls(self, flops: float, size: float) -> bool:
        """True if the machine needs less time than the smallest operation's call."""
        return 0 < self.least_time(flops, size) < self.call


def measure(dtype: str = "float32", quick: bool = False) -> Peaks:
    """The peaks of the threads in use, for elements of `dtype`; `quick` is a rough guess."""
    rounds = 2 if quick else ROUNDS
    kind, threads = np.dtype(dtype), get_num_threads()
    out = np.empty(threads, kind)
    factor = np.full(threads, 0.5, kind)
    lanes = VECTOR_BYTES // kind.itemsize
    rate = _best_rate(multiply_adds, (out, factor), rounds)
    found = [(size, _bandwidth(size, kind, rounds)) for size in WORKING_SETS]
    return Peaks(2.0 * CHAINS * lanes * threads * rate, tuple(found))


def _bandwidth(size: int, kind: Any, rounds: int) -> float:
    """B/s of reading, or of reading two parts and writing one, whichever is more."""
    threads = get_num_threads()
    elements = size // kind.itemsize // threads
    a = np.ones((threads, elements), kind)
    total = np.zeros(threads, kind)
    reads = _best_rate(read, (total, a), rounds)
    third = elements // 3
    parts = tuple(np.ones((threads, third), kind) for _ in range(3))
    triads = _best_rate(triad, parts, rounds)
    rate = threads * max(elements * reads, 3 * third * triads)
    return float(kind.itemsize * rate)


def _best_rate(kernel: Kernel, arguments: tuple[Any, ...], rounds: int) -> float:
    """Repeats per second of kernel(*arguments, repeats), the best of some rounds.

    How many repeats make SECONDS is found on one thread: where the machine is busy, to start the
    others can take longer than that.
    """
    alone, shared = (partial(kernel.run, work, *arguments) for work in (0, ALWAYS_SHARED))
    count = 1
    alone(count)  # compiles
    while (best := min(_duration(alone, count) for _ in range(2))) < SECONDS / 2:
        count = math.ceil(count * min(100.0, SECONDS / best))
    shared(1)
    return count / min(_duration(shared, count) for _ in range(rounds))


def _duration(run: Callable[[int], object], count: int) -> float:
    start = time.perf_counter()
    run(count)
    return time.perf_counter() - start
