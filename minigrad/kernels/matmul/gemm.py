"""Matrix products: packed, cut to the caches' sizes, multiplied in register tiles.

The scheme and the symbols MR, NR, KC, MC and NC are those of Goto & van de Geijn, "Anatomy of
high-performance matrix multiplication" (2008), and of BLIS: the right operand is copied into panels
as wide as a register tile; the left one, KC of k at a time, is read in place, or is packed too
where a wide product reads it many times.
"""

import math
from functools import cached_property
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, is_shared
from minigrad.kernels.compiler.plan_record import Layout, constructor
from minigrad.kernels.compiler.pointers import offset, pointer_at, recast, record_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, task_kernel
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.compiler.workspace import int64_elements, place_regions
from minigrad.kernels.matmul import gemm_nt
from minigrad.kernels.matmul.gemm_packing import pack_left, pack_right
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS, gemm_microkernel
from minigrad.kernels.simd.move import lanes

# KC rows of a panel, each as long as a tile's row, stay in the first-level cache.
KC = 256
# At most so many columns, and so many elements, of the right operand are packed in one pass.
NC = 4096
PACKED_ELEMENTS = 4_194_304
# A block of the left operand, at most MC x KC, stays in the second-level cache.
MC = 144
# A task packs so many rows of a panel.
PACKED_ROWS = 1024
# The left operand is packed where each of its elements is multiplied by at least so many columns.
# Where it is read along its columns, KC cache lines of it and a panel do not fit the first-level
# cache: then packing pays from fewer columns on.
PACK_LEFT_FROM = 256
PACK_LONG_COLUMNS_FROM = 96


class GemmArrays(NamedTuple):
    """The arrays of a product; the leading axes of operands are flattened to one."""

    left: np.ndarray
    right: np.ndarray
    out: np.ndarray  # contiguous (batch, m, n)
    bias: np.ndarray  # (n,), padded to whole panels
    panels: np.ndarray  # workspace: the packed right operand
    left_offsets: np.ndarray  # (batch,), int64: the elements before each matrix
    right_offsets: np.ndarray


_gemm_arrays = constructor(GemmArrays)


class MatrixFields(NamedTuple):
    """The strides of a matrix, in elements."""

    row_stride: int
    column_stride: int


class SlotFields(NamedTuple):
    """A task's workspace."""

    row_offsets: int  # int64: elements of the left operand before each row
    depth_offsets: int  # int64: before each k
    tile: int
    block: int  # the packed left operand


class GemmPlan(NamedTuple):
    """The sizes of a product (batch, m, k) @ (batch, k, n), and its cut into passes and tasks.

    A pass packs a part of the right operand and multiplies it with all rows of the left one.
    """

    batch: int
    m: int
    n: int
    k: int
    left: MatrixFields
    right: MatrixFields
    packs_left: bool
    packs_right: bool
    # Of a pass: at most so many matrices, columns and rows of the right operand.
    pass_matrices: int
    pass_columns: int
    pass_depth: int
    # Passes along the matrices, the columns and k.
    matrix_passes: int
    column_passes: int
    depth_passes: int
    # Rows and columns of the result that make one task, and the number of tasks along each.
    task_rows: int
    task_columns: int
    row_tasks: int
    column_tasks: int
    slot: SlotFields


class _Cut(NamedTuple):
    """The tasks that a product is cut into, and the size of their workspace."""

    tasks: PreparedTasks[GemmArrays]
    panel_elements: int


class Gemm:
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
        self._left_offsets = matrix_offsets(left_shape, self._left, batch)
        self._right_offsets = matrix_offsets(right_shape, self._right, batch)
        self._NR = NR_VECTORS * VECTOR_BYTES // dtype.itemsize
        self._no_bias = np.zeros(-(-right_shape[-1] // self._NR) * self._NR, dtype)

    def __call__(self, a: np.ndarray, b: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        out = np.empty(self._shape, self._dtype)
        self.fill(out, a, b, bias)
        return out

    def fill(self, out: np.ndarray, a: np.ndarray, b: np.ndarray, bias: np.ndarray | None) -> None:
        """Write the product into `out`, which is contiguous."""
        padded_bias = self._no_bias
        if bias is not None:
            padded_bias = padded_bias.copy()
            padded_bias[: len(bias)] = bias
        cut = self._for_threads if is_shared(self._work) else self._for_one_thread
        cut.tasks.run(
            _gemm_arrays(
                left=a,
                right=b,
                out=out,
                bias=padded_bias,
                panels=np.empty(cut.panel_elements, self._dtype),
                left_offsets=self._left_offsets,
                right_offsets=self._right_offsets,
            )
        )

    @cached_property
    def _for_one_thread(self) -> _Cut:
        return self._cut(1)

    @cached_property
    def _for_threads(self) -> _Cut:
        return self._cut(gemm_nt.TASKS)

    def _cut(self, tasks: int) -> _Cut:
        """A cut into at least so many tasks; the order of no sum depends on their number."""
        (*batch, m, n), k, NR = self._shape, self._depth, self._NR
        matrices = math.prod(batch)
        pass_columns = min(len(self._no_bias), NC)
        pass_depth = min(k, PACKED_ELEMENTS // pass_columns // KC * KC)
        pass_matrices = min(matrices, max(1, PACKED_ELEMENTS // (pass_columns * pass_depth)))
        task_rows, task_columns = _task_shape(pass_matrices, m, pass_columns, NR, tasks)
        left, right = MatrixFields(*self._left[-2:]), MatrixFields(*self._right[-2:])
        packs_left = _packs_left(left.row_stride == 1 and k > KC, task_columns)
        depth, itemsize = min(pass_depth, KC + KC // 2), self._dtype.itemsize
        slot, slot_size = place_regions(
            SlotFields,
            itemsize,
            row_offsets=int64_elements(task_rows, itemsize),
            depth_offsets=int64_elements(depth, itemsize),
            tile=MR * NR,
            block=task_rows * depth + NR if packs_left else 0,
        )
        plan = GemmPlan(
            batch=matrices,
            m=m,
            n=n,
            k=k,
            left=left,
            right=right,
            packs_left=packs_left,
            packs_right=right.column_stride != 1 or m > 20 * MR,
            pass_matrices=pass_matrices,
            pass_columns=pass_columns,
            pass_depth=pass_depth,
            matrix_passes=-(-matrices // pass_matrices),
            column_passes=-(-n // pass_columns),
            depth_passes=-(-k // pass_depth),
            task_rows=task_rows,
            task_columns=task_columns,
            row_tasks=-(-m // task_rows),
            column_tasks=-(-pass_columns // task_columns),
            slot=slot,
        )
        packings = pass_matrices * (pass_columns // NR) * -(-pass_depth // PACKED_ROWS)
        products = pass_matrices * plan.row_tasks * plan.column_tasks
        passes = plan.matrix_passes * plan.column_passes * plan.depth_passes
        prepared = product_tasks.prepare(
            self._dtype, plan, (packings, products) * passes, self._work, slot_size
        )
        return _Cut(prepared, pass_matrices * pass_columns * pass_depth)


def _task_shape(matrices: int, rows: int, columns: int, NR: int, tasks: int) -> tuple[int, int]:
    """Rows and columns of the result that make one task: `tasks` at least, of nearly equal size."""
    row_tasks = -(-rows // MC)
    if matrices < tasks:
        row_tasks = min(-(-row_tasks // tasks) * tasks, -(-rows // (2 * MR)))
    task_rows = -(-rows // (row_tasks * MR)) * MR
    column_tasks = 1
    if matrices * row_tasks < tasks:
        column_tasks = min(tasks // (matrices * row_tasks), -(-columns // (2 * NR)))
    return task_rows, -(-columns // (column_tasks * NR)) * NR


def _packs_left(has_long_columns: bool, columns: int) -> bool:
    """Whether a task of so many columns packs the left operand."""
    return columns >= (PACK_LONG_COLUMNS_FROM if has_long_columns else PACK_LEFT_FROM)


def matrix_offsets(
    shape: tuple[int, ...], strides: tuple[int, ...], batch: tuple[int, ...]
) -> np.ndarray:
    """The offset of each matrix of a stack that is broadcast to `batch`, in elements."""
    offsets = np.zeros(batch, np.int64)
    # Axes that are missing or of length 1 are repeated: their stride is 0.
    for axis in range(2 - len(shape), 0):
        if (size := shape[axis - 2]) > 1:
            offsets += (np.arange(size) * strides[axis - 2]).reshape(-1, *[1] * (-axis - 1))
    return offsets.reshape(-1)


@device_function
def _copy_tile(out, source, rows, columns):
    """Copy rows x columns elements; both are (pointer, row stride)."""
    for i in range(rows):
        for j in range(columns):
            out[0][i * out[1] + j] = source[0][i * source[1] + j]


@device_function
def _multiply_block(workspace, slot, out, initial, left, right, panels, sizes):
    """A block of the result, over at most KC of k; its sums continue those in `initial`.

    `left` is (pointer, strides, is packed), `right` is (pointer, row stride, is packed); where
    `right` is not packed, it is read in place except for a last narrow panel.  `out` and `initial`
    are (pointer, row stride), `panels` is (pointer, rows of a panel).
    """
    source, strides, packs_left = left
    rows, columns, depth = sizes
    NR = NR_VECTORS * lanes(out[0])
    padded_rows = -(-rows // MR) * MR
    row_offsets = recast(np.int64, offset(workspace, slot.row_offsets))
    depth_offsets = recast(np.int64, offset(workspace, slot.depth_offsets))
    tile, block = (offset(workspace, slot.tile), NR), offset(workspace, slot.block)
    if packs_left:
        for i in range(0, rows, MR):
            first = offset(source, i * strides[0])
            pack_left(offset(block, i * depth), first, strides, rows - i, depth)
        source, strides = block, (1, MR)
    for i in range(padded_rows):
        row_offsets[i] = min(i, rows - 1) * strides[0]
        if packs_left:
            row_offsets[i] = i // MR * MR * depth + i % MR
    for k in range(depth):
        depth_offsets[k] = k * strides[1]

    for j in range(0, columns, NR):
        panel = (offset(panels[0], j * panels[1]), NR)
        if not right[2] and j + NR <= columns:
            panel = (offset(right[0], j), right[1])
        for i in range(0, rows, MR):
            block_sums = (offset(out[0], i * out[1] + j), out[1])
            start = (offset(initial[0], i * initial[1] + j), initial[1])
            sums = block_sums
            inside = i + MR <= rows and j + NR <= columns
            if not inside:  # sum in a tile of its own, and copy the part that is valid
                sums = tile
                _copy_tile(sums, start, min(MR, rows - i), min(NR, columns - j))
                start = sums
            operand = (source, offset(row_offsets, i), depth_offsets)
            gemm_microkernel(sums, start, operand, panel, depth)
            if not inside:
                _copy_tile(block_sums, sums, min(MR, rows - i), min(NR, columns - j))


@device_function
def _pack_task(task, like, arrays, plan, begin, sizes):
    """Some rows of a panel of one matrix of the right operand, if it is to be packed.

    `begin` is the first matrix, column and k of the pass, `sizes` its columns and depth.
    """
    (b0, j0, k), (columns, depth) = begin, sizes
    panels = pointer_at(like, arrays.panels)
    NR = NR_VECTORS * lanes(panels)
    panel_count, pieces = plan.pass_columns // NR, -(-plan.pass_depth // PACKED_ROWS)
    panel, row = task // pieces, task % pieces * PACKED_ROWS
    b, j = panel // panel_count, panel % panel_count * NR
    used = min(NR, columns - j)
    if b0 + b < plan.batch and used > 0 and row < depth and (plan.packs_right or used < NR):
        first = pointer_at(np.int64, arrays.right_offsets)[b0 + b]
        first += (k + row) * plan.right.row_stride + (j0 + j) * plan.right.column_stride
        source = offset(pointer_at(like, arrays.right), first)
        out = offset(panels, (b * plan.pass_columns + j) * plan.pass_depth + row * NR)
        strides = (plan.right.row_stride, plan.right.column_stride)
        pack_right(out, source, strides, min(PACKED_ROWS, depth - row), used)


@device_function
def _multiply_task(task, workspace, arrays, plan, begin, sizes):
    """One block of one matrix of the result, over the depth of a pass; see `_pack_task`."""
    (b0, j0, k), (columns, depth) = begin, sizes
    block, j = task // plan.column_tasks, task % plan.column_tasks * plan.task_columns
    b, i = b0 + block // plan.row_tasks, block % plan.row_tasks * plan.task_rows
    if b >= plan.batch or j >= columns:
        return
    left_offset = pointer_at(np.int64, arrays.left_offsets)[b] + i * plan.left.row_stride
    right_offset = pointer_at(np.int64, arrays.right_offsets)[b]
    right_offset += (j0 + j) * plan.right.column_stride
    left = offset(pointer_at(workspace, arrays.left), left_offset)
    right = offset(pointer_at(workspace, arrays.right), right_offset)
    panel_offset = ((b - b0) * plan.pass_columns + j) * plan.pass_depth
    panels = offset(pointer_at(workspace, arrays.panels), panel_offset)
    out = offset(pointer_at(workspace, arrays.out), (b * plan.m + i) * plan.n + j0 + j)
    NR = NR_VECTORS * lanes(out)
    rows, used = min(plan.task_rows, plan.m - i), min(plan.task_columns, columns - j)
    pieces = max(1, (depth + KC // 2) // KC)  # of nearly equal length
    piece = -(-depth // pieces)
    for row in range(0, depth, piece):
        initial, initial_stride = out, plan.n
        if k + row == 0:
            initial, initial_stride = offset(pointer_at(workspace, arrays.bias), j0 + j), 0
        left_piece = offset(left, (k + row) * plan.left.column_stride)
        right_piece = offset(right, (k + row) * plan.right.row_stride)
        left_strides = (plan.left.row_stride, plan.left.column_stride)
        _multiply_block(
            workspace, plan.slot, (out, plan.n), (initial, initial_stride),
            (left_piece, left_strides, plan.packs_left != 0),
            (right_piece, plan.right.row_stride, plan.packs_right != 0),
            (offset(panels, row * NR), plan.pass_depth),
            (rows, used, min(piece, depth - row)),
        )  # fmt: skip


@task_kernel(GemmArrays, GemmPlan)
def product_tasks(phase, task, workspace, records):
    """out[b, i, j] = bias[j] + sum over k of left[b, i, k] * right[b, k, j].

    Even phases pack panels of the right operand, odd ones multiply by them.
    """
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    number = phase // 2
    k = number % plan.depth_passes * plan.pass_depth
    j = number // plan.depth_passes % plan.column_passes * plan.pass_columns
    b = number // (plan.depth_passes * plan.column_passes) * plan.pass_matrices
    sizes = min(plan.pass_columns, plan.n - j), min(plan.pass_depth, plan.k - k)
    if phase % 2 == 0:
        _pack_task(task, workspace, arrays, plan, (b, j, k), sizes)
    else:
        _multiply_task(task, workspace, arrays, plan, (b, j, k), sizes)
