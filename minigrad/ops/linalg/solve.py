"""Systems of linear equations: inverses, solutions, the Cholesky factor, pseudo-inverses.

The derivatives are those of Giles, "Collected matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008), unless a rule names another source.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.matmul import trsm as kernels
from minigrad.ops.linalg import lapack
from minigrad.ops.linalg.lapack import (
    LinAlgError,
    require_equation,
    require_matrices,
    require_square,
    run,
)

SINGULAR = "The solver failed because the input matrix is singular"


def _regular(*shape: int) -> arr:
    """A matrix far from singular; without repeated rows where it stands alone."""
    return arr.of(*shape, low=-1.0, high=1.0, diagonal=4.0, distinct=len(shape) == 2)


@op(
    node="LinalgInvExBackward0",
    vjp=(lambda g, out, A: -(out.mT @ g @ out.mT),),
    samples=[sample(_regular(3, 3)), sample(_regular(2, 3, 3)), sample(arr.of(0, 0))],
)
def inv(A: Array) -> Array:
    """The inverse of square matrices (..., n, n).

    Raises LinAlgError for a singular matrix, RuntimeError for one that is not square.
    """
    require_square("linalg.inv", A)
    problem = "The inversion could not be completed because the input matrix is singular"
    return run("linalg.inv", problem, lapack.inv, A)


def _solve_rule(g: V, out: V, A: V, B: V, *, wanted: Sequence[int]) -> list[Any]:
    start = solve(A.mT, g)
    return [
        -(start @ out.mT).sum_to_size(A.shape) if 0 in wanted else None,
        start.sum_to_size(B.shape) if 1 in wanted else None,
    ]


@op(
    node="LinalgSolveExBackward0",
    vjp=_solve_rule,
    samples=[
        sample(_regular(3, 3), arr.of(3, 2)),
        sample(_regular(2, 3, 3), arr.of(3, 2)),
        sample(_regular(3, 3), arr.of(2, 3, 1)),
        sample(_regular(2, 3, 3), arr.of(2, 3, 2)),
        sample(arr.of(0, 0), arr.of(0, 2)),
    ],
)
def solve(A: Array, B: Array) -> Array:
    """X with A X = B: (..., n, n), (..., n, k) -> (..., n, k); leading axes broadcast."""
    require_square("linalg.solve", A)
    require_matrices("linalg.solve", A, B)
    require_equation("linalg.solve", A, B)
    return run("linalg.solve", SINGULAR, lapack.solve, A, B)


def _solve_triangular_rule(
    g: V, out: V, A: V, B: V, *, wanted: Sequence[int], upper: bool, unitriangular: bool
) -> list[Any]:
    start = solve_triangular(A.mT, g, upper=not upper, unitriangular=unitriangular)
    slope = None
    if 0 in wanted:
        slope = -(start @ out.mT).sum_to_size(A.shape)
        slope = slope.triu(int(unitriangular)) if upper else slope.tril(-int(unitriangular))
    return [slope, start.sum_to_size(B.shape) if 1 in wanted else None]


@op(
    node="LinalgSolveTriangularBackward0",
    vjp=_solve_triangular_rule,
    samples=[
        sample(_regular(3, 3), arr.of(3, 2), upper=True),
        sample(_regular(2, 3, 3), arr.of(3, 2), upper=False),
        sample(_regular(3, 3), arr.of(2, 3, 1), upper=False, unitriangular=True),
        sample(_regular(9, 9), arr.of(9, 1), upper=True, unitriangular=True),
        sample(arr.of(0, 0), arr.of(0, 2), upper=True),
    ],
)
def solve_triangular(A: Array, B: Array, *, upper: bool, unitriangular: bool = False) -> Array:
    """X with A X = B, reading one triangle of A; leading axes broadcast.

    A zero on the diagonal gives inf and nan, as in torch.
    """
    require_square("linalg.solve_triangular", A)
    require_matrices("linalg.solve_triangular", A, B)
    require_equation("linalg.solve_triangular", A, B)
    return kernels.solve_triangular(A, B, upper=upper, unit=unitriangular)


def _cholesky_rule(g: V, out: V, A: V, *, triangle: str) -> V:
    """Murray, "Differentiation of the Cholesky decomposition" (2016), equation 10."""
    inner = (out.mT @ g).tril()
    inner = inner - inner * (0.5 * inner.new_tensor(np.eye(inner.shape[-1])))
    left = solve_triangular(out.mT, inner, upper=True)
    both = solve_triangular(out.mT, left.mT, upper=True)
    return (both + both.mT) * 0.5


@op(
    node="LinalgCholeskyExBackward0",
    vjp=(_cholesky_rule,),
    samples=[sample(_regular(3, 3)), sample(_regular(2, 3, 3)), sample(arr.of(0, 0))],
)
def cholesky(A: Array, *, triangle: str = "both") -> Array:
    """The lower triangular L with L L^T = A, of symmetric positive definite (..., n, n).

    triangle: what is read of A: "L" or "U", or "both", of which the mean is taken.  The derivative
        is that for a symmetric A in every case, as in torch, and is symmetric.

    Raises LinAlgError if A is not positive definite.
    """
    require_square("linalg.cholesky", A)
    problem = "The factorization could not be completed because the input is not positive-definite"
    return run("linalg.cholesky", problem, lapack.cholesky, read_triangle(A, triangle))


def read_triangle(A: Array, triangle: str) -> Array:
    """A, or what has its upper triangle, or its symmetric part, in the lower triangle."""
    if triangle == "both":
        return (A + A.mT) * A.dtype.type(0.5)
    return A if triangle == "L" else A.mT


# --- least squares --------------------------------------------------------------------------


def _pinv_cotangent(g: V, out: V, A: V) -> V:
    """Golub & Pereyra, "The differentiation of pseudo-inverses ..." (1973), for constant rank."""
    across, along = g.mT @ (out @ out.mT), (out.mT @ out) @ g.mT
    outside_range, outside_rows = across - A @ (out @ across), along - (along @ out) @ A
    return outside_range + outside_rows - out.mT @ g @ out.mT


def _pinv_rule(g: V, out: V, A: V, **_tolerances: Any) -> V:
    return _pinv_cotangent(g, out, A)


@op(
    node="LinalgPinvBackward0",
    vjp=(_pinv_rule,),
    samples=[
        sample(arr.of(3, 3, diagonal=4.0, distinct=True)),
        sample(arr.of(2, 4, 3, diagonal=4.0)),
        sample(arr.of(2, 4, diagonal=4.0, distinct=True)),
        sample(arr.of(0, 3)),
    ],
)
def pinv(
    A: Array, *, atol: float | None = None, rtol: float | None = None, hermitian: bool = False
) -> Array:
    """The Moore-Penrose inverse of matrices: (..., m, n) -> (..., n, m).

    Singular values up to max(atol, rtol * the largest) are taken to be zero; rtol is by default
    max(m, n) times the dtype's precision, or 0 if atol is given.  With `hermitian` the lower
    triangle of symmetric matrices is read.
    """
    require_matrices("linalg.pinv", A)
    if hermitian:
        require_square("linalg.pinv", A)
    u, s, vh = thin_svd("linalg.pinv", A, hermitian)
    kept = s > cutoff(s, A.shape, atol, rtol)
    inverted = np.where(kept, 1, 0).astype(s.dtype) / np.where(kept, s, 1)
    return np.matmul(vh.mT * inverted[..., None, :], u.mT)


@op(vjp=None)
def matrix_rank(
    A: Array, *, atol: float | None = None, rtol: float | None = None, hermitian: bool = False
) -> Array:
    """The number of singular values above max(atol, rtol * the largest), as int64."""
    require_matrices("linalg.matrix_rank", A)
    if hermitian:
        require_square("linalg.matrix_rank", A)
    s = thin_svd("linalg.matrix_rank", A, hermitian)[1]
    return np.asarray(np.count_nonzero(s > cutoff(s, A.shape, atol, rtol), axis=-1), np.int64)


def thin_svd(name: str, A: Array, hermitian: bool) -> tuple[Array, Array, Array]:
    """U, S and V^T of matrices, by eigenvectors if they are symmetric."""
    problem = "The algorithm failed to converge"
    if not hermitian:
        u, s, vh = run(name, problem, _thin_svd, A)
        return u, s, vh
    w, v = run(name, problem, lapack.eigh, A)
    return v * np.sign(w)[..., None, :], np.abs(w), v.mT


def _thin_svd(A: Array) -> tuple[Array, Array, Array]:
    u, s, vh = lapack.svd(A, full_matrices=False)
    return u, s, vh


def cutoff(s: Array, shape: tuple[int, ...], atol: float | None, rtol: float | None) -> Array:
    """The largest singular value that is taken to be zero."""
    if rtol is None:
        rtol = 0.0 if atol else float(max(shape[-2:]) * np.finfo(s.dtype).eps)
    largest = np.max(s, axis=-1, keepdims=True, initial=0.0)
    return np.maximum(atol or 0.0, rtol * largest)


def _lstsq_rule(
    g: V, out: V, A: V, B: V, *, wanted: Sequence[int], rtol: float | None
) -> list[Any]:
    inverse = pinv(A, rtol=rtol)
    return [
        _pinv_cotangent(g @ B.mT, inverse, A) if 0 in wanted else None,
        inverse.mT @ g if 1 in wanted else None,
    ]


@op(
    node="LinalgLstsqBackward0",
    vjp=_lstsq_rule,
    samples=[
        sample(arr.of(4, 3, diagonal=4.0, distinct=True), arr.of(4, 2)),
        sample(arr.of(2, 3, 4, diagonal=4.0), arr.of(2, 3, 1)),
    ],
)
def lstsq(A: Array, B: Array, *, rtol: float | None = None) -> Array:
    """The X of least norm that makes |A X - B| least: (..., m, n), (..., m, k) -> (..., n, k).

    The leading axes of A and B are the same.
    """
    require_matrices("linalg.lstsq", A, B)
    batch, n = A.shape[:-2], A.shape[-1]
    out = np.empty((*batch, n, B.shape[-1]), A.dtype)
    for i in np.ndindex(*batch):
        try:
            out[i] = lapack.lstsq(A[i], B[i], rtol)[0]
        except np.linalg.LinAlgError:
            raise LinAlgError(
                f"linalg.lstsq: the algorithm failed to converge (shape {list(A.shape)})"
            ) from None
    return out
