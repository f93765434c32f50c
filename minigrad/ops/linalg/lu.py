"""LU factorizations.  The order of rows depends on comparisons alone and has no derivative."""

from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, composed, op, sample
from minigrad.ops.indexing.along_dim import take_along_dim
from minigrad.ops.linalg.lapack import (
    LinAlgError,
    require_equation,
    require_matrices,
    require_square,
)
from minigrad.ops.linalg.matmul import matmul
from minigrad.ops.linalg.solve import solve_triangular
from minigrad.ops.results import LU, LUFactor, LUFactorEx
from minigrad.ops.shape.copies import concatenate, tril, triu


def _lu_rule(g: V, out: V, A: V) -> V:
    """Walter & Lehmann, "Algorithmic differentiation of linear algebra functions" (2010)."""
    lower = tril(out, diagonal=-1)
    inner = tril(lower.mT @ tril(g, diagonal=-1) + tril(g, diagonal=-1), diagonal=-1)
    inner = inner + triu(triu(g) @ triu(out).mT)
    right = solve_triangular(triu(out), inner.mT, upper=True).mT
    return solve_triangular(lower.mT, right, upper=True, unitriangular=True)


@op(
    node="LinalgLuFactorExBackward0",
    vjp=(_lu_rule,),
    samples=[
        sample(arr.of(3, 3, diagonal=5.0)),
        sample(arr.of(2, 2, 2, diagonal=5.0)),
        sample(arr.of(0, 0)),
    ],
)
def _lu(A: Array) -> Array:
    """L and U with L U = A for square matrices (..., n, n) as they stand, packed in one matrix.

    U is its upper triangle, L what is below, with ones on the diagonal.
    """
    packed = np.array(A)
    for k in range(packed.shape[-1] - 1):
        pivot = packed[..., k : k + 1, k : k + 1]
        packed[..., k + 1 :, k : k + 1] /= np.where(pivot == 0, 1, pivot)
        packed[..., k + 1 :, k + 1 :] -= (
            packed[..., k + 1 :, k : k + 1] * packed[..., k : k + 1, k + 1 :]
        )
    return packed


def _row_order(A: Array) -> tuple[Array, Array]:
    """The rows in the order that partial pivoting puts them, and the exchanges, counted from 1."""
    m, n = A.shape[-2:]
    steps = min(m, n)
    order = np.empty((*A.shape[:-2], m), np.int64)
    exchanges = np.empty((*A.shape[:-2], steps), np.int32)
    for i in np.ndindex(*A.shape[:-2]):
        work, rows = A[i].copy(), np.arange(m)
        for k in range(steps):
            pivot = k + int(np.argmax(np.abs(work[k:, k])))
            exchanges[i][k] = pivot + 1
            work[[k, pivot]], rows[[k, pivot]] = work[[pivot, k]], rows[[pivot, k]]
            if work[k, k] != 0:
                work[k + 1 :, k] /= work[k, k]
            work[k + 1 :, k + 1 :] -= np.outer(work[k + 1 :, k], work[k, k + 1 :])
        order[i] = rows
    return order, exchanges


def _packed(ordered: V) -> V:
    """L and U of (..., m, n) in one matrix: of the square block, and of what is beside or below."""
    m, n = ordered.shape[-2:]
    if m == n:
        return _lu(ordered)
    k = min(m, n)
    block = _lu(ordered[..., :k, :k])
    if n > m:
        beside = solve_triangular(block, ordered[..., k:], upper=False, unitriangular=True)
        return concatenate(block, beside, dim=-1)
    below = solve_triangular(block.mT, ordered[..., k:, :].mT, upper=False).mT
    return concatenate(block, below, dim=-2)


def _factored(name: str, A: V, pivot: bool) -> tuple[Any, Array, Array]:
    """Packed factors, the order of rows, and the exchanges that lead to it."""
    require_matrices(name, A.array)
    if pivot:
        order, exchanges = _row_order(A.array)
        index = wrap_like(A, order[..., None])
        return _packed(take_along_dim(A, index, -2)), order, exchanges
    m, n = A.shape[-2:]
    order = np.broadcast_to(np.arange(m), (*A.shape[:-2], m))
    counted = np.arange(1, min(m, n) + 1, dtype=np.int32)
    return _packed(A), order, np.broadcast_to(counted, (*A.shape[:-2], counted.size)).copy()


@composed
def lu(A: V, *, pivot: bool = True) -> LU[V]:
    """P, L and U with P L U = A: a permutation, unit lower and upper triangular, (..., m, n).

    With pivot=False no rows are exchanged, and P is empty.
    """
    packed, order, _ = _factored("linalg.lu", A, pivot)
    m, n = A.shape[-2:]
    k = min(m, n)
    lower = tril(packed[..., :k], diagonal=-1) + A.new_tensor(np.eye(m, k))
    upper = triu(packed[..., :k, :])
    permutation = A.new_empty(0)
    if pivot:
        permutation = A.new_tensor(np.eye(m)[order].swapaxes(-1, -2))
    return LU(permutation, lower, upper)


@composed
def lu_factor_ex(A: V, *, pivot: bool = True, check_errors: bool = False) -> LUFactorEx[V]:
    """`lu_factor`, and for each matrix an int32: 0, or which element of U's diagonal is 0 first.

    Raises LinAlgError if there is one and check_errors is set.
    """
    packed, _, exchanges = _factored("linalg.lu_factor_ex", A, pivot)
    zero = np.diagonal(packed.array, axis1=-2, axis2=-1) == 0
    found = zero.any(axis=-1)
    first = np.argmax(zero, axis=-1) + 1 if zero.shape[-1] else 0
    info = np.where(found, first, 0).astype(np.int32)
    if check_errors and found.any():
        raise LinAlgError(
            f"linalg.lu_factor: U[{info.max()},{info.max()}] is zero and using it on lu_solve "
            f"would result in a division by zero"
        )
    return LUFactorEx(packed, wrap_like(A, exchanges), wrap_like(A, np.asarray(info)))


@composed
def lu_factor(A: V, *, pivot: bool = True) -> LUFactor[V]:
    """L and U in one matrix (..., m, n), and the rows exchanged in turn, counted from 1.

    Raises LinAlgError if U has a zero on its diagonal.
    """
    packed, pivots, _ = lu_factor_ex(A, pivot=pivot, check_errors=True)
    return LUFactor(packed, pivots)


@composed(node="LinalgLuSolveBackward0")
def lu_solve(LU: V, pivots: V, B: V, *, left: bool = True, adjoint: bool = False) -> V:
    """X with A X = B (X A = B if not `left`, A^T for A if `adjoint`), of what lu_factor gave for A.

    LU: (..., n, n); pivots: (..., n); B: (..., n, k).  Leading sizes broadcast.
    """
    if not left:
        return lu_solve(LU, pivots, B.mT, adjoint=not adjoint).mT
    require_square("linalg.lu_solve", LU.array)
    require_matrices("linalg.lu_solve", LU.array, B.array)
    require_equation("linalg.lu_solve", LU.array, B.array)
    permutation = LU.new_tensor(permutation_of(pivots.array, LU.shape[-1]))
    if adjoint:
        half = solve_triangular(LU.mT, B, upper=False)
        whole = solve_triangular(LU.mT, half, upper=True, unitriangular=True)
        return matmul(permutation, whole)
    half = solve_triangular(LU, matmul(permutation.mT, B), upper=False, unitriangular=True)
    return solve_triangular(LU, half, upper=True)


def permutation_of(exchanges: Array, n: int) -> Array:
    """The matrix P of exchanges made one after the other: P^T puts the rows in their order."""
    out = np.empty((*exchanges.shape[:-1], n, n))
    for i in np.ndindex(*exchanges.shape[:-1]):
        order = np.arange(n)
        for k, chosen in enumerate(exchanges[i] - 1):
            order[[k, chosen]] = order[[chosen, k]]
        out[i] = np.eye(n)[order].T
    return out
