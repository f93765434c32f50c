"""Matrix products: packed, cut to the caches' sizes, multiplied in register tiles.

The scheme is Goto & van de Geijn, "Anatomy of high-performance matrix multiplication" (2008): the
right operand is copied into panels as wide as a register tile; the left one, KC of k at a time,
is read in place, or copied into panels of its own where a wide product reads it many times.  What
is quicker otherwise goes elsewhere: to `inner`, `matvec`, and where it is small to NumPy.
"""

import math
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, is_shared
from minigrad.kernels.compiler.pointers import keep_alive, offset, pointer, pointer_at
from minigrad.kernels.compiler.task_queue import Prepared, array_at, task_kernel
from minigrad.kernels.matmul import gemm_nt, gemv
from minigrad.kernels.matmul.gemm_nt import Layout
from minigrad.kernels.simd.ir_builder import VECTOR_BYTES
from minigrad.kernels.simd.math import FLOATS
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS, gemm_microkernel
from minigrad.kernels.simd.move import copy_vector, lanes, transpose_block

# KC rows of a panel, each as long as a tile's row, stay in the first-level cache.
KC = 256
# So many columns, and so many elements, of the right operand are packed at a time.
NC = 4096
PANELS = 4_194_304
# A block of the left operand, at most MC x KC, stays in the second-level cache.
MC = 144
# A task packs so many rows of a panel.
PACKED_ROWS = 1024
# The left operand is packed where each of its elements meets at least this many columns.  Where it
# is read down its columns, KC lines of it and a panel do not fit the first-level cache: then
# fewer are enough.
PACK_LEFT_FROM = 256
PACK_LONG_COLUMNS_FROM = 96
# NumPy's product is one BLAS call on one thread up to so many multiply-adds, and there it costs
# less than the way into a compiled kernel.
SMALL = 262_144

# matmul for operands of some shapes and strides
Product = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]


def matmul(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """a @ b (+ bias): (..., m, k), (..., k, n) and (n,) -> (..., m, n); leading axes broadcast.

    Both operands have at least two axes and one dtype.  The order of each sum does not depend on
    the number of threads.
    """
    if a.ndim == b.ndim == 2 and a.size * b.shape[1] <= SMALL and a.flags.forc and b.flags.forc:
        return _by_blas(a, b, bias)
    aligned = a.flags.aligned and b.flags.aligned
    return _select_algorithm((a.shape, a.strides), (b.shape, b.strides), a.dtype, aligned)(
        a, b, bias
    )


@lru_cache(1024)
def _select_algorithm(left: Layout, right: Layout, dtype: np.dtype, aligned: bool) -> Product:
    """What multiplies operands of these shapes and strides."""
    (left_shape, left_strides), (right_shape, right_strides) = left, right
    batch = np.broadcast_shapes(left_shape[:-2], right_shape[:-2])
    work = math.prod(batch) * math.prod(left_shape[-2:]) * right_shape[-1]
    matrices, size = len(left_shape) == len(right_shape) == 2, dtype.itemsize
    if work == 0 or dtype not in FLOATS:
        return _by_blas
    if matrices and aligned and gemm_nt.fits(left, right, size):
        return gemm_nt.inner_products
    # Rows or columns are consecutive elements; NumPy multiplies all else one by one.
    if work <= SMALL and size in left_strides[-2:] and size in right_strides[-2:]:
        return _by_blas
    if not aligned:  # tasks step through operands by whole elements
        return lambda a, b, bias: matmul(a.copy(), b.copy(), bias)
    return _way_of_large(left, right, dtype)


def _way_of_large(left: Layout, right: Layout, dtype: np.dtype) -> Product:
    """As `_select_algorithm`, of float operands that are neither small nor met row by row."""
    (*batch, m, k), (*others, _, n) = left[0], right[0]
    size = dtype.itemsize
    if batch and not others and _is_contiguous(left, size):
        return lambda a, b, bias: matmul(a.reshape(-1, k), b, bias).reshape(*batch, m, n)
    if not batch and not others and n == 1 and gemv.fits(*left, size):
        return lambda a, b, bias: _plus(gemv.matvec(a, b[:, 0])[:, None], bias)
    if not batch and not others and m == 1 and gemv.fits(*right, size):
        return lambda a, b, bias: _plus(gemv.matvec(b.T, a[0])[None], bias)
    return _Packed(left, right, dtype)


def _is_contiguous(layout: Layout, itemsize: int) -> bool:
    step = itemsize
    for length, stride in zip(*map(reversed, layout), strict=True):
        if length != 1 and stride != step:
            return False
        step *= length
    return True


def _by_blas(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    return _plus(np.matmul(a, b), bias)


def _plus(product: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    return product if bias is None else product + bias


_PLAN = np.dtype(
    [
        (name, np.int64)
        for name in (
            "left", "right", "out", "start", "panels",  # addresses
            "left_row", "left_column", "left_at",  # steps; addresses of each matrix's offset
            "right_row", "right_column", "right_at",
            "batch", "rows", "columns", "depth",
            "group", "span", "deep", "height", "strip",  # what a phase and what a task takes
            "groups", "spans", "depths", "blocks", "strips",
            "pack_left", "pack_right",
        )
    ]
)  # fmt: skip


class _Cut(NamedTuple):
    """The tasks that a product is cut into, and how many elements of panels they need."""

    tasks: Prepared
    panels: int


class _Packed:
    """The product of arrays of these shapes and strides, for any number of threads."""

    def __init__(self, left: Layout, right: Layout, dtype: np.dtype) -> None:
        (left_shape, left_strides), (right_shape, right_strides) = left, right
        batch = np.broadcast_shapes(left_shape[:-2], right_shape[:-2])
        self._shape = (*batch, left_shape[-2], right_shape[-1])
        self._depth = left_shape[-1]
        self._dtype = dtype
        self._work = math.prod(self._shape) * self._depth // gemm_nt.SHARED
        self._left, self._right = (
            tuple(stride // dtype.itemsize for stride in strides)
            for strides in (left_strides, right_strides)
        )
        # Of each matrix; their addresses are in the plan.
        self._left_at = _offsets(left_shape, self._left, batch)
        self._right_at = _offsets(right_shape, self._right, batch)
        self._width = NR_VECTORS * VECTOR_BYTES // dtype.itemsize
        self._zeros = np.zeros(-(-right_shape[-1] // self._width) * self._width, dtype)

    def __call__(self, a: np.ndarray, b: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        out = np.empty(self._shape, self._dtype)
        self.fill(out, a, b, bias)
        return out

    def fill(self, out: np.ndarray, a: np.ndarray, b: np.ndarray, bias: np.ndarray | None) -> None:
        """Write the product into `out`, which is contiguous."""
        start = self._zeros
        if bias is not None:
            start = start.copy()
            start[: len(bias)] = bias
        cut = self._for_threads if is_shared(self._work) else self._for_one
        cut.tasks.run(a, b, out, start, np.empty(cut.panels, self._dtype))

    @cached_property
    def _for_one(self) -> _Cut:
        return self._cut(1)

    @cached_property
    def _for_threads(self) -> _Cut:
        return self._cut(gemm_nt.TASKS)

    def _cut(self, tasks: int) -> _Cut:
        """Into so many tasks at least; no sum depends on that."""
        rows, columns, depth = *self._shape[-2:], self._depth
        batch, width = math.prod(self._shape[:-2]), self._width
        span = min(len(self._zeros), NC)
        deep = min(depth, PANELS // span // KC * KC)
        group = min(batch, max(1, PANELS // (span * deep)))
        height, strip = _block_shape(group, rows, span, width, tasks)
        groups, spans, depths = -(-batch // group), -(-columns // span), -(-depth // deep)
        blocks, strips = -(-rows // height), -(-span // strip)
        long_columns = self._left[-2] == 1 and depth > KC
        plan = (
            0, 0, 0, 0, 0,
            *self._left[-2:], self._left_at.ctypes.data,
            *self._right[-2:], self._right_at.ctypes.data,
            batch, rows, columns, depth,
            group, span, deep, height, strip, groups, spans, depths, blocks, strips,
            strip >= (PACK_LONG_COLUMNS_FROM if long_columns else PACK_LEFT_FROM),
            self._right[-1] != 1 or rows > 20 * MR,
        )  # fmt: skip
        packings = group * (span // width) * -(-deep // PACKED_ROWS)
        counts = (packings, group * blocks * strips) * (groups * spans * depths)
        prepared = product_tasks.prepare(self._dtype, plan, counts, self._work)
        return _Cut(prepared, group * span * deep)


def _block_shape(matrices: int, rows: int, columns: int, width: int, tasks: int) -> tuple[int, int]:
    """Rows and columns of the result that make one task: `tasks` at least, of nearly equal size."""
    blocks = -(-rows // MC)
    if matrices < tasks:
        blocks = min(-(-blocks // tasks) * tasks, -(-rows // (2 * MR)))
    height = -(-rows // (blocks * MR)) * MR
    strips = 1
    if matrices * blocks < tasks:
        strips = min(tasks // (matrices * blocks), -(-columns // (2 * width)))
    return height, -(-columns // (strips * width)) * width


def _offsets(shape: tuple[int, ...], steps: tuple[int, ...], batch: tuple[int, ...]) -> np.ndarray:
    """The offset of each matrix of a stack that is broadcast to `batch`, in elements."""
    offsets = np.zeros(batch, np.int64)
    # Axes that are missing or of length 1 are repeated: their step is 0.
    for axis in range(2 - len(shape), 0):
        if (size := shape[axis - 2]) > 1:
            offsets += (np.arange(size) * steps[axis - 2]).reshape(-1, *[1] * (-axis - 1))
    return offsets.reshape(-1)


@device_function
def _pack_right(panel, source, strides, depth, columns):
    """Copy `depth` rows of one panel's columns side by side; lanes beyond `columns` are idle."""
    step = lanes(panel)
    width = NR_VECTORS * step
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
                copy_vector(offset(panel, k * width + j), offset(source, k * down + j))
    elif down == 1:
        rows_done = depth // step * step
        columns_done = columns // step * step
        for k in range(0, rows_done, step):
            for j in range(0, columns_done, step):
                block = (offset(source, k + j * across), across)
                transpose_block((offset(panel, k * width + j), width), block)
    for k in range(depth):
        for j in range(columns_done if k < rows_done else 0, columns):
            panel[k * width + j] = source[k * down + j * across]


@device_function
def _pack_left(block, source, strides, rows, depth):
    """Copy `depth` columns of MR rows one after the other, the last of `rows` repeated."""
    step = lanes(block)
    down, across = strides
    # Vectors may be longer than a column: written upwards, each is mended by the one after it.
    top = (MR - 1) // step * step
    done = 0
    if rows >= top + step and across == 1:
        done = depth // step * step
        for k in range(0, done, step):
            for i in range(top, -1, -step):
                place = offset(block, k * MR + i)
                transpose_block((place, MR), (offset(source, i * down + k), down))
    elif rows >= top + step and down == 1:
        done = depth
        for k in range(depth):
            for i in range(top, -1, -step):
                copy_vector(offset(block, k * MR + i), offset(source, i + k * across))
    for k in range(done, depth):
        for i in range(MR):
            block[k * MR + i] = source[min(i, rows - 1) * down + k * across]


@device_function
def _copy_tile(target, source, rows, columns):
    out, out_step = target
    values, step = source
    for i in range(rows):
        for j in range(columns):
            out[i * out_step + j] = values[i * step + j]


@device_function(allocates=True)
def _multiply_block(like, target, start, left, right, packed, sizes):
    """A block of the result, over at most KC of k; its sums go on from those in `start`.

    `left` is (pointer, strides, pack), `right` is (pointer, row_step, pack); where `right` is not
    packed, it is read in place but for a last narrow panel.
    """
    out, step = target
    values, start_step = start
    source, strides, pack_left = left
    rows, columns, depth = sizes
    panels, panel_depth = packed
    width = NR_VECTORS * lanes(out)
    padded = -(-rows // MR) * MR
    row_table = np.empty(padded, np.int64)
    depth_table = np.empty(depth, np.int64)
    tile_memory = np.empty(MR * width, like.dtype)
    block_memory = np.empty(padded * depth + width if pack_left else 1, like.dtype)
    row_at, depth_at = pointer(row_table), pointer(depth_table)
    tile, block = pointer(tile_memory), pointer(block_memory)
    if pack_left:
        for i in range(0, rows, MR):
            place = offset(block, i * depth)
            _pack_left(place, offset(source, i * strides[0]), strides, rows - i, depth)
        source, strides = block, (1, MR)
    for i in range(padded):
        row_at[i] = min(i, rows - 1) * strides[0]
        if pack_left:
            row_at[i] = i // MR * MR * depth + i % MR
    for k in range(depth):
        depth_at[k] = k * strides[1]

    for j in range(0, columns, width):
        panel = (offset(panels, j * panel_depth), width)
        if not right[2] and j + width <= columns:
            panel = (offset(right[0], j), right[1])
        for i in range(0, rows, MR):
            here = (offset(out, i * step + j), step)
            first = (offset(values, i * start_step + j), start_step)
            inside = i + MR <= rows and j + width <= columns
            end = here
            if not inside:  # by way of a tile of its own, copied as far as it is valid
                end = (tile, width)
                _copy_tile(end, first, min(MR, rows - i), min(width, columns - j))
                first = end
            gemm_microkernel(end, first, (source, offset(row_at, i), depth_at), panel, depth)
            if not inside:
                _copy_tile(here, end, min(MR, rows - i), min(width, columns - j))
    keep_alive((row_table, depth_table, tile_memory, block_memory))


@device_function
def _pack_task(task, like, plan, b0, j0, k, columns, depth):
    """Some rows of a panel of one matrix of the right operand, if it is to be packed."""
    panels = pointer_at(like, plan.panels)
    width = NR_VECTORS * lanes(panels)
    count, pieces = plan.span // width, -(-plan.deep // PACKED_ROWS)
    share, row = task // pieces, task % pieces * PACKED_ROWS
    b, j = share // count, share % count * width
    used = min(width, columns - j)
    if b0 + b < plan.batch and used > 0 and row < depth and (plan.pack_right or used < width):
        place = pointer_at(np.int64, plan.right_at)[b0 + b]
        place += (k + row) * plan.right_row + (j0 + j) * plan.right_column
        source = offset(pointer_at(like, plan.right), place)
        panel = offset(panels, (b * plan.span + j) * plan.deep + row * width)
        strides = (plan.right_row, plan.right_column)
        _pack_right(panel, source, strides, min(PACKED_ROWS, depth - row), used)


@device_function(allocates=True)
def _multiply_task(task, like, plan, b0, j0, k, columns, depth):
    """One block of one matrix of the result, over `depth` of k."""
    share, j = task // plan.strips, task % plan.strips * plan.strip
    b, i = b0 + share // plan.blocks, share % plan.blocks * plan.height
    if b >= plan.batch or j >= columns:
        return
    left_place = pointer_at(np.int64, plan.left_at)[b] + i * plan.left_row
    right_place = pointer_at(np.int64, plan.right_at)[b] + (j0 + j) * plan.right_column
    left = offset(pointer_at(like, plan.left), left_place)
    right = offset(pointer_at(like, plan.right), right_place)
    packed = offset(pointer_at(like, plan.panels), ((b - b0) * plan.span + j) * plan.deep)
    out = offset(pointer_at(like, plan.out), (b * plan.rows + i) * plan.columns + j0 + j)
    width = NR_VECTORS * lanes(out)
    rows, used = min(plan.height, plan.rows - i), min(plan.strip, columns - j)
    pieces = max(1, (depth + KC // 2) // KC)  # of nearly equal length
    piece = -(-depth // pieces)
    for row in range(0, depth, piece):
        start, start_step = out, plan.columns
        if k + row == 0:
            start, start_step = offset(pointer_at(like, plan.start), j0 + j), 0
        left_here = offset(left, (k + row) * plan.left_column)
        right_here = offset(right, (k + row) * plan.right_row)
        _multiply_block(
            like, (out, plan.columns), (start, start_step),
            (left_here, (plan.left_row, plan.left_column), plan.pack_left != 0),
            (right_here, plan.right_row, plan.pack_right != 0),
            (offset(packed, row * width), plan.deep),
            (rows, used, min(piece, depth - row)),
        )  # fmt: skip


@task_kernel(_PLAN)
def product_tasks(phase, task, none, plans):
    """out[b, i, j] = start[j] + sum over k of left[b, i, k] * right[b, k, j].

    Even phases pack panels of the right operand, odd ones multiply by them.
    """
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    stage = phase // 2
    k = stage % plan.depths * plan.deep
    j = stage // plan.depths % plan.spans * plan.span
    b = stage // (plan.depths * plan.spans) * plan.group
    depth, columns = min(plan.deep, plan.depth - k), min(plan.span, plan.columns - j)
    if phase % 2 == 0:
        _pack_task(task, like, plan, b, j, k, columns, depth)
    else:
        _multiply_task(task, like, plan, b, j, k, columns, depth)
