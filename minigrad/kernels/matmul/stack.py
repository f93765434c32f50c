"""Products of many small matrices: each is multiplied where it lies, in register tiles.

Of a small product, packing and the tails of large tiles would be most of the work.  The last tile
of a row or column begins so early that it ends with the matrix: some results are computed twice,
and nothing is read or written beyond it.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.plan_record import Layout, constructor
from minigrad.kernels.compiler.pointers import offset, pointer_at, record_at
from minigrad.kernels.compiler.task_queue import task_kernel
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.compiler.workspace import place_regions
from minigrad.kernels.matmul.gemm import MatrixFields, matrix_offsets
from minigrad.kernels.matmul.gemm_nt import SHARED
from minigrad.kernels.simd.ir_builder import Emitter
from minigrad.kernels.simd.move import copy_row, lanes, transpose

# Rows of a tile.  It has two vectors of columns, or one of a matrix that is narrower.
ROWS = 4
# At least so many matrices, and at most so many multiply-adds for each, are taken as a stack.
FEWEST, LARGEST = 8, 16_384
# A stack is cut into so many tasks, if it has enough matrices.
TASKS = 16


def _tile(rows: int, vectors: int) -> Any:
    @intrinsic
    def small_tile(
        typingctx: Any, out: Any, start: Any, left: Any, right: Any, depth: Any
    ) -> tuple[Any, Callable[..., Any]]:
        """out[i, j] = start[j] + sum over k < depth of left[i, k] * right[k, j].

        `out` and `right` are (pointer, row step), `left` (pointer, row step, column step).
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            emit = Emitter(builder, out[0].dtype)
            out_pointer, out_step = emit.fields(args[0], 2)
            left_pointer, row_step, column_step = emit.fields(args[2], 3)
            right_pointer, right_step = emit.fields(args[3], 2)
            lefts = [emit.at(left_pointer, emit.multiply(row_step, i)) for i in range(rows)]
            sums = [emit.zero()] * (rows * vectors)
            with emit.loop(args[4], sums, unrolls=False) as (k, running):
                row = emit.at(right_pointer, emit.multiply(k, right_step))
                columns = [emit.load(emit.at(row, j * emit.lanes)) for j in range(vectors)]
                at = emit.multiply(k, column_step)
                for i in range(rows):
                    element = emit.splat(builder.load(emit.at(lefts[i], at)))
                    for j in range(vectors):
                        cell = i * vectors + j
                        running[cell] = emit.multiply_add(element, columns[j], running[cell])
            first = [emit.load(emit.at(args[1], j * emit.lanes)) for j in range(vectors)]
            for i in range(rows):
                for j in range(vectors):
                    place = emit.add(emit.multiply(out_step, i), j * emit.lanes)
                    total = builder.fadd(first[j], sums[i * vectors + j])
                    emit.store(total, emit.at(out_pointer, place))
            return context.get_dummy_value()

        return types.void(out, start, left, right, types.intp), codegen

    return small_tile


wide_tile, wide_row = _tile(ROWS, 2), _tile(1, 2)
narrow_tile, narrow_row = _tile(ROWS, 1), _tile(1, 1)


class StackArrays(NamedTuple):
    """The arrays of the products; the leading axes of operands are flattened to one."""

    left: np.ndarray
    right: np.ndarray
    out: np.ndarray  # contiguous (batch, m, n)
    bias: np.ndarray  # (n,)
    left_offsets: np.ndarray  # (batch,), int64: the elements before each matrix
    right_offsets: np.ndarray


_stack_arrays = constructor(StackArrays)


class SlotFields(NamedTuple):
    """A task's workspace."""

    rows: int  # of a right operand whose rows are not contiguous


class StackPlan(NamedTuple):
    """The sizes of the products (batch, m, k) @ (batch, k, n)."""

    batch: int
    m: int
    n: int
    k: int
    left: MatrixFields
    right: MatrixFields
    task_matrices: int
    slot: SlotFields


def fits(left: Layout, right: Layout, itemsize: int) -> bool:
    """Whether `Stack` takes operands (..., m, k) and (..., k, n) of these layouts, and is fast."""
    (left_shape, _), (right_shape, _) = left, right
    matrices = math.prod(np.broadcast_shapes(left_shape[:-2], right_shape[:-2]))
    n = right_shape[-1]
    return (
        matrices >= FEWEST
        and math.prod(left_shape[-2:]) * n <= LARGEST
        and n * itemsize >= VECTOR_BYTES
    )


class Stack:
    """The products of arrays of these shapes and strides."""

    def __init__(self, left: Layout, right: Layout, dtype: np.dtype) -> None:
        (left_shape, left_strides), (right_shape, right_strides) = left, right
        batch = np.broadcast_shapes(left_shape[:-2], right_shape[:-2])
        (m, k), n, matrices = left_shape[-2:], right_shape[-1], math.prod(batch)
        size = dtype.itemsize
        steps, other_steps = (
            tuple(stride // size for stride in strides) for strides in (left_strides, right_strides)
        )
        rows = other_steps[-1] != 1 and k * n
        slot, slot_size = place_regions(SlotFields, size, rows=int(rows))
        plan = StackPlan(
            batch=matrices, m=m, n=n, k=k, left=MatrixFields(*steps[-2:]),
            right=MatrixFields(*other_steps[-2:]), task_matrices=-(-matrices // TASKS), slot=slot,
        )  # fmt: skip
        counts = (-(-matrices // plan.task_matrices),)
        work = matrices * m * n * k // SHARED
        self._tasks = product_tasks.prepare(dtype, plan, counts, work, slot_size)
        self._shape = (*batch, m, n)
        self._left_offsets = matrix_offsets(left_shape, steps, batch)
        self._right_offsets = matrix_offsets(right_shape, other_steps, batch)
        self._no_bias = np.zeros(n, dtype)

    def __call__(self, a: np.ndarray, b: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        out = np.empty(self._shape, a.dtype)
        bias = self._no_bias if bias is None else np.ascontiguousarray(bias)
        self._tasks.run(
            _stack_arrays(
                left=a, right=b, out=out, bias=bias, left_offsets=self._left_offsets,
                right_offsets=self._right_offsets,
            )
        )  # fmt: skip
        return out


@device_function
def _rows_of(target, source, strides, k, n):
    """The right operand as (pointer, row step), in place if its rows are contiguous."""
    if strides.column_stride == 1:
        return source, strides.row_stride
    if strides.row_stride == 1:
        transpose((target, n), (source, strides.column_stride), 1, n, k)
    else:
        for i in range(k):
            row = offset(source, i * strides.row_stride)
            copy_row(offset(target, i * n), row, strides.column_stride, n)
    return target, n


@device_function
def _multiply(out, bias, left, right, sizes):
    """One product; `left` is (pointer, row step, column step), `right` (pointer, row step)."""
    m, n, k = sizes
    vector = lanes(out)
    is_wide = n >= 2 * vector
    columns, rows = 2 * vector if is_wide else vector, ROWS if m >= ROWS else 1
    for column in range(0, n, columns):
        j = min(column, n - columns)
        operand, start = (offset(right[0], j), right[1]), offset(bias, j)
        for row in range(0, m, rows):
            i = min(row, m - rows)
            target = (offset(out, i * n + j), n)
            source = (offset(left[0], i * left[1]), left[1], left[2])
            if is_wide and rows == ROWS:
                wide_tile(target, start, source, operand, k)
            elif is_wide:
                wide_row(target, start, source, operand, k)
            elif rows == ROWS:
                narrow_tile(target, start, source, operand, k)
            else:
                narrow_row(target, start, source, operand, k)


@task_kernel(StackArrays, StackPlan)
def product_tasks(phase, task, workspace, records):
    """out[b, i, j] = bias[j] + sum over k of left[b, i, k] * right[b, k, j], for some b."""
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    m, n, k = plan.m, plan.n, plan.k
    left_offsets = pointer_at(np.int64, arrays.left_offsets)
    right_offsets = pointer_at(np.int64, arrays.right_offsets)
    rows = offset(workspace, plan.slot.rows)
    begin = task * plan.task_matrices
    for b in range(begin, min(begin + plan.task_matrices, plan.batch)):
        left = offset(pointer_at(workspace, arrays.left), left_offsets[b])
        source = offset(pointer_at(workspace, arrays.right), right_offsets[b])
        right = _rows_of(rows, source, plan.right, k, n)
        out = offset(pointer_at(workspace, arrays.out), b * m * n)
        bias = pointer_at(workspace, arrays.bias)
        operand = (left, plan.left.row_stride, plan.left.column_stride)
        _multiply(out, bias, operand, right, (m, n, k))
