"""Innermost loops of all micro-kernels for CPUs that are not here, see test_inner_loops.py."""

import platform
from functools import cache

import pytest

from benchmarks.inner_loops import micro_kernels, task_kernels
from benchmarks.inner_loops.targets import TARGETS
from minigrad.bench.explain.loops import count, functions_of, innermost_loops
from tests.support import inner_loops

TARGETS_IN = {"float32": tuple(TARGETS), "float64": inner_loops.OF_EACH_UNIT}


@cache
def assembled(dtype: str) -> list[micro_kernels.Assembled]:
    """All micro-kernels in this dtype."""
    return micro_kernels.assemble(TARGETS_IN[dtype], dtypes=[dtype])


@pytest.mark.parametrize("dtype", micro_kernels.DTYPES)
@pytest.mark.parametrize("micro_kernel", micro_kernels.MICRO_KERNELS)
def test_sums_stay_in_registers(micro_kernel: str, dtype: str) -> None:
    found = [each for each in assembled(dtype) if each.micro_kernel == micro_kernel]
    assert {each.target for each in found} == set(TARGETS_IN[dtype])
    for each in found:
        inner_loops.check(each)


@pytest.mark.skipif(
    platform.machine().lower() not in {"x86_64", "amd64"},
    reason="Numba compiles for x86 there only",
)
@pytest.mark.parametrize("target", ["skylake-avx512", "znver4"])
def test_sums_stay_in_registers_between_other_code(target: str) -> None:
    """A whole task of a matrix product, as Numba compiles it."""
    [task] = task_kernels.assemble(target, ["gemm.product_tasks"])
    found = [
        count(loop, code)
        for code in functions_of(task.assembly)
        for loop in innermost_loops(code)
        if count(loop, code).multiply_adds
    ]
    # One multiply-add for each of 10 rows of 2 vectors.
    assert [(c.multiply_adds, c.spills, c.moves) for c in found] == [(20, 0, 0)]
