"""The register tiles of each kind of vector unit: the only place where their sizes are chosen.

A tile's sums stay in registers while its innermost loop runs, and the more of them there are, the
fewer loads there are for each multiply-add.  What limits them is what LLVM makes of the loop, which
`python -m benchmarks.inner_loops` shows for CPUs that are not here, and tests/kernels/
test_inner_loops.py holds to: no sum leaves its register.

product, 32 registers of AVX-512: 10 x 2.  With 12 x 2 the 24 sums, 2 vectors and an element would
    fit.  But x86 has 15 general registers for 12 rows' addresses and 5 counters, and LLVM gives
    back the one that all elements are found by as soon as it can: it loads all 12 elements first,
    19 sums go to the stack and the multiply-adds run at 45 % of their peak instead of 91 %.
    8 x 3 and 6 x 4 reach 100 %, but 48 or 64 columns of float32 fit few matrices: of 64 columns, a
    third of two panels of 48 would be padding.
product, 32 registers of NEON: 6 x 4.  Vectors are short, so that four of them are 16 columns.  It
    takes 10 loads for 24 multiply-adds; 12 x 2 takes 14, and an M1 waits for them.
product, 16 registers: 6 x 2.  With SSE, 2 x 4, 2 x 5, 3 x 3, 4 x 2 and 5 x 2 took as long on a
    Zen 3, and 6 x 2 leaves the fewest columns empty.
inner: 6 x 4, or 3 x 4 of 16 registers.  Without multiply-adds a product needs a register before it
    is added, which SSE has for 2 x 4 only.
recurrent: 5 x 4, or 3 x 4 and, as above, 2 x 4.  With 6 x 4 there are 30 moves between registers on
    a Skylake server and on an M1.
"""

from typing import NamedTuple

from minigrad.kernels.compiler.vector_unit import AVX, AVX512, NEON, SSE, VECTOR_UNIT


class Tiles(NamedTuple):
    """The rows and columns of the tiles for one kind of vector unit."""

    product: tuple[int, int]
    """Rows, and columns in vectors, of a product's tile."""
    unrolls_product: bool
    """Whether LLVM may unroll that tile's loop.  With 32 registers two rounds of it do not fit."""
    inner: tuple[int, int]
    """Rows of either operand of a tile of inner products."""
    recurrent: tuple[int, int]
    """Rows, and columns in vectors, of a recurrent layer's tile."""


TILES = {
    SSE: Tiles(product=(6, 2), unrolls_product=True, inner=(2, 4), recurrent=(2, 4)),
    AVX: Tiles(product=(6, 2), unrolls_product=True, inner=(3, 4), recurrent=(3, 4)),
    AVX512: Tiles(product=(10, 2), unrolls_product=False, inner=(6, 4), recurrent=(5, 4)),
    NEON: Tiles(product=(6, 4), unrolls_product=False, inner=(6, 4), recurrent=(5, 4)),
}[VECTOR_UNIT]
