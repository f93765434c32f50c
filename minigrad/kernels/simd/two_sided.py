"""Vector instructions: small constant matrices applied to both sides of a block of vectors."""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minigrad.kernels.simd.ir_builder import Emitter

Matrix = Sequence[Sequence[float]]


def _terms(emit: Emitter, row: Sequence[float], vectors: list[Any]) -> Any:
    """The sum of some vectors with constant factors; a product only where a factor is not 1."""
    terms = [(factor, vector) for factor, vector in zip(row, vectors, strict=True) if factor]
    terms.sort(key=lambda term: term[0] != 1)  # what is just added makes the best beginning
    total = None
    for factor, vector in terms:
        constant = ir.Constant(emit.vector, [factor] * emit.lanes)
        if total is None:
            total = vector if factor == 1 else emit.builder.fmul(constant, vector)
        elif factor == 1:
            total = emit.builder.fadd(total, vector)
        elif factor == -1:
            total = emit.builder.fsub(total, vector)
        else:
            total = emit.multiply_add(constant, vector, total)
    return emit.zero() if total is None else total


def _apply(emit: Emitter, factors: tuple[Matrix, ...], vectors: list[Any]) -> list[Any]:
    for matrix in reversed(factors):
        vectors = [_terms(emit, row, vectors) for row in matrix]
    return vectors


def transposed(*factors: Matrix) -> tuple[Matrix, ...]:
    """The factors of the transpose of a product."""
    return tuple(tuple(zip(*matrix, strict=True)) for matrix in reversed(factors))


def sandwich(*factors: Matrix) -> Any:
    """Make an intrinsic for out = M X M^T, where M is the product of `factors`, sparse ones.

    X and out are blocks of vectors, (pointer, row_step, column_step).  The order of the operations
    is that of the factors.
    """

    @intrinsic
    def both_sides(typingctx: Any, out: Any, source: Any) -> tuple[Any, Callable[..., Any]]:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            emit = Emitter(builder, out[0].dtype)
            side = range(len(factors[-1][0]))

            def place(block: Any, row: int, column: int) -> Any:
                begin, row_step, column_step = emit.fields(block, 3)
                steps = emit.multiply(row_step, row), emit.multiply(column_step, column)
                return emit.at(begin, *steps)

            columns = [
                _apply(emit, factors, [emit.load(place(args[1], i, j)) for i in side]) for j in side
            ]
            for i, row in enumerate(zip(*columns, strict=True)):
                for j, vector in enumerate(_apply(emit, factors, list(row))):
                    emit.store(vector, place(args[0], i, j))
            return context.get_dummy_value()

        return types.void(out, source), codegen

    return both_sides
