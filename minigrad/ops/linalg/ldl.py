"""Factors of symmetric indefinite matrices, packed as LAPACK's sytrf packs them.

P^T A P = L D L^T for a unit lower triangular L and a D of 1-by-1 and 2-by-2 blocks on the
diagonal.  A pivot k > 0 says that row k was exchanged with the pivot's row, counted from 1; two
equal negative ones that the two rows are a block, and its second row was exchanged with row -k.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, composed, op, sample
from minigrad.engine.step_recorder import numbers_read
from minigrad.ops.indexing.along_dim import take_along_dim
from minigrad.ops.linalg import lapack
from minigrad.ops.linalg.lapack import (
    LinAlgError,
    require_equation,
    require_matrices,
    require_square,
)
from minigrad.ops.linalg.solve import read_triangle, solve, solve_triangular
from minigrad.ops.results import LDLFactor, LDLFactorEx
from minigrad.ops.shape.copies import tril

# Bunch & Kaufman, "Some stable methods for calculating inertia ..." (1977): the pivot's least size.
ALPHA = (1 + np.sqrt(17.0)) / 8


def _choose_pivot(rest: Array) -> tuple[int, int]:
    """The row to bring to the front of a symmetric matrix, and the size of the block, 1 or 2."""
    column = np.abs(rest[1:, 0])
    largest = int(np.argmax(column)) + 1 if column.size else 0
    size = column[largest - 1] if column.size else 0.0
    if max(abs(rest[0, 0]), size) == 0 or abs(rest[0, 0]) >= ALPHA * size:
        return 0, 1
    row = np.abs(rest[largest])
    beside = max(row[:largest].max(), row[largest + 1 :].max(initial=0))
    if abs(rest[0, 0]) >= ALPHA * size * (size / beside):
        return 0, 1
    return largest, 1 if row[largest] >= ALPHA * beside else 2


def _factor(work: Array) -> tuple[Array, int]:
    """Factor one symmetric matrix in place; the pivots, and the first block that is 0, or 0."""
    n = len(work)
    pivots, info, k = np.empty(n, np.int32), 0, 0
    while k < n:
        row, size = _choose_pivot(work[k:, k:])
        front, end = k + size - 1, k + size
        if row:
            rows, turned = [front, k + row], [k + row, front]
            work[rows] = work[turned]
            work[k:, rows] = work[k:, turned]
        block = work[k:end, k:end]
        if size == 1 and block[0, 0] == 0:
            info = info or k + 1
        else:
            below = work[end:, k:end].copy()
            work[end:, k:end] = lapack.solve(block, below.T).T
            work[end:, end:] -= work[end:, k:end] @ below.T
        pivots[k:end] = k + row + 1 if size == 1 else -(k + row + 1)
        k = end
    return pivots, info


def _blocks(pivots: Array) -> Iterator[tuple[int, int, int]]:
    """The blocks of D: the first row, the one after the last, and the row exchanged with that."""
    k = 0
    while k < len(pivots):
        end = k + (1 if pivots[k] > 0 else 2)
        yield k, end, abs(int(pivots[k])) - 1
        k = end


def _of_each(pivots: Array, make: Callable[[Array], Array]) -> Array:
    """A matrix for the pivots of each matrix: (..., n) -> (..., n, n)."""
    out = np.empty((*pivots.shape, pivots.shape[-1]))
    for i in np.ndindex(*pivots.shape[:-1]):
        out[i] = make(pivots[i])
    return out


def _same_block(pivots: Array) -> Array:
    """1 where two rows belong to one block of D."""
    out = np.zeros((len(pivots), len(pivots)))
    for k, end, _ in _blocks(pivots):
        out[k:end, k:end] = 1
    return out


def _permutation(pivots: Array) -> Array:
    """The matrix P of all exchanges."""
    out = np.eye(len(pivots))
    for _, end, other in _blocks(pivots):
        out[[end - 1, other]] = out[[other, end - 1]]
    return out.T


def _rows_when_made(pivots: Array) -> Array:
    """For each element of L the row that it was in when its column was made.

    LAPACK leaves the columns of L as they were then: later exchanges do not reach them.
    """
    out = np.repeat(np.arange(len(pivots))[:, None], len(pivots), axis=1)
    for k, end, other in _blocks(pivots):
        out[[end - 1, other], :k] = out[[other, end - 1], :k]
    return out


def _split(packed: V, pivots: Array) -> tuple[V, V]:
    """L and D of factors whose rows are in their final order."""
    same = packed.new_tensor(_of_each(pivots, _same_block))
    lower = tril(packed)
    diagonal = lower * same
    unit = packed.new_tensor(np.eye(packed.shape[-1]))
    return lower - diagonal + unit, diagonal + tril(diagonal, diagonal=-1).mT


def _ldl_rule(g: V, out: Any, A: V, *, triangle: str) -> V:
    """By L^-1 dA L^-T = L^-1 dL D + dD + D dL^T L^-T, whose parts are in different blocks."""
    found: Any = ldl(A, triangle=triangle)  # recorded, for derivatives of the gradient
    packed, pivots = found[0], found[1].array
    lower, diagonal = _split(packed, pivots)
    blocks = packed.new_tensor(_of_each(pivots, _same_block))
    of_factors = tril(g)
    of_lower = of_factors - of_factors * blocks
    inner = tril(lower.mT @ of_lower)
    inner = solve(diagonal, (inner - inner * blocks).mT).mT
    inner = tril(inner) - tril(inner) * blocks + of_factors * blocks
    left = solve_triangular(lower.mT, inner, upper=True, unitriangular=True)
    both = solve_triangular(lower.mT, left.mT, upper=True, unitriangular=True)
    order = packed.new_tensor(_of_each(pivots, _permutation))
    slope = order @ both @ order.mT
    return (slope + slope.mT) * 0.5


@op(
    vjp=(_ldl_rule,),
    samples=[
        sample(arr.of(4, 4, distinct=True)),
        sample(arr.of(2, 3, 3, diagonal=4.0)),
        sample(arr.of(0, 0)),
    ],
)
def ldl(A: Array, *, triangle: str = "both") -> tuple[Array, Array, Array]:
    """L and D in one matrix, L's rows in their final order; as by-products pivots and infos.

    triangle: what is read of A, as in `cholesky`; the derivative is that for a symmetric matrix.
    """
    require_square("torch.linalg.ldl_factor_ex", A)
    whole = read_triangle(A, triangle)
    packed = np.tril(whole) + np.tril(whole, -1).mT
    pivots = np.empty(A.shape[:-1], np.int32)
    info = np.zeros(A.shape[:-2], np.int32)
    for i in np.ndindex(*A.shape[:-2]):
        pivots[i], info[i] = _factor(packed[i])
    return np.tril(packed), pivots, info


@composed
def ldl_factor_ex(A: V, *, hermitian: bool = False, check_errors: bool = False) -> LDLFactorEx[V]:
    """L and D of symmetric (..., n, n), packed; pivots; an int32 that is 0 if D has an inverse.

    The lower triangle is read.  hermitian: of no account for real numbers.
    Raises LinAlgError if D has no inverse and check_errors is set.
    PyTorch differs: it has a derivative, for symmetric matrices.
    """
    found: Any = ldl(A, triangle="L")
    packed, pivots, info = found
    if check_errors and numbers_read(info.array, info.array.any()):
        raise LinAlgError(
            f"torch.linalg.ldl_factor_ex: D[{info.array.max()},{info.array.max()}] is zero, and "
            f"using it in ldl_solve would result in a division by zero"
        )
    rows = np.argsort(_of_each(pivots.array, _rows_when_made), axis=-2)  # their inverse
    return LDLFactorEx(take_along_dim(packed, wrap_like(A, rows), -2), pivots, info)


@composed
def ldl_factor(A: V, *, hermitian: bool = False) -> LDLFactor[V]:
    """`ldl_factor_ex` without infos.  Raises LinAlgError if D has no inverse."""
    packed, pivots, _ = ldl_factor_ex(A, hermitian=hermitian, check_errors=True)
    return LDLFactor(packed, pivots)


@composed
def ldl_solve(LD: V, pivots: V, B: V, *, hermitian: bool = False) -> V:
    """X with A X = B, of what ldl_factor gave for A.

    LD: (..., n, n); pivots: (..., n); B: (..., n, k).  Leading sizes broadcast.
    hermitian: of no account for real numbers.
    """
    name = "torch.linalg.ldl_solve"
    require_square(name, LD.array)
    require_matrices(name, LD.array, B.array)
    require_equation(name, LD.array, B.array)
    if pivots.array.dtype.kind not in "iu" or pivots.shape != LD.shape[:-1]:
        raise RuntimeError(
            f"{name}: Expected pivots to be integers of shape {list(LD.shape[:-1])}, got "
            f"{pivots.dtype} of shape {list(pivots.shape)}"
        )
    rows = wrap_like(LD, _of_each(pivots.array, _rows_when_made).astype(np.int64))
    lower, diagonal = _split(take_along_dim(LD, rows, -2), pivots.array)
    order = LD.new_tensor(_of_each(pivots.array, _permutation))
    half = solve_triangular(lower, order.mT @ B, upper=False, unitriangular=True)
    whole = solve(diagonal, half)
    return order @ solve_triangular(lower.mT, whole, upper=True, unitriangular=True)
