"""The innermost loop of a kernel's machine code, and what LLVM's simulator says of it."""

import re
from dataclasses import dataclass

import llvmlite.binding as llvm

from minigrad.bench.explain.loops import Lines, count, functions_of, innermost_loops, main_loop
from minigrad.bench.explain.simulator import cycles, simulator_version
from minigrad.kernels import cpu_info

_CHAINS = 12  # independent multiply-adds, enough to hide the latency of each


@dataclass(frozen=True)
class InnerLoop:
    """A round of the loop: what stands in it, and by llvm-mca its cycles.

    share: of the most multiply-adds that the CPU can do in these cycles; None without any, or
    without a simulator that knows the CPU.
    """

    multiply_adds: int
    memory: int
    spills: int
    instructions: int
    cycles: float | None
    share: float | None
    simulator: str


def look_at(assembly: str) -> InnerLoop | None:
    """The loop with the most multiply-adds, or else instructions; None where there is no loop."""
    found = [(main_loop(code), code) for code in functions_of(assembly) if innermost_loops(code)]
    if not found:
        return None
    loop, code = max(found, key=lambda pair: (count(*pair).multiply_adds, len(pair[0])))
    counts = count(loop, code)
    triple, model = llvm.get_process_triple(), cpu_info.cpu_name()
    taken, share = cycles(loop, triple, model), None
    if taken and counts.multiply_adds and (peak := _most_a_cycle(loop, triple, model)):
        share = counts.multiply_adds / taken / peak
    return InnerLoop(
        counts.multiply_adds, counts.memory, counts.spills, counts.instructions, taken, share,
        simulator_version(),
    )  # fmt: skip


def _most_a_cycle(loop: Lines, triple: str, model: str) -> float | None:
    """Multiply-adds of the loop's vectors that the CPU does in a cycle, by the same simulator."""
    text = "\n".join(loop)
    if register := re.search(r"%([xyz])mm", text):
        wide = "z" if "%zmm" in text else "y" if "%ymm" in text else register[1]
        lines = [f"\tvfmadd231ps\t%{wide}mm14, %{wide}mm15, %{wide}mm{i}" for i in range(_CHAINS)]
    else:
        lines = [f"\tfmla\tv{i}.4s, v30.4s, v31.4s" for i in range(_CHAINS)]
    taken = cycles(lines, triple, model)
    return None if taken is None else _CHAINS / taken
