"""The vector registers of the CPU that kernels are compiled for.

`MINIGRAD_VECTOR_UNIT=64x32` takes vectors of 64 bytes and 32 registers instead of the CPU's own.
Results are right on any CPU, because LLVM cuts vectors that are too long; they are slow.  So tests
run the tiles of CPUs that are not here, and code for those is compiled and judged.
"""

import os
import platform
from typing import NamedTuple

import numba
from numba.core.codegen import get_host_cpu_features


class VectorUnit(NamedTuple):
    """The size of a vector register in bytes, and the number of registers."""

    bytes: int
    registers: int


SSE, AVX, AVX512, NEON = (VectorUnit(*sizes) for sizes in ((16, 16), (32, 16), (64, 32), (16, 32)))

# What is set here belongs to the key of compiled code.
FORCED = os.environ.get("MINIGRAD_VECTOR_UNIT", "")


def _forced() -> VectorUnit:
    known = {f"{unit.bytes}x{unit.registers}": unit for unit in (SSE, AVX, AVX512, NEON)}
    if FORCED not in known:
        raise ValueError(f"MINIGRAD_VECTOR_UNIT is {FORCED!r}; expected one of {', '.join(known)}")
    return known[FORCED]


def _of_cpu() -> VectorUnit:
    """That of the CPU that Numba compiles for."""
    named = numba.config.CPU_FEATURES
    features = set((get_host_cpu_features() if named is None else named).split(","))
    if "+avx512f" in features:
        return AVX512
    if "+avx" in features:
        return AVX
    return NEON if platform.machine().lower() in {"arm64", "aarch64"} else SSE


VECTOR_UNIT = _forced() if FORCED else _of_cpu()
VECTOR_BYTES, REGISTERS = VECTOR_UNIT
