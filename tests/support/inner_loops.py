"""What innermost loops of micro-kernels may hold, on each kind of vector unit."""

from typing import NamedTuple

from benchmarks.inner_loops.micro_kernels import Assembled
from benchmarks.inner_loops.targets import TARGETS
from minigrad.bench.explain.loops import count, functions_of, main_loop
from minigrad.kernels.compiler.vector_unit import AVX, AVX512, NEON, SSE

# One target of each vector unit, and of AVX-512's another.
OF_EACH_UNIT = ("x86-64-v2", "haswell", "skylake-avx512", "znver4", "neoverse-v2")


class Most(NamedTuple):
    """What there may be of in one round of an innermost loop; see `Counts`."""

    spills: int = 0
    reloads: int = 0
    moves: int = 0


# SSE's instructions overwrite an operand, of which a product needs a copy to be kept.  A transform
# of 4 x 4 outputs is no loop: it holds 36 vectors at once, more than any of these CPUs.
MOST = {
    ("product", SSE): Most(moves=5),
    # The step of the right operand, which an addition takes from memory.
    ("product", AVX512): Most(reloads=1),
    ("tile of planes", SSE): Most(moves=5),
    ("inner products", SSE): Most(moves=3),
    ("recurrent product", SSE): Most(moves=3),
    ("recurrent product, 2 rows", SSE): Most(moves=3),
    ("small product", SSE): Most(moves=3),
    ("narrow product", SSE): Most(moves=3),
    ("greatest of columns", SSE): Most(moves=4),
    ("greatest of taps", SSE): Most(moves=8),
    ("greatest, at an end", SSE): Most(moves=4),
    ("transposed block", SSE): Most(moves=4),
    ("transposed block", AVX512): Most(moves=7),
    ("transposed block", NEON): Most(moves=2),
}
WINOGRAD = {
    ("Winograd 4", SSE): Most(65, 0, 85),
    ("Winograd 4", AVX): Most(100, 0, 30),
    ("Winograd 4", AVX512): Most(34, 0, 24),
    ("Winograd 4", NEON): Most(27, 9, 34),
    ("Winograd 2", SSE): Most(2, 0, 11),
    ("Winograd 2", AVX): Most(2, 0, 7),
    ("Winograd 2", AVX512): Most(0, 0, 7),
    ("Winograd 2", NEON): Most(0, 0, 8),
}


def check(each: Assembled) -> None:
    """Assert that a micro-kernel's loop holds no more than it may."""
    [code] = functions_of(each.assembly)
    counts, unit = count(main_loop(code), code), TARGETS[each.target].unit
    most = WINOGRAD.get((each.micro_kernel[:10], unit)) or MOST.get(
        (each.micro_kernel, unit), Most()
    )
    within = [getattr(counts, field) <= getattr(most, field) for field in Most._fields]
    assert all(within), f"{each.micro_kernel}, {each.target}: {counts}, and at most {most}"
