"""What the machine can do at most: multiply-adds in registers, bytes through each memory level.

The two bounds of the roofline: Williams, Waterman & Patterson, "Roofline: an insightful visual
performance model" (2009).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from minigrad.kernels.build import get_num_threads, kernel, prange
from minigrad.kernels.simd import REGISTERS, VECTOR_BYTES

Array = np.ndarray[Any, Any]

# Chains of dependent multiply-adds: enough to hide their latency, and two operands stay in
# registers beside them.
CHAINS = REGISTERS - 4

# Working sets in bytes, from the first-level cache to main memory.
WORKING_SETS = tuple(2**power for power in range(14, 29, 2))

ROUNDS = 7
SECONDS = 0.02
_ELEMENT = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}


@dataclass(frozen=True)
class Peaks:
    """FLOP/s of multiply-adds, and B/s for each working set in bytes, smallest first."""

    flops: float
    bandwidths: tuple[tuple[int, float], ...]

    def bandwidth(self, size: float) -> float:
        """B/s for `size` bytes, as the largest working set that fits into them reached it."""
        fitting = [rate for measured, rate in self.bandwidths if measured <= size]
        return fitting[-1] if fitting else self.bandwidths[0][1]

    def least_time(self, flops: float, size: float) -> float:
        """Seconds that so many operations on so many bytes take at the roof; 0 for none."""
        return max(flops / self.flops, size / self.bandwidth(size))

    def bound_by_memory(self, flops: float, size: float) -> bool:
        """Whether the bytes take longer than the operations."""
        return size / self.bandwidth(size) > flops / self.flops


@intrinsic  # type: ignore[untyped-decorator]
def _multiply_add_chains(typingctx: Any, factor: Any, count: Any) -> tuple[Any, Callable[..., Any]]:
    """CHAINS x `count` vector multiply-adds that touch no memory; the sum of what they reach."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = VECTOR_BYTES * 8 // factor.bitwidth
        vector = ir.VectorType(_ELEMENT[factor], lanes)
        zero = ir.Constant(ir.IntType(32), 0)
        splat = builder.insert_element(ir.Constant(vector, ir.Undefined), args[0], zero)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        splat = builder.shuffle_vector(splat, splat, mask)
        fma = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(vector, [vector] * 3),
            f"llvm.fmuladd.v{lanes}f{factor.bitwidth}",
        )
        cells = [cgutils.alloca_once_value(builder, splat) for _ in range(CHAINS)]
        with cgutils.for_range(builder, args[1]):
            for cell in cells:  # LLVM keeps them in registers
                builder.store(builder.call(fma, [builder.load(cell), splat, splat]), cell)
        total = builder.load(cells[0])
        for cell in cells[1:]:
            total = builder.fadd(total, builder.load(cell))
        return builder.extract_element(total, zero)

    return factor(factor, types.intp), codegen


@kernel
def _multiply_adds(out, factor, count):  # type: ignore[no-untyped-def]
    for thread in prange(out.size):
        out[thread] = _multiply_add_chains(factor[thread], count)


@kernel
def _triad(out, a, b, count):  # type: ignore[no-untyped-def]
    """out = a + scale * b by rows, each `count` times; STREAM's triad (McCalpin 1995)."""
    for thread in prange(out.shape[0]):
        to, first, second = out[thread], a[thread], b[thread]
        for repeat in range(count):
            scale = a.dtype.type(repeat)
            for i in range(to.size):
                to[i] = first[i] + scale * second[i]


@kernel(fastmath=frozenset({"contract", "reassoc"}))
def _read(out, a, count):  # type: ignore[no-untyped-def]
    """The sum of each row, `count` times."""
    for thread in prange(out.size):
        row = a[thread]
        for _ in range(count):
            total = out[thread]
            for i in range(row.size):
                total += row[i]
            out[thread] = total


def measure(dtype: str = "float32", quick: bool = False) -> Peaks:
    """The peaks of the threads in use, for elements of `dtype`; `quick` is a rough guess."""
    rounds, seconds = (2, SECONDS / 10) if quick else (ROUNDS, SECONDS)
    sets = WORKING_SETS[1::2] if quick else WORKING_SETS
    kind, threads = np.dtype(dtype), get_num_threads()
    out = np.empty(threads, kind)
    factor = np.full(threads, 0.5, kind)
    lanes = VECTOR_BYTES // kind.itemsize
    rate = _best_rate(lambda n: _multiply_adds.parallel(out, factor, n), rounds, seconds)
    found = [(size, _bandwidth(size, kind, rounds, seconds)) for size in sets]
    return Peaks(2.0 * CHAINS * lanes * threads * rate, tuple(found))


def _bandwidth(size: int, kind: Any, rounds: int, seconds: float) -> float:
    """B/s of reading, or of reading two parts and writing one, whichever is more."""
    threads = get_num_threads()
    elements = size // kind.itemsize // threads
    a = np.ones((threads, elements), kind)
    total = np.zeros(threads, kind)
    reads = _best_rate(lambda n: _read.parallel(total, a, n), rounds, seconds)
    third = elements // 3
    parts = [np.ones((threads, third), kind) for _ in range(3)]
    triads = _best_rate(lambda n: _triad.parallel(*parts, n), rounds, seconds)
    rate = threads * max(elements * reads, 3 * third * triads)
    return float(kind.itemsize * rate)


def _best_rate(run: Callable[[int], object], rounds: int, seconds: float) -> float:
    """Repeats per second of run(repeats), the best of some rounds of about so many seconds."""
    run(1)  # compiles
    count = 1
    while _duration(run, count) < seconds / 4:
        count *= 2
    return count / min(_duration(run, count) for _ in range(rounds))


def _duration(run: Callable[[int], object], count: int) -> float:
    start = time.perf_counter()
    run(count)
    return time.perf_counter() - start
