"""Products of two matrices whose rows are both contiguous: x @ w.T without a copy.

Nothing is packed.  Each element of the result is an inner product of two rows; a register tile
holds the sums of INNER_ROWS rows with INNER_COLUMNS, and adds up its lanes at the end.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from minigrad.kernels.compiler.plan_record import Layout, constructor
from minigrad.kernels.compiler.pointers import offset, pointer_at, record_at
from minigrad.kernels.compiler.task_queue import PreparedTasks, task_kernel
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.compiler.workspace import place_regions
from minigrad.kernels.simd.microkernels import (
    INNER_COLUMNS,
    INNER_ROWS,
    NR_VECTORS,
    tile_of_inner_products,
)
from minigrad.kernels.simd.move import lanes

# A tile's lanes are added up once for all k.  That is much of the work where k is below SHORTEST,
# or where it is below LONG and no multiple of a vector's length.
SHORTEST, LONG = 64, 512
# The rows of a tile stay in the first-level cache.
LONGEST_BYTES = 8192
# Packing costs n * k steps for m rows, adding up lanes costs m * n for depth k: the packed product
# is faster where there are more than k / DEEP rows, unless a panel is wider than the result.
DEEP = 3
PANEL_BYTES = NR_VECTORS * VECTOR_BYTES
# A product is cut into so many tasks, if it has enough rows.
TASKS = 8
# So many multiply-adds count as one element of work, which `kernels.compiler.sharing` compares with
# what calling a second thread costs: where waking it takes 50 us, 4 million are worth it.
SHARED = 8


def fits(left: Layout, right: Layout, itemsize: int) -> bool:
    """Whether `inner_products` takes operands (m, k) and (k, n) of these layouts, and is fast."""
    ((m, k), left_strides), ((_, n), right_strides) = left, right
    return (
        left_strides[1] == right_strides[0] == itemsize
        and (m * DEEP <= k or n * itemsize < PANEL_BYTES)
        and SHORTEST <= k <= LONGEST_BYTES // itemsize
        and (k >= LONG or k * itemsize % VECTOR_BYTES == 0)
        and m >= INNER_ROWS
        and n >= INNER_COLUMNS
    )


def inner_products(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """a @ b (+ bias): (m, k), (k, n) and (n,) -> (m, n), of float operands that `fits`."""
    out = np.empty((len(a), b.shape[1]), a.dtype)
    tasks, no_bias = _prepare(a.shape, b.shape[1], a.strides[0], b.strides[1], a.dtype)
    bias = no_bias if bias is None else np.ascontiguousarray(bias)
    tasks.run(_gemm_nt_arrays(left=a, right=b, out=out, bias=bias))
    return out


class GemmNtArrays(NamedTuple):
    """The arrays of a product left @ right.T."""

    left: np.ndarray  # (m, k)
    right: np.ndarray  # (n, k), given as its transpose
    out: np.ndarray  # (m, n)
    bias: np.ndarray  # (n,)


_gemm_nt_arrays = constructor(GemmNtArrays)


class SlotFields(NamedTuple):
    """A task's workspace."""

    sums: int  # of a tile


class GemmNtPlan(NamedTuple):
    """The sizes of a product, and its cut into tasks."""

    m: int
    n: int
    k: int
    left_row_stride: int  # in elements
    right_row_stride: int
    task_rows: int
    slot: SlotFields


@lru_cache(1024)
def _prepare(
    shape: tuple[int, int], n: int, left_stride: int, right_stride: int, dtype: np.dtype
) -> tuple[PreparedTasks[GemmNtArrays], np.ndarray]:
    """The tasks, and a bias of zeros; strides are in bytes."""
    m, k = shape
    tile_size = INNER_ROWS * INNER_COLUMNS + VECTOR_BYTES // dtype.itemsize
    slot, slot_size = place_regions(SlotFields, dtype.itemsize, sums=tile_size)
    plan = GemmNtPlan(
        m=m,
        n=n,
        k=k,
        left_row_stride=left_stride // dtype.itemsize,
        right_row_stride=right_stride // dtype.itemsize,
        task_rows=-(-m // (TASKS * INNER_ROWS)) * INNER_ROWS,
        slot=slot,
    )
    counts = (-(-m // plan.task_rows),)
    tasks = product_tasks.prepare(dtype, plan, counts, m * n * k // SHARED, slot_size)
    return tasks, np.zeros(n, dtype)


@task_kernel(GemmNtArrays, GemmNtPlan)
def product_tasks(phase, task, workspace, records):
    """out[i, j] = bias[j] + sum over k of left[i, k] * right[j, k], for some rows i.

    The last tiles begin early enough to be full, and compute some results a second time.
    """
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    left, right = pointer_at(workspace, arrays.left), pointer_at(workspace, arrays.right)
    out, bias = pointer_at(workspace, arrays.out), pointer_at(workspace, arrays.bias)
    vector = lanes(out)
    vectors = plan.k // vector
    sums = offset(workspace, plan.slot.sums)
    first = task * plan.task_rows
    for right_tile in range(0, plan.n, INNER_COLUMNS):
        j0 = min(right_tile, plan.n - INNER_COLUMNS)
        right_rows = offset(right, j0 * plan.right_row_stride)
        for left_tile in range(first, min(first + plan.task_rows, plan.m), INNER_ROWS):
            i0 = min(left_tile, plan.m - INNER_ROWS)
            left_rows = offset(left, i0 * plan.left_row_stride)
            tile_of_inner_products(
                sums,
                (left_rows, plan.left_row_stride),
                (right_rows, plan.right_row_stride),
                vectors,
            )
            for k in range(vectors * vector, plan.k):
                for i in range(INNER_ROWS):
                    element = left_rows[i * plan.left_row_stride + k]
                    for j in range(INNER_COLUMNS):
                        other = right_rows[j * plan.right_row_stride + k]
                        sums[i * INNER_COLUMNS + j] += element * other
            for i in range(INNER_ROWS):
                row = offset(out, (i0 + i) * plan.n + j0)
                for j in range(INNER_COLUMNS):
                    row[j] = sums[i * INNER_COLUMNS + j] + bias[j0 + j]
