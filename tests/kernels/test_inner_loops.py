"""Innermost loops of code for CPUs that are not here: sums stay in registers.

Everything is compiled and nothing of it is run.  `python -m benchmarks.inner_loops` prints the same
counts, and LLVM's opinion of the cycles.  All micro-kernels are in test_all_inner_loops.py.
"""

import gc
from types import CodeType

import pytest
from numba.core.extending import _Intrinsic

from benchmarks.inner_loops import micro_kernels
from minigrad.bench.explain.loops import Counts, count, functions_of, innermost_loops
from tests.support import inner_loops


def test_sums_of_products_stay_in_registers() -> None:
    """Of one target for each vector unit: `-m quick` runs this, and not those of all targets."""
    found = micro_kernels.assemble(inner_loops.OF_EACH_UNIT, ["product"], ["float32"])
    assert {each.target for each in found} == set(inner_loops.OF_EACH_UNIT)
    for each in found:
        inner_loops.check(each)


def test_every_micro_kernel_is_judged() -> None:
    judged = {intrinsic._defn.__name__ for intrinsic, _ in micro_kernels.MICRO_KERNELS.values()}
    assert judged == {
        each._defn.__name__
        for each in gc.get_objects()
        if type(each) is _Intrinsic  # `isinstance` would have other objects warn
        and each._defn.__module__.startswith("minigrad.")
        and any("Emitter" in code.co_names for code in _codes(each._defn.__code__))
    }


def _codes(code: CodeType) -> list[CodeType]:
    """The code of a function, and of the functions inside it."""
    return [
        code,
        *(c for each in code.co_consts if isinstance(each, CodeType) for c in _codes(each)),
    ]


X86 = """
micro_kernel:
\t.cfi_startproc
\tpushq\t%rbp
.LBB0_1:
\tvmovups\t(%rsi), %zmm1
.LBB0_2:                                # an inner loop
\tvmovups\t64(%rsp), %zmm2 # 64-byte Reload
\tvbroadcastss\t(%rbp,%rax,4), %zmm3
\tvfmadd231ps\t%zmm1, %zmm2, %zmm3
\tvfmadd231ps\t(%rsi){1to16}, %zmm2, %zmm4
\tvmovaps\t%zmm3, %zmm5
\taddq\t-8(%rsp), %rsi
\tjne\t.LBB0_2
\tjne\t.LBB0_1
\tretq
"""
ARM = """
micro_kernel:
\tstp\tx29, x30, [sp, #-16]!
\tmov\tx29, sp
.LBB0_1:
\tldr\tq0, [x29, #32]
\tldr\tx8, [sp, #8]
\tfmla\tv1.4s, v2.4s, v3.s[0]
\tmov\tv4.16b, v5.16b
\tb.ne\t.LBB0_1
\tret
"""


@pytest.mark.parametrize(
    ("assembly", "expected"),
    [(X86, Counts(2, 1, 1, 1, 4, 7)), (ARM, Counts(1, 1, 1, 1, 2, 5))],
    ids=["x86", "ARM"],
)
def test_what_counts(assembly: str, expected: Counts) -> None:
    [code] = functions_of(assembly)
    [loop] = innermost_loops(code)
    assert count(loop, code) == expected
