"""Loops that run at the machine's limits, for the benchmarks' rooflines."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.compiler.vector_unit import REGISTERS, VECTOR_BYTES

# Independent chains of multiply-adds: enough to hide their latency, and few enough that two
# operands stay in registers too.
CHAINS = REGISTERS - 4

_ELEMENT = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}


@intrinsic
def _multiply_add_chains(typingctx: Any, factor: Any, count: Any) -> tuple[Any, Callable[..., Any]]:
    """Run CHAINS x `count` vector multiply-adds in registers, and return the sum of the results."""

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
def multiply_adds(out, factor, count):
    """Run CHAINS x `count` multiply-adds of vectors for each element of `out`."""
    for thread in prange(out.size):
        out[thread] = _multiply_add_chains(factor[thread], count)


@kernel
def triad(out, a, b, count):
    """out = a + scale * b by rows, each `count` times; STREAM's triad (McCalpin 1995)."""
    for thread in prange(out.shape[0]):
        out_row = out[thread]
        a_row = a[thread]
        b_row = b[thread]
        for repeat in range(count):
            scale = a.dtype.type(repeat)
            for i in range(out_row.size):
                out_row[i] = a_row[i] + scale * b_row[i]


@kernel(fastmath=frozenset({"contract", "reassoc"}))
def read(out, a, count):
    """Sum each row, `count` times."""
    for thread in prange(out.size):
        row = a[thread]
        for _ in range(count):
            total = out[thread]
            for i in range(row.size):
                total += row[i]
            out[thread] = total
