"""The CPUs that kernels are judged for."""

from typing import NamedTuple

from minigrad.kernels.compiler.vector_unit import AVX, AVX512, NEON, SSE, VectorUnit

X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"


class Target(NamedTuple):
    """A CPU by LLVM's name, and llvm-mca's model of it."""

    name: str
    triple: str
    unit: VectorUnit
    model: str
    """The CPU whose model is taken: some have none of their own.  The models of Intel's servers
    after Skylake give 512-bit multiply-adds one port, and the CPUs have two."""
    peak: int
    """Vector multiply-adds a cycle, in that model."""

    @property
    def forced_unit(self) -> str:
        """The value of MINIGRAD_VECTOR_UNIT."""
        return f"{self.unit.bytes}x{self.unit.registers}"


TARGETS = {
    target.name: target
    for target in (
        Target("x86-64-v2", X86, SSE, "sandybridge", 1),
        Target("haswell", X86, AVX, "haswell", 2),
        Target("znver2", X86, AVX, "znver2", 2),
        Target("znver3", X86, AVX, "znver3", 2),
        Target("znver4", X86, AVX512, "znver4", 1),
        Target("znver5", X86, AVX512, "znver4", 1),
        Target("skylake-avx512", X86, AVX512, "skylake-avx512", 2),
        Target("icelake-server", X86, AVX512, "skylake-avx512", 2),
        Target("sapphirerapids", X86, AVX512, "skylake-avx512", 2),
        Target("emeraldrapids", X86, AVX512, "skylake-avx512", 2),
        Target("neoverse-n1", ARM, NEON, "neoverse-n1", 2),
        Target("neoverse-v2", ARM, NEON, "neoverse-v2", 4),
        Target("apple-m1", ARM, NEON, "apple-m1", 3),
    )
}
