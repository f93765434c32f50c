"""Products of two matrices whose rows are both met along their length: x @ w.T as it lies.

Nothing is packed.  Each result is an inner product of two rows of consecutive elements; a register
tile holds those of INNER_ROWS rows with INNER_COLUMNS, and adds up its lanes at the end.
"""

from functools import lru_cache

import numpy as np

from minigrad.kernels.compiler.pointers import keep_alive, offset, pointer, pointer_at
from minigrad.kernels.compiler.task_queue import Prepared, array_at, task_kernel
from minigrad.kernels.simd.ir_builder import VECTOR_BYTES
from minigrad.kernels.simd.microkernels import (
    INNER_COLUMNS,
    INNER_ROWS,
    NR_VECTORS,
    tile_of_inner_products,
)
from minigrad.kernels.simd.move import lanes

# A tile's lanes are added up once for all k: with less of them, or with some k left over from whole
# vectors and no more than LONG in all, that is much of the work.
SHORTEST, LONG = 64, 512
# The rows of a tile stay in the first-level cache.
LONGEST_BYTES = 8192
# Packing costs n * k steps for m rows, adding up lanes costs m * n for depth k: what is packed is
# ahead where there are more than k / DEEP rows, unless a panel is wider than the result.
DEEP = 3
PANEL_BYTES = NR_VECTORS * VECTOR_BYTES
# So many tasks, where there are rows enough.
TASKS = 8
# So many multiply-adds are an element's worth of work: a second thread that has gone to sleep wakes
# in 50 us, and pays from 4 million multiply-adds on.
SHARED = 128

# The shape and the strides, in bytes, of an operand.
Layout = tuple[tuple[int, ...], tuple[int, ...]]


def fits(left: Layout, right: Layout, itemsize: int) -> bool:
    """Whether (m, k) and (k, n) are, in layout and size, ones that this product is for."""
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
    products, zeros = _prepared(a.shape, b.shape[1], a.strides[0], b.strides[1], a.dtype)
    products.run(a, b, out, zeros if bias is None else np.ascontiguousarray(bias))
    return out


_PLAN = np.dtype(
    [
        (name, np.int64)
        for name in (
            "left", "right", "out", "start",  # addresses
            "left_row", "right_row", "rows", "columns", "depth", "height",
        )
    ]
)  # fmt: skip


@lru_cache(1024)
def _prepared(
    shape: tuple[int, int], columns: int, left_row: int, right_row: int, dtype: np.dtype
) -> tuple[Prepared, np.ndarray]:
    """The tasks, and a bias of zeros."""
    rows, depth = shape
    height = -(-rows // (TASKS * INNER_ROWS)) * INNER_ROWS
    steps = left_row // dtype.itemsize, right_row // dtype.itemsize
    plan = 0, 0, 0, 0, *steps, rows, columns, depth, height
    work = rows * columns * depth // SHARED
    prepared = product_tasks.prepare(dtype, plan, (-(-rows // height),), work)
    return prepared, np.zeros(columns, dtype)


@task_kernel(_PLAN)
def product_tasks(phase, task, none, plans):
    """out[i, j] = start[j] + sum over k of left[i, k] * right[j, k], for some rows i.

    The last tiles are moved back to where they are full, and give some results a second time.
    """
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    left, right = pointer_at(like, plan.left), pointer_at(like, plan.right)
    out, start = pointer_at(like, plan.out), pointer_at(like, plan.start)
    vector = lanes(out)
    count = plan.depth // vector
    memory = np.empty(INNER_ROWS * INNER_COLUMNS + vector, like.dtype)
    sums = pointer(memory)
    first = task * plan.height
    for right_tile in range(0, plan.columns, INNER_COLUMNS):
        j0 = min(right_tile, plan.columns - INNER_COLUMNS)
        right_rows = offset(right, j0 * plan.right_row)
        for left_tile in range(first, min(first + plan.height, plan.rows), INNER_ROWS):
            i0 = min(left_tile, plan.rows - INNER_ROWS)
            left_rows = offset(left, i0 * plan.left_row)
            tile_of_inner_products(
                sums, (left_rows, plan.left_row), (right_rows, plan.right_row), count
            )
            for k in range(count * vector, plan.depth):
                for i in range(INNER_ROWS):
                    element = left_rows[i * plan.left_row + k]
                    for j in range(INNER_COLUMNS):
                        other = right_rows[j * plan.right_row + k]
                        sums[i * INNER_COLUMNS + j] += element * other
            for i in range(INNER_ROWS):
                row = offset(out, (i0 + i) * plan.columns + j0)
                for j in range(INNER_COLUMNS):
                    row[j] = sums[i * INNER_COLUMNS + j] + start[j0 + j]
    keep_alive((memory,))
