"""Shapes, strides and workspace of attention, for the kernels of the forward and backward pass.

A block of queries meets all keys it may look at; its scores lie in the workspace, a row for each
key.  So memory grows with the number of keys, not with its product with that of queries, and the
softmax of a query is taken at once.
"""

from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import offset, pointer_at, recast
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.compiler.workspace import int64_elements, place_regions
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS, gemm_microkernel
from minigrad.kernels.simd.move import lanes, transpose

Array = np.ndarray[Any, Any]

# Queries of a block, at most; a key costs as much as so many queries more: its row is begun.
MOST_QUERIES = 96
KEY_COST = 8
# A head is cut so that there are about so many tasks, if it has enough blocks.
TASKS = 16
# So many multiply-adds count as one element of work.
SHARED = 8

NO_MASK, FLOATS, BOOLS = 0, 1, 2


class Strides(NamedTuple):
    """The strides of (batch, heads, rows, columns), in elements."""

    batch: int
    head: int
    row: int
    column: int


class Slot(NamedTuple):
    """A task's workspace."""

    row_offsets: int  # int64: of the left operand of a product
    depth_offsets: int  # int64
    zeros: int
    largest: int  # of each query of a block, and the sums of its exponentials
    totals: int
    means: int
    queries: int  # a block, scaled: rows
    queries_across: int  # columns
    gradients: int  # the cotangents of a block: rows
    gradients_across: int
    scores: int  # a row for each key
    weights: int  # the same, for their gradients
    result: int  # of a block
    keys: int  # all keys, padded to whole vectors, where they are not read in place
    values: int
    keys_gradient: int
    values_gradient: int


class Plan(NamedTuple):
    """The sizes of attention, and its cut into tasks."""

    heads: int
    L: int
    S: int
    E: int
    V: int  # features of a value
    E_padded: int
    V_padded: int
    block: int  # queries
    task_blocks: int
    head_tasks: int
    causal: bool
    mask_kind: int
    query: Strides
    key: Strides
    value: Strides
    gradient: Strides  # of the cotangent
    out: Strides
    mask: Strides
    slot: Slot


def strides_of(array: Array) -> Strides:
    return Strides(*(stride // array.itemsize for stride in array.strides))


def block_of_queries(L: int, S: int, causal: bool, dtype: np.dtype[Any]) -> int:
    """The number of queries, of whole register tiles, with which the scores take least time.

    Large blocks begin fewer rows; small ones leave less empty in the last block, and out of keys
    that come after all queries of a block.
    """

    def cost(block: int) -> int:
        starts = range(0, L, block)
        keys = sum(min(S, start + block) for start in starts) if causal else len(starts) * S
        return keys * (block + KEY_COST)

    columns = padded(1, dtype)
    return min(range(columns, max(MOST_QUERIES, columns) + 1, columns), key=cost)


def padded(size: int, dtype: np.dtype[Any]) -> int:
    """The size in whole columns of a register tile."""
    NR = NR_VECTORS * VECTOR_BYTES // dtype.itemsize
    return -(-size // NR) * NR


def workspace(sizes: tuple[int, int, int, int], dtype: np.dtype[Any], backward: bool) -> Any:
    """The regions of a slot and its size, for (block, S, padded E, padded V)."""
    N, S, E, V = sizes
    size = dtype.itemsize
    rows, queries = -(-max(S, N) // MR) * MR, -(-N // MR) * MR
    whole = backward * rows
    return place_regions(
        Slot, size,
        row_offsets=int64_elements(rows, size),
        depth_offsets=int64_elements(max(rows, E, V), size),
        zeros=max(N, E, V), largest=N, totals=N, means=N,
        queries=N * E, queries_across=N * E,
        gradients=N * V if backward else 0, gradients_across=N * V if backward else 0,
        scores=rows * N, weights=whole * N, result=queries * max(E, V),
        keys=rows * E, values=rows * V, keys_gradient=whole * E, values_gradient=whole * V,
    )  # fmt: skip


# --- what both passes are made of -----------------------------------------------------------------


@device_function
def multiply(out, adds, left, right, sizes, places):
    """out = left @ right, or out += where `adds` holds.

    `out` is (pointer, row step) and `right` too, `left` (pointer, row step, depth step); `sizes` is
    (rows, columns, depth), of which columns are whole tiles; rows of `out` are written to the end
    of a tile.  `places` are two pointers to int64, and one to zeros.
    """
    rows, columns, depth = sizes
    row_offsets, depth_offsets, zeros = places
    NR = NR_VECTORS * lanes(out[0])
    for i in range(-(-rows // MR) * MR):
        row_offsets[i] = min(i, rows - 1) * left[1]
    for k in range(depth):
        depth_offsets[k] = k * left[2]
    for j in range(0, columns, NR):
        panel = (offset(right[0], j), right[1])
        for i in range(0, rows, MR):
            tile = (offset(out[0], i * out[1] + j), out[1])
            first = tile
            if not adds:
                first = (zeros, 0)
            gemm_microkernel(
                tile, first, (left[0], offset(row_offsets, i), depth_offsets), panel, depth
            )


@device_function
def load_block(rows, across, source, strides, sizes, factor):
    """Some rows times a factor, as rows and as columns; what is missing in the block is zeros.

    `sizes` is (rows that are there, of the block, columns, padded columns).
    """
    count, block, columns, width = sizes
    for i in range(count):
        row, values = offset(rows, i * width), offset(source, i * strides[0])
        if strides[1] == 1:
            for j in range(columns):
                row[j] = values[j] * factor
        else:
            for j in range(columns):
                row[j] = values[j * strides[1]] * factor
        for j in range(columns, width):
            row[j] = 0
    for i in range(count * width, block * width):
        rows[i] = 0
    transpose((across, block), (rows, width), 1, block, width)


@device_function
def load_padded(target, source, strides, sizes):
    """Rows whose columns are filled with zeros to whole tiles, as (pointer, row step).

    They are read in place where nothing has to be filled.  `sizes` is (rows, columns, padded).
    """
    count, columns, width = sizes
    if columns == width and strides[1] == 1:
        return source, strides[0]
    for i in range(count):
        for j in range(columns):
            target[i * width + j] = source[i * strides[0] + j * strides[1]]
        for j in range(columns, width):
            target[i * width + j] = 0
    return target, width


@device_function
def add_mask(scores, mask, plan, span):
    """Add the mask to scores (keys, block); `span` is (first query, queries, keys)."""
    floats, bools, base = mask
    i0, count, keys = span
    N, step = plan.block, plan.mask.row
    nowhere = -np.inf
    for k in range(keys if plan.mask_kind else 0):
        at = base + i0 * step + k * plan.mask.column
        row = offset(scores, k * N)
        if plan.mask_kind == FLOATS:
            for i in range(count):
                row[i] += floats[at + i * step]
        else:
            for i in range(count):
                if bools[at + i * step] == 0:
                    row[i] = nowhere
    if plan.causal:
        for k in range(i0 + 1, keys):
            row = offset(scores, k * N)
            for i in range(min(k - i0, N)):
                row[i] = nowhere


@device_function
def keys_seen(plan, i0):
    """The number of keys that a block beginning at query i0 may look at, in whole tiles.

    `multiply` adds to all rows of a tile, and those after `keys` have their own sums.
    """
    return min(plan.S, -(-(i0 + plan.block) // MR) * MR) if plan.causal else plan.S


@device_function
def head_offset(strides, b, h):
    return b * strides.batch + h * strides.head


@device_function
def mask_at(like, arrays, plan, b, h):
    """The mask of a head, as floats, as bools, and the element at which it begins."""
    start = head_offset(plan.mask, b, h)
    return pointer_at(like, arrays.mask), pointer_at(np.uint8, arrays.mask), start


@device_function
def places_of(workspace, slot):
    """The workspace of `multiply`; the zeros are written."""
    return (
        recast(np.int64, offset(workspace, slot.row_offsets)),
        recast(np.int64, offset(workspace, slot.depth_offsets)),
        offset(workspace, slot.zeros),
    )
