"""The product of each step: a few rows of a state with a matrix that is packed once a sequence.

A matrix's columns are taken in vectors, and VECTORS of these make a group, which a register tile
multiplies.  The last vector of a row begins so early that it ends with the row: its first columns
are computed twice, and nothing is read or written beyond the row.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.compiler.pointers import offset
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.simd.ir_builder import Emitter
from minigrad.kernels.simd.move import copy_vector, lanes
from minigrad.kernels.simd.tiles import TILES

Array = np.ndarray[Any, Any]

ROWS, VECTORS = TILES.recurrent


def _tile(rows: int) -> Any:
    @intrinsic
    def tile(
        typingctx: Any, out: Any, first: Any, first_at: Any, left: Any, right: Any, depth: Any
    ) -> tuple[Any, Callable[..., Any]]:
        """Some rows of VECTORS vectors of a product.

            out[i, v] = first[i, v] + sum over k < depth of left[i, k] * right[k, v]

        `out` is (pointer, row step, vector step), `first` (pointer, row step), its vector v lies
        `first_at[v]` elements on.  `left` is (pointer, row step), `right` a packed group.  `first`
        may be `out`.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            emit = Emitter(builder, out[0].dtype)
            out_pointer, out_row, out_vector = emit.fields(args[0], 3)
            first_pointer, first_row = emit.fields(args[1], 2)
            left_pointer, left_row = emit.fields(args[3], 2)
            places = [builder.load(emit.at(args[2], v)) for v in range(VECTORS)]
            lefts = [emit.at(left_pointer, emit.multiply(left_row, i)) for i in range(rows)]
            sums = []
            for i in range(rows):
                row = emit.multiply(first_row, i)
                sums += [emit.load(emit.at(first_pointer, row, place)) for place in places]
            with emit.loop(args[5], sums) as (k, running):
                group = emit.at(args[4], emit.multiply(k, VECTORS * emit.lanes))
                elements = [emit.splat(builder.load(emit.at(left, k))) for left in lefts]
                for v in range(VECTORS):
                    vector = emit.load(emit.at(group, v * emit.lanes))
                    for i, element in enumerate(elements):
                        cell = i * VECTORS + v
                        running[cell] = emit.multiply_add(element, vector, running[cell])
            for i in range(rows):
                for v in range(VECTORS):
                    place = emit.add(emit.multiply(out_row, i), emit.multiply(out_vector, v))
                    emit.store(sums[i * VECTORS + v], emit.at(out_pointer, place))
            return context.get_dummy_value()

        return types.void(out, first, first_at, left, right, types.intp), codegen

    return tile


_tile_of_all, _tile_of_two, _tile_of_one = _tile(ROWS), _tile(2), _tile(1)


@device_function
def multiply(out, first, first_at, left, right, sizes):
    """`rows` of a group of a product, see `_tile`; `sizes` is (rows, depth)."""
    rows, depth = sizes
    i = 0
    while i < rows:
        # Two tiles of 2 take less time than one of 3 and one of 1, whose few sums wait.
        step = 1
        if rows - i >= ROWS and rows - i != 4:
            step = ROWS
        elif rows - i >= 2:
            step = 2
        target = (offset(out[0], i * out[1]), out[1], out[2])
        start = (offset(first[0], i * first[1]), first[1])
        operand = (offset(left[0], i * left[1]), left[1])
        if step == ROWS:
            _tile_of_all(target, start, first_at, operand, right, depth)
        elif step == 2:
            _tile_of_two(target, start, first_at, operand, right, depth)
        else:
            _tile_of_one(target, start, first_at, operand, right, depth)
        i += step


@device_function
def multiply_panels(out, first, first_at, left, packed, sizes):
    """All groups of a product; `sizes` is (rows, depth, panels), `first_at` has one offset each."""
    rows, depth, panels = sizes
    for p in range(0, panels, VECTORS):
        target = (offset(out[0], p * out[2]), out[1], out[2])
        right = offset(packed, p * depth * lanes(packed))
        multiply(target, first, offset(first_at, p), left, right, (rows, depth))


@device_function
def copy_rows(out, source, count):
    """Copy elements that follow each other."""
    for i in range(count):
        out[i] = source[i]


@device_function
def gather_panels(panels, source, begins, count, rows):
    """Copy rows into panels: vector p of each, which begins at begins[p].

    `panels` is (pointer, panel step), of rows of one vector; `source` is (pointer, row step).
    """
    wide = lanes(source[0])
    for p in range(count):
        for i in range(rows):
            target = offset(panels[0], p * panels[1] + i * wide)
            copy_vector(target, offset(source[0], i * source[1] + begins[p]))


@device_function
def scatter_panels(out, panels, begins, count, rows):
    """The inverse of `gather_panels`: `out` is (pointer, row step)."""
    wide = lanes(out[0])
    for p in range(count):
        for i in range(rows):
            source = offset(panels[0], p * panels[1] + i * wide)
            copy_vector(offset(out[0], i * out[1] + begins[p]), source)


class Columns(NamedTuple):
    """The vectors that the columns of a matrix are taken in."""

    vectors: int
    """The number of vectors of one block of columns, of a gate for instance."""
    begins: Array
    """(vectors,), int64: the column at which each begins."""
    lanes: int

    @property
    def padded(self) -> int:
        """The number of vectors in whole groups."""
        return -(-self.vectors // VECTORS) * VECTORS


def least_width(dtype: np.dtype[Any]) -> int:
    """The columns that a matrix must have at least: those of a vector."""
    return VECTOR_BYTES // dtype.itemsize


def columns(width: int, dtype: np.dtype[Any]) -> Columns:
    """The vectors of `width` columns, at least a vector of them."""
    wide = VECTOR_BYTES // dtype.itemsize
    count = -(-width // wide)
    return Columns(count, np.minimum(np.arange(count) * wide, width - wide), wide)


@kernel
def _pack(out: Array, matrix: Array, begins: Array, wide: int) -> None:
    """out (groups, K, VECTORS, lanes) of a matrix (K, N); vectors that begin at -1 are zeros."""
    groups, depth = out.shape[0], out.shape[1]
    for g in prange(groups):
        for v in range(VECTORS):
            begin = begins[g * VECTORS + v]
            for k in range(depth):
                for j in range(wide):
                    out[g, k, v, j] = matrix[k, begin + j] if begin >= 0 else 0


def pack(matrix: Array, begins: Array, wide: int) -> Array:
    """The vectors of columns of a matrix (K, N) that begin at `begins`, in groups of VECTORS.

    Vectors that are missing in the last group, and those that begin at -1, are zeros.
    """
    groups = -(-len(begins) // VECTORS)
    padded = np.full(groups * VECTORS, -1)
    padded[: len(begins)] = begins
    out = np.empty((groups, matrix.shape[0], VECTORS, wide), matrix.dtype)
    _pack.run(out.size, out, matrix, padded, wide)
    return out
