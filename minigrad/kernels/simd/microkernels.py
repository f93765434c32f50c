"""Microkernels: innermost loops of vector code whose accumulators fill the register file."""

import math
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minigrad.kernels.simd.ir_builder import Emitter
from minigrad.kernels.simd.tiles import TILES

# Rows of a product's tile, and its columns in vectors.
MR, NR_VECTORS = TILES.product
# Rows of the left and of the right operand of a tile of inner products.
INNER_ROWS, INNER_COLUMNS = TILES.inner


@intrinsic
def gemm_microkernel(
    typingctx: Any, out: Any, first: Any, left: Any, right: Any, depth: Any
) -> tuple[Any, Callable[..., Any]]:
    """One register tile of a product, MR rows of NR_VECTORS vectors.

        out[i, j] = first[i, j] + sum over k < depth of left[i, k] * right[k, j]

    `out`, `first` and `right` are (pointer, row_step): rows of consecutive elements.
    `left` is (pointer, row_at, depth_at): its element i, k lies `row_at[i] + depth_at[k]`
    elements on.  So a matrix of any strides, a packed one and the patches of an image are all read
    without a copy.  The sum runs in the order of k.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(builder, out[0].dtype)
        left_pointer, row_at, depth_at = emit.fields(args[2], 3)
        right_pointer, right_step = emit.fields(args[3], 2)

        def cells(tile: Any) -> list[Any]:
            pointer, step = emit.fields(tile, 2)
            return [
                emit.at(pointer, emit.multiply(step, i), j * emit.lanes)
                for i in range(MR)
                for j in range(NR_VECTORS)
            ]

        # `first` is added last, and prefetched because it may not be in a cache.
        begin = cells(args[1])
        for cell in begin:
            emit.prefetch(cell)
        rows = [emit.at(left_pointer, builder.load(emit.at(row_at, i))) for i in range(MR)]
        sums = [emit.zero() for _ in begin]
        with emit.loop(args[4], sums, TILES.unrolls_product) as (k, running):
            at = builder.load(emit.at(depth_at, k))
            row = emit.at(right_pointer, emit.multiply(k, right_step))
            vectors = [emit.load(emit.at(row, j * emit.lanes)) for j in range(NR_VECTORS)]
            for i in range(MR):
                element = emit.splat(builder.load(emit.at(rows[i], at)))
                for j in range(NR_VECTORS):
                    cell = i * NR_VECTORS + j
                    running[cell] = emit.multiply_add(element, vectors[j], running[cell])
        for cell, start, total in zip(cells(args[0]), begin, sums, strict=True):
            emit.store(builder.fadd(emit.load(start), total), cell)
        return context.get_dummy_value()

    return types.void(out, first, left, right, types.intp), codegen


def _row_product(vectors: int) -> Any:
    @intrinsic
    def row_product(
        typingctx: Any, out: Any, start: Any, left: Any, right: Any, right_at: Any, depth: Any
    ) -> tuple[Any, Callable[..., Any]]:
        """Some vectors of one row of a product; the right operand's rows have any offsets.

        out[j] = start + sum over k < depth of left[k] * right[right_at[k] + j]
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            emit = Emitter(builder, out.dtype)
            out_pointer, first, left_pointer, right_pointer, at, count = args
            sums = [emit.splat(first)] * vectors
            with emit.loop(count, sums) as (k, running):
                element = emit.splat(builder.load(emit.at(left_pointer, k)))
                row = emit.at(right_pointer, builder.load(emit.at(at, k)))
                for j in range(vectors):
                    vector = emit.load(emit.at(row, j * emit.lanes))
                    running[j] = emit.multiply_add(element, vector, running[j])
            for j, total in enumerate(sums):
                emit.store(total, emit.at(out_pointer, j * emit.lanes))
            return context.get_dummy_value()

        return types.void(out, out.dtype, left, right, right_at, types.intp), codegen

    return row_product


# Vectors of a long piece of a row, and of the short pieces at its end.
ROW_VECTORS, END_VECTORS = 8, 2
row_product, row_end_product = _row_product(ROW_VECTORS), _row_product(END_VECTORS)

# As many independent sums as hide their latency; 9, 25 and 49 taps leave few of them idle.
DOTS = 5


@intrinsic
def dot_products(
    typingctx: Any, out: Any, left: Any, right: Any, right_at: Any, count: Any
) -> tuple[Any, Callable[..., Any]]:
    """DOTS inner products, lane by lane, of `left` with pieces of `right`, `count` vectors long.

    out[i, lane] += sum over j < count of left[j, lane] * right[right_at[i] + j, lane]
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(builder, out.dtype)
        out_pointer, left_pointer, right_pointer, at, length = args
        rows = [emit.at(right_pointer, builder.load(emit.at(at, i))) for i in range(DOTS)]
        cells = [emit.at(out_pointer, i * emit.lanes) for i in range(DOTS)]
        sums = [emit.load(cell) for cell in cells]
        with emit.loop(length, sums) as (j, running):
            here = emit.multiply(j, emit.lanes)
            vector = emit.load(emit.at(left_pointer, here))
            for i in range(DOTS):
                other = emit.load(emit.at(rows[i], here))
                running[i] = emit.multiply_add(vector, other, running[i])
        for cell, total in zip(cells, sums, strict=True):
            emit.store(total, cell)
        return context.get_dummy_value()

    return types.void(out, left, right, right_at, types.intp), codegen


def _greatest_of_taps(vectors: int) -> Any:
    @intrinsic
    def greatest_of_taps(
        typingctx: Any, out: Any, which: Any, source: Any, source_at: Any, depth: Any
    ) -> tuple[Any, Callable[..., Any]]:
        """Some vectors of maxima, and for each the first tap that has it.

            out[j] = max over k < depth of source[source_at[k] + j]

        NaN counts as the greatest value.  `which[j]` is the tap k, or -1 if all values are -inf.
        It has the elements' dtype: integers up to 2**24 are exact in float32.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            emit = Emitter(builder, out.dtype)
            out_pointer, which_pointer, pointer, at, count = args
            one, none, least = (
                emit.splat(ir.Constant(emit.element, value)) for value in (1.0, -1.0, -math.inf)
            )
            carried = [emit.zero(), *[least] * vectors, *[none] * vectors]
            with emit.loop(count, carried) as (k, running):
                tap, row = running[0], emit.at(pointer, builder.load(emit.at(at, k)))
                for j in range(1, vectors + 1):
                    value = emit.load(emit.at(row, (j - 1) * emit.lanes))
                    greater = builder.fcmp_ordered(">", value, running[j])
                    taken = builder.or_(greater, builder.fcmp_unordered("uno", value, value))
                    running[j] = builder.select(taken, value, running[j])
                    running[vectors + j] = builder.select(taken, tap, running[vectors + j])
                running[0] = builder.fadd(tap, one)
            for j in range(vectors):
                emit.store(carried[1 + j], emit.at(out_pointer, j * emit.lanes))
                emit.store(carried[1 + vectors + j], emit.at(which_pointer, j * emit.lanes))
            return context.get_dummy_value()

        return types.void(out, which, source, source_at, types.intp), codegen

    return greatest_of_taps


# Maxima and their taps fill half of 16 registers.
GREATEST_VECTORS = 4
greatest_of_taps, greatest_of_taps_end = _greatest_of_taps(GREATEST_VECTORS), _greatest_of_taps(1)


@intrinsic
def tile_of_inner_products(
    typingctx: Any, out: Any, left: Any, right: Any, count: Any
) -> tuple[Any, Callable[..., Any]]:
    """Inner products of INNER_ROWS rows with INNER_COLUMNS rows, `count` vectors long.

        out[i * INNER_COLUMNS + j] = sum over k < count * lanes of left[i, k] * right[j, k]

    `left` and `right` are (pointer, row_step): rows of consecutive elements.  `out` is written in
    whole vectors.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(builder, out.dtype)

        def rows(operand: Any, number: int) -> list[Any]:
            first, step = emit.fields(operand, 2)
            return [emit.at(first, emit.multiply(step, i)) for i in range(number)]

        left_rows, right_rows = rows(args[1], INNER_ROWS), rows(args[2], INNER_COLUMNS)
        sums = [emit.zero()] * (INNER_ROWS * INNER_COLUMNS)
        with emit.loop(args[3], sums) as (k, running):
            here = emit.multiply(k, emit.lanes)
            vectors = [emit.load(emit.at(row, here)) for row in left_rows]
            for j, row in enumerate(right_rows):
                other = emit.load(emit.at(row, here))
                for i, vector in enumerate(vectors):
                    cell = i * INNER_COLUMNS + j
                    running[cell] = emit.multiply_add(vector, other, running[cell])
        for i, totals in enumerate(emit.totals(sums)):
            emit.store(totals, emit.at(args[0], i * emit.lanes))
        return context.get_dummy_value()

    return types.void(out, left, right, types.intp), codegen
