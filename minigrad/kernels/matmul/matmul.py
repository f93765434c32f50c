"""Matrix products: the choice of what multiplies operands of some shapes and layouts."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from minigrad.kernels.compiler.plan_record import Layout
from minigrad.kernels.matmul import gemm_nt, gemv, stack
from minigrad.kernels.matmul.gemm import Gemm
from minigrad.kernels.simd.math import FLOATS

# NumPy's product is one BLAS call on one thread up to so many multiply-adds, and there it costs
# less than the call of a compiled kernel.
SMALL = 262_144
# The sum of so many products is kept in the operands' type, and those of longer axes in float64.
DEEPEST = 16_384

_HALF = "e"  # the code of float16
_multiply = np.dot  # of two matrices the same call of BLAS as np.matmul, half a microsecond sooner

# `matmul` for operands of some shapes and strides
Product = Callable[[np.ndarray, np.ndarray, np.ndarray | None], np.ndarray]


def matmul(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """a @ b (+ bias): (..., m, k), (..., k, n) and (n,) -> (..., m, n); leading axes broadcast.

    Both operands have at least two axes and one dtype.  The order of each sum does not depend on
    the number of threads.
    """
    if (
        a.ndim == b.ndim == 2
        and a.size * b.shape[1] <= SMALL
        and a.shape[1] <= DEEPEST
        and a.flags.forc
        and b.flags.forc
        and a.dtype.char != _HALF
    ):  # `_by_blas`, with no call to spare
        product: np.ndarray = _multiply(a, b)
        return product if bias is None else product + bias
    aligned = a.flags.aligned and b.flags.aligned
    return _select_algorithm((a.shape, a.strides), (b.shape, b.strides), a.dtype, aligned)(
        a, b, bias
    )


@lru_cache(1024)
def _select_algorithm(left: Layout, right: Layout, dtype: np.dtype, aligned: bool) -> Product:
    """The fastest product of operands with these shapes and strides."""
    (left_shape, left_strides), (right_shape, right_strides) = left, right
    batch = np.broadcast_shapes(left_shape[:-2], right_shape[:-2])
    work = math.prod(batch) * math.prod(left_shape[-2:]) * right_shape[-1]
    matrices, size = len(left_shape) == len(right_shape) == 2, dtype.itemsize
    if work == 0 or dtype not in FLOATS:
        return _by_blas
    in_place = _select_in_place(left, right, dtype) if aligned else None
    if in_place is not None:
        return in_place
    # NumPy calls BLAS where rows or columns are contiguous; others it multiplies one by one.
    deep = left_shape[-1] > DEEPEST and size == 4
    if work <= SMALL and not deep and size in left_strides[-2:] and size in right_strides[-2:]:
        return _by_blas
    if not aligned:  # tasks step through operands by whole elements
        return lambda a, b, bias: matmul(a.copy(), b.copy(), bias)
    by_vector = _select_for_vector(left, right, dtype) if matrices else None
    if by_vector is not None:
        return by_vector
    return _by_pieces if deep else _select_for_large(left, right, dtype)


def _select_in_place(left: Layout, right: Layout, dtype: np.dtype) -> Product | None:
    """The product that packs nothing, if the operands suit one."""
    if len(left[0]) == len(right[0]) == 2:
        return gemm_nt.inner_products if gemm_nt.fits(left, right, dtype.itemsize) else None
    return stack.Stack(left, right, dtype) if stack.fits(left, right, dtype.itemsize) else None


def _select_for_vector(left: Layout, right: Layout, dtype: np.dtype) -> Product | None:
    """The product with one column, or one row, if that is what the operands are."""
    size = dtype.itemsize
    if right[0][1] == 1 and gemv.fits(*left, size):
        return lambda a, b, bias: _plus(gemv.matvec(a, b[:, 0])[:, None], bias)
    if left[0][0] == 1 and gemv.fits(*right, size):
        return lambda a, b, bias: _plus(gemv.matvec(b.T, a[0])[None], bias)
    return None


def _by_pieces(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """Products over DEEPEST of k each, added in float64."""
    total = matmul(a[..., :DEEPEST], b[..., :DEEPEST, :]).astype(np.float64)
    for start in range(DEEPEST, a.shape[-1], DEEPEST):
        end = start + DEEPEST
        total += matmul(a[..., start:end], b[..., start:end, :])
    return _plus(total, bias).astype(a.dtype)


def _select_for_large(left: Layout, right: Layout, dtype: np.dtype) -> Product:
    """As `_select_algorithm`, for float operands that BLAS and `gemm_nt` do not suit."""
    (*batch, m, k), (*others, _, n) = left[0], right[0]
    if batch and not others and _is_contiguous(left, dtype.itemsize):
        return lambda a, b, bias: matmul(a.reshape(-1, k), b, bias).reshape(*batch, m, n)
    return Gemm(left, right, dtype)


def _is_contiguous(layout: Layout, itemsize: int) -> bool:
    expected = itemsize
    for length, stride in zip(*map(reversed, layout), strict=True):
        if length != 1 and stride != expected:
            return False
        expected *= length
    return True


def _by_blas(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    if a.dtype.char == _HALF:  # BLAS does not know it, and NumPy would add in it
        wide = None if bias is None else bias.astype(np.float32)
        return matmul(a.astype(np.float32), b.astype(np.float32), wide).astype(np.float16)
    return _plus(np.matmul(a, b), bias)


def _plus(product: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    return product if bias is None else product + bias
