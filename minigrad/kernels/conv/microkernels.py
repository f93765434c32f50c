"""Microkernels of convolutions: tiles of pixels by filters, and of pixels by channels."""

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import intrinsic

from minigrad.kernels.compiler.vector_unit import REGISTERS
from minigrad.kernels.simd.ir_builder import Emitter
from minigrad.kernels.simd.tiles import TILES

# Filters, and vectors of pixels, of a tile of planes.
PLANE_ROWS, PLANE_VECTORS = 6, 4 if REGISTERS == 32 else 2
# So many filters or more take less time in a tile, of which a part is idle, than one by one.
TILED_FILTERS = 4
# Vectors of a tile of channels: 9, 25 and 49 taps or pixels leave few of them idle.
CHANNEL_VECTORS = 9


@intrinsic
def tile_of_planes(
    typingctx: Any, out: Any, first: Any, left: Any, right: Any, right_at: Any, depth: Any
) -> tuple[Any, Callable[..., Any]]:
    """PLANE_ROWS filters of PLANE_VECTORS vectors of pixels, which taps read at any offsets.

        out[i, j] = first[i] + sum over k < depth of left[i, k] * right[right_at[k] + j]

    `out` and `left` are (pointer, row_step): rows of consecutive elements.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(builder, out[0].dtype)
        out_pointer, out_step = emit.fields(args[0], 2)
        left_pointer, left_step = emit.fields(args[2], 2)
        filters, vectors = range(PLANE_ROWS), range(PLANE_VECTORS)
        rows = [emit.at(left_pointer, emit.multiply(left_step, i)) for i in filters]
        starts = [emit.splat(builder.load(emit.at(args[1], i))) for i in filters]
        sums = [start for start in starts for _ in vectors]
        with emit.loop(args[5], sums, TILES.unrolls_product) as (k, running):
            row = emit.at(args[3], builder.load(emit.at(args[4], k)))
            pixels = [emit.load(emit.at(row, j * emit.lanes)) for j in vectors]
            for i in filters:
                element = emit.splat(builder.load(emit.at(rows[i], k)))
                for j in vectors:
                    cell = i * PLANE_VECTORS + j
                    running[cell] = emit.multiply_add(element, pixels[j], running[cell])
        for cell, total in enumerate(sums):
            i, j = divmod(cell, PLANE_VECTORS)
            emit.store(total, emit.at(out_pointer, emit.multiply(out_step, i), j * emit.lanes))
        return context.get_dummy_value()

    return types.void(out, first, left, right, right_at, types.intp), codegen


@intrinsic
def tile_of_channels(
    typingctx: Any, out: Any, first: Any, left: Any, right: Any, depth: Any
) -> tuple[Any, Callable[..., Any]]:
    """CHANNEL_VECTORS sums of products of vectors, whose lanes are channels by themselves.

        out[t] = first[t] + sum over k < depth of left[k] * right[row_at[t] + depth_at[k]]

    `out` and `first` are (pointer, step): vectors so far apart; those of `left` are neighbours.
    `right` is (pointer, row_at, depth_at).  So the sums are those of pixels over taps, or of taps
    over pixels.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(builder, out[0].dtype)
        tile = range(CHANNEL_VECTORS)

        def cells(vectors: Any) -> list[Any]:
            pointer, step = emit.fields(vectors, 2)
            return [emit.at(pointer, emit.multiply(step, t)) for t in tile]

        right_pointer, row_at, depth_at = emit.fields(args[3], 3)
        rows = [emit.at(right_pointer, builder.load(emit.at(row_at, t))) for t in tile]
        sums = [emit.load(cell) for cell in cells(args[1])]
        with emit.loop(args[4], sums, False) as (k, running):
            at = builder.load(emit.at(depth_at, k))
            vector = emit.load(emit.at(args[2], emit.multiply(k, emit.lanes)))
            for t in tile:
                other = emit.load(emit.at(rows[t], at))
                running[t] = emit.multiply_add(vector, other, running[t])
        for cell, total in zip(cells(args[0]), sums, strict=True):
            emit.store(total, cell)
        return context.get_dummy_value()

    return types.void(out, first, left, right, types.intp), codegen
