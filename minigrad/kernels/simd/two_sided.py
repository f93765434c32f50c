"""Products M X M^T of small constant matrices with blocks of vectors, as vector code."""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minigrad.kernels.simd.ir_builder import Emitter

Matrix = Sequence[Sequence[float]]


def _weighted_sum(emit: Emitter, row: Sequence[float], vectors: list[Any]) -> Any:
    """Emit the sum of vectors times constant factors; factors 1 and -1 need no product."""
    terms = [(factor, vector) for factor, vector in zip(row, vectors, strict=True) if factor]
    terms.sort(key=lambda term: term[0] != 1)  # a vector with factor 1 starts the sum
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
        vectors = [_weighted_sum(emit, row, vectors) for row in matrix]
    return vectors


def transposed(*factors: Matrix) -> tuple[Matrix, ...]:
    """The factors of the transpose of a product."""
    return tuple(tuple(zip(*matrix, strict=True)) for matrix in reversed(factors))


def sandwich(*factors: Matrix) -> Any:
    """Return an intrinsic for out = M X M^T, where M is the product of `factors`, sparse matrices.

    X and out are blocks of vectors, (pointer, row_step, column_step).  The factors are applied one
    after the other, from the last to the first.
    """

    @intrinsic
    def both_sides(typingctx: Any, out: Any, source: Any) -> tuple[Any, Callable[..., Any]]:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            emit = Emitter(builder, out[0].dtype)
            side = range(len(factors[-1][0]))

            def pointer_to(block: Any, row: int, column: int) -> Any:
                pointer, row_step, column_step = emit.fields(block, 3)
                steps = emit.multiply(row_step, row), emit.multiply(column_step, column)
                return emit.at(pointer, *steps)

            columns = [
                _apply(emit, factors, [emit.load(pointer_to(args[1], i, j)) for i in side])
                for j in side
            ]
            for i, row in enumerate(zip(*columns, strict=True)):
                for j, vector in enumerate(_apply(emit, factors, list(row))):
                    emit.store(vector, pointer_to(args[0], i, j))
            return context.get_dummy_value()

        return types.void(out, source), codegen

    return both_sides
