"""Matrix products: packed, cut to the caches' sizes, multiplied in register tiles.

The scheme is Goto & van de Geijn, "Anatomy of high-performance matrix multiplication" (2008): the
right operand is copied into panels as wide as a register tile, DEPTH rows at a time; the left one
is read in place, or copied into panels of its own where a wide product reads it many times.
"""

import math
from typing import Any

import numpy as np

from minigrad.kernels.build import kernel, prange, routine
from minigrad.kernels.simd import (
    TILE_ROWS,
    TILE_VECTORS,
    VECTOR_BYTES,
    ahead,
    copy_vector,
    keep_alive,
    lanes,
    pointer,
    pointer_at,
    tile_product,
    transpose_block,
)

# A panel of the right operand, DEPTH x a tile's row, stays in the first-level cache.
DEPTH = 256
# So many columns of the right operand are packed at a time: 4 MiB of float32, in the last cache.
WIDTH = 4096
# A block of the left operand, at most BLOCK_ROWS x DEPTH, stays in the second-level cache.
BLOCK_ROWS = 144
# The left operand is packed where each of its elements meets at least this many columns.
PACK_LEFT_FROM = 256
# Below so many multiply-adds NumPy's product costs less than the way into a compiled kernel.
SMALL = 32_768


def matmul(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """a @ b (+ bias): (..., m, k), (..., k, n) and (n,) -> (..., m, n); leading axes broadcast.

    Both operands have at least two axes and one dtype.  Each element is summed in the order of k
    whatever the number of threads.
    """
    (m, k), n = a.shape[-2:], b.shape[-1]
    floating = a.dtype in (np.float32, np.float64)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    count = math.prod(batch)
    if not floating or k == 0 or count * m * n * k < SMALL:
        product: np.ndarray = np.matmul(a, b)
        return product if bias is None else product + bias
    if a.ndim > 2 and b.ndim == 2 and a.flags.c_contiguous:  # one tall product
        return matmul(a.reshape(-1, k), b, bias).reshape(*batch, m, n)
    out = np.empty((*batch, m, n), a.dtype)
    width = TILE_VECTORS * VECTOR_BYTES // a.itemsize
    start = np.zeros(math.ceil(n / width) * width, a.dtype)
    if bias is not None:
        start[:n] = bias
    a, b = _with_element_strides(a), _with_element_strides(b)
    _multiply.on(count * m * n * k // 16)(
        out.reshape(-1),
        start,
        *_located(a, batch),
        *_located(b, batch),
        (count, m, n, k),
    )
    return out


def _with_element_strides(a: np.ndarray) -> np.ndarray:
    """The array itself, copied only if its strides are not whole elements."""
    whole = all(stride % a.itemsize == 0 for stride in a.strides)
    return a if whole else np.ascontiguousarray(a)


def _located(a: np.ndarray, batch: tuple[int, ...]) -> tuple[int, np.ndarray, tuple[int, int]]:
    """Where a stack of matrices lies: an address, each matrix's offset and its two strides."""
    offsets = np.zeros(batch, np.int64)
    for axis in range(2 - a.ndim, 0):
        if (size := a.shape[axis - 2]) > 1:
            steps = np.arange(size) * (a.strides[axis - 2] // a.itemsize)
            offsets += steps.reshape(-1, *[1] * (-axis - 1))
    row, column = (stride // a.itemsize for stride in a.strides[-2:])
    return a.__array_interface__["data"][0], offsets.reshape(-1), (row, column)


@routine
def _pack_right(panel, source, strides, depth, columns):  # type: ignore[no-untyped-def]
    """Copy `depth` rows of one panel's columns side by side; lanes beyond `columns` are idle."""
    step = lanes(panel)
    width = TILE_VECTORS * step
    down, across = strides
    rows_done = columns_done = 0
    if columns < width:  # whatever lay in idle lanes could be slow to multiply
        for i in range(depth * width):
            panel[i] = 0
    if across == 1 and down >= width:
        # A narrow panel's vectors run on into the next row, which the last row does not have.
        rows_done = depth if columns == width else depth - 1
        columns_done = columns
        for k in range(rows_done):
            for j in range(0, width, step):
                copy_vector(ahead(panel, k * width + j), ahead(source, k * down + j))
    elif down == 1:
        rows_done = depth // step * step
        columns_done = columns // step * step
        for k in range(0, rows_done, step):
            for j in range(0, columns_done, step):
                block = (ahead(source, k + j * across), across)
                transpose_block((ahead(panel, k * width + j), width), block)
    for k in range(depth):
        for j in range(columns_done if k < rows_done else 0, columns):
            panel[k * width + j] = source[k * down + j * across]


@routine
def _pack_left(block, source, strides, rows, depth):  # type: ignore[no-untyped-def]
    """Copy `depth` columns of TILE_ROWS rows one after the other, the last of `rows` repeated."""
    step = lanes(block)
    down, across = strides
    # Vectors may be longer than a column: written upwards, each is mended by the one after it.
    top = (TILE_ROWS - 1) // step * step
    done = 0
    if rows >= top + step and across == 1:
        done = depth // step * step
        for k in range(0, done, step):
            for i in range(top, -1, -step):
                place = ahead(block, k * TILE_ROWS + i)
                transpose_block((place, TILE_ROWS), (ahead(source, i * down + k), down))
    elif rows >= top + step and down == 1:
        done = depth
        for k in range(depth):
            for i in range(top, -1, -step):
                copy_vector(ahead(block, k * TILE_ROWS + i), ahead(source, i + k * across))
    for k in range(done, depth):
        for i in range(TILE_ROWS):
            block[k * TILE_ROWS + i] = source[min(i, rows - 1) * down + k * across]


@routine
def _copy_tile(target, source, rows, columns):  # type: ignore[no-untyped-def]
    out, out_step = target
    values, step = source
    for i in range(rows):
        for j in range(columns):
            out[i * out_step + j] = values[i * step + j]


@routine
def _multiply_block(like, target, start, left, right, packed, sizes):  # type: ignore[no-untyped-def]
    """A block of the result, over at most DEPTH of k; its sums go on from those in `start`.

    `left` and `right` are (pointer, strides, pack); where `right` is not packed, it is read in
    place but for a last narrow panel.
    """
    out, step = target
    values, start_step = start
    source, strides, pack_left = left
    rows, columns, depth = sizes
    width = TILE_VECTORS * lanes(out)
    padded = -(-rows // TILE_ROWS) * TILE_ROWS
    row_table = np.empty(padded, np.int64)
    depth_table = np.empty(depth, np.int64)
    tile_memory = np.empty(TILE_ROWS * width, like.dtype)
    block_memory = np.empty(padded * depth + width if pack_left else 1, like.dtype)
    row_at, depth_at = pointer(row_table), pointer(depth_table)
    tile, block = pointer(tile_memory), pointer(block_memory)
    if pack_left:
        for i in range(0, rows, TILE_ROWS):
            place = ahead(block, i * depth)
            _pack_left(place, ahead(source, i * strides[0]), strides, rows - i, depth)
        source, strides = block, (1, TILE_ROWS)
    for i in range(padded):
        row_at[i] = min(i, rows - 1) * strides[0]
        if pack_left:
            row_at[i] = i // TILE_ROWS * TILE_ROWS * depth + i % TILE_ROWS
    for k in range(depth):
        depth_at[k] = k * strides[1]

    for j in range(0, columns, width):
        panel = (ahead(packed, j * depth), width)
        if not right[2] and j + width <= columns:
            panel = (ahead(right[0], j), right[1][0])
        for i in range(0, rows, TILE_ROWS):
            here = (ahead(out, i * step + j), step)
            first = (ahead(values, i * start_step + j), start_step)
            inside = i + TILE_ROWS <= rows and j + width <= columns
            end = here
            if not inside:  # by way of a tile of its own, copied as far as it is valid
                end = (tile, width)
                _copy_tile(end, first, min(TILE_ROWS, rows - i), min(width, columns - j))
                first = end
            tile_product(end, first, (source, ahead(row_at, i), depth_at), panel, depth)
            if not inside:
                _copy_tile(here, end, min(TILE_ROWS, rows - i), min(width, columns - j))
    keep_alive((row_table, depth_table, tile_memory, block_memory))


@routine
def _block_shape(matrices, rows, columns, width):  # type: ignore[no-untyped-def]
    """Rows and columns of the result that make one task: enough of them, of nearly equal size."""
    blocks = -(-rows // BLOCK_ROWS)
    if matrices < 8:
        blocks = min(-(-blocks // 8) * 8, -(-rows // (2 * TILE_ROWS)))
    height = -(-rows // (blocks * TILE_ROWS)) * TILE_ROWS
    strips = 1
    if matrices * blocks < 8:
        strips = min(8 // (matrices * blocks), -(-columns // (2 * width)))
    return height, -(-columns // (strips * width)) * width


@kernel
def _multiply(out, start, left, left_at, left_strides, right, right_at, right_strides, sizes):  # type: ignore[no-untyped-def]
    """out[b, i, j] = start[j] + sum over k of left[b, i, k] * right[b, k, j].

    Operands are addresses, offsets of each matrix and strides.  The cut into tasks follows from
    the sizes alone.
    """
    batch, rows, columns, depth = sizes
    width = TILE_VECTORS * lanes(pointer(out))
    span = min(-(-columns // width) * width, WIDTH)
    group = min(batch, max(1, WIDTH * DEPTH // (span * min(depth, DEPTH))))
    height, strip = _block_shape(group, rows, span, width)
    blocks, strips = -(-rows // height), -(-span // strip)
    pack_right = right_strides[1] != 1 or rows > 2 * TILE_ROWS
    pack_left = strip >= PACK_LEFT_FROM
    panels = np.empty(group * span * min(depth, DEPTH), out.dtype)
    for b0 in range(0, batch, group):
        matrices = min(group, batch - b0)
        for j0 in range(0, columns, span):
            across = min(span, columns - j0)
            n_panels = -(-across // width)
            for k0 in range(0, depth, DEPTH):
                deep = min(DEPTH, depth - k0)
                for task in prange(matrices * n_panels):
                    j = j0 + task % n_panels * width
                    wide = min(width, columns - j)
                    place = right_at[b0 + task // n_panels]
                    place += k0 * right_strides[0] + j * right_strides[1]
                    if pack_right or wide < width:
                        _pack_right(
                            ahead(pointer(panels), task * width * deep),
                            ahead(pointer_at(out, right), place), right_strides, deep, wide,
                        )  # fmt: skip
                for task in prange(matrices * blocks * strips):
                    b = task // (blocks * strips)
                    i = task // strips % blocks * height
                    j = task % strips * strip
                    if j < across:
                        left_place = left_at[b0 + b] + i * left_strides[0] + k0 * left_strides[1]
                        right_place = right_at[b0 + b] + k0 * right_strides[0]
                        right_place += (j0 + j) * right_strides[1]
                        place = ahead(pointer(out), ((b0 + b) * rows + i) * columns + j0 + j)
                        begin = ahead(pointer(start), j0 + j)
                        _multiply_block(
                            out,
                            (place, columns),
                            (begin, 0) if k0 == 0 else (place, columns),
                            (ahead(pointer_at(out, left), left_place), left_strides, pack_left),
                            (ahead(pointer_at(out, right), right_place), right_strides, pack_right),
                            ahead(pointer(panels), (b * n_panels * width + j) * deep),
                            (min(height, rows - i), min(strip, across - j), deep),
                        )  # fmt: skip
