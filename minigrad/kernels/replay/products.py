"""Native tasks of matrix products and of sums, as the kernels' own functions choose them."""

from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import is_shared, kernel
from minigrad.kernels.matmul import gemm_nt
from minigrad.kernels.matmul.gemm import Gemm
from minigrad.kernels.matmul.matmul import DEEPEST, SMALL, _by_blas, _select_algorithm
from minigrad.kernels.reduction import reduce
from minigrad.kernels.replay.rows import add_row, sum_rows
from minigrad.kernels.replay.task_list import (
    CannotRunError,
    Seen,
    Shared,
    TaskList,
    flat,
    seen_as,
)
from minigrad.kernels.simd.math import FLOATS

Array = np.ndarray[Any, Any]
Operand = Array | Seen


@kernel
def copy_row(out: Array, x: Array) -> None:
    """The first elements of out become those of x."""
    for k in range(x.size):
        out[k] = x[k]


@kernel
def fill_zeros(out: Array) -> None:
    """All elements of a vector become zero."""
    for k in range(out.size):
        out[k] = 0


def add_product(
    tasks: TaskList, out: Operand, a: Operand, b: Operand, bias: Array | None = None
) -> None:
    """Add `kernels.matmul.matmul.matmul(a, b, bias)` of two matrices.

    Raises CannotRunError where that needs Python.
    """
    left, right = seen_as(a).view, seen_as(b).view
    if not (left.ndim == right.ndim == 2 and left.dtype == right.dtype and left.dtype in FLOATS):
        raise CannotRunError("a product of other operands")
    is_small = left.size * right.shape[1] <= SMALL and left.shape[1] <= DEEPEST
    if is_small and left.flags.forc and right.flags.forc:
        _add_by_blas(tasks, out, a, b, bias)
        return
    layouts = (left.shape, left.strides), (right.shape, right.strides)
    algorithm: Any = _select_algorithm(*layouts, left.dtype, True)
    if algorithm is _by_blas:
        _add_by_blas(tasks, out, a, b, bias)
    elif algorithm is gemm_nt.inner_products:
        prepared, no_bias = gemm_nt._prepare(
            left.shape, right.shape[1], left.strides[0], right.strides[1], left.dtype
        )
        tasks.launch(prepared, a, b, out, no_bias if bias is None else bias)
    elif isinstance(algorithm, Gemm):
        _add_gemm(tasks, algorithm, out, a, b, bias)
    else:
        raise CannotRunError("a product by another algorithm")


def _add_by_blas(tasks: TaskList, out: Operand, a: Operand, b: Operand, bias: Array | None) -> None:
    if seen_as(out).view.size == 0 or seen_as(a).view.size == 0:  # NumPy's loop is not called
        raise CannotRunError("a product of no elements")
    tasks.ufunc(np.matmul, a, b, out)
    if bias is not None:
        tasks.kernel(add_row, out, out, bias)


def _add_gemm(
    tasks: TaskList, gemm: Gemm, out: Operand, a: Operand, b: Operand, bias: Array | None
) -> None:
    padded = gemm._no_bias
    if bias is not None:
        padded = tasks.scratch(padded.size, padded.dtype)
        padded.fill(0)
        tasks.kernel(copy_row, padded, bias)
    cut = gemm._for_threads if is_shared(gemm._work) else gemm._for_one_thread
    panels = Shared(cut.panel_elements * padded.itemsize)
    tasks.launch(
        cut.tasks, a, b, out, padded, panels, gemm._left_offsets, gemm._right_offsets
    )  # fmt: skip


def add_sum(tasks: TaskList, out: Array, given: Operand, axes: tuple[int, ...]) -> None:
    """Add `kernels.reduction.reduce.sum(x, axes)` of a C-contiguous array.

    Raises CannotRunError where that needs Python.
    """
    x = seen_as(given).view
    if x.dtype not in FLOATS or not x.flags.c_contiguous or x.size == 0:
        raise CannotRunError("a sum of other elements")
    view, _ = reduce._view(x.shape, axes, False)
    is_few = x.size <= reduce.PIECE and (x.ndim < 2 or x.size <= reduce.ROWS * x.shape[-1])
    by_kernel = x.size >= reduce.MIN_SIZE or (
        len(axes) < x.ndim and x.size > reduce.ROWS * x.shape[-1]
        and view is not None and len(view) == 3 and view[1] > reduce.ROWS
    )  # fmt: skip
    if view is None:
        raise CannotRunError("a sum over groups of axes")
    if by_kernel and not is_few:
        _add_sum_by_kernel(tasks, out, given, view)
    elif len(axes) == x.ndim:
        tasks.reduction(np.add, out, given)
    elif len(view) == 3 and view[0] == 1 and view[2] > 1:  # NumPy adds row to row
        tasks.kernel(sum_rows, flat(out), _reshaped(given, view[1:]))
    else:
        raise CannotRunError("a sum by NumPy")


def _reshaped(given: Operand, shape: tuple[int, ...]) -> Seen:
    array, view = seen_as(given)
    return Seen(array, view.reshape(shape))


def _add_sum_by_kernel(tasks: TaskList, out: Array, given: Operand, view: tuple[int, ...]) -> None:
    seen = _reshaped(given, view)
    size = seen.view.size
    if len(view) == 2:
        blocks = reduce.blocks_of(reduce.BLOCK, view[1])
        partial = tasks.scratch(view[0] * blocks, np.float64).reshape(view[0], blocks)
        tasks.kernel(reduce._sum_rows, size, flat(out), partial, seen)
        return
    B, K, S = view
    blocks = reduce.blocks_of(reduce.ROWS, K)
    partial = tasks.scratch(B * blocks * S, np.float64)
    tasks.kernel(fill_zeros, partial)
    sums = Seen(out, out.reshape(B, S))
    tasks.kernel(reduce._sum_columns, size, sums, partial.reshape(B, blocks, S), seen)
