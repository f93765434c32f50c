"""torch's linear algebra over the declared operations: factors unpacked, arguments as torch has."""

from typing import Any

import numpy as np

from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import composed
from minigrad.engine.step_recorder import numbers_read
from minigrad.ops.dims import broadcast_shapes
from minigrad.ops.linalg import determinants, factorizations, lapack
from minigrad.ops.linalg import solve as systems
from minigrad.ops.linalg.matmul import matmul
from minigrad.ops.packing import unpack
from minigrad.ops.results import (
    QR,
    SVD,
    CholeskyEx,
    Eigh,
    InvEx,
    Lstsq,
    SlogDet,
    SVDWithV,
)

# --- determinants ---------------------------------------------------------------------------


@composed
def slogdet(A: V) -> SlogDet[V]:
    """The sign and the logarithm of the absolute value of determinants; 0 and -inf if singular."""
    found: Any = determinants.slogdet(A)
    logarithm, sign = found
    return SlogDet(sign, logarithm)


@composed
def logdet(input: V) -> V:
    """The logarithm of determinants; nan of a negative one, -inf of 0."""
    sign, logarithm = slogdet(input)
    return logarithm + sign.log()


# --- systems --------------------------------------------------------------------------------


@composed
def solve(A: V, B: V, *, left: bool = True) -> V:
    """X with A X = B, or X A = B if not `left`.

    A: (..., n, n); B: (..., n, k) or vectors (n,) or (..., n) of A's leading sizes, which are
    columns; with `left` False (..., k, n).  Leading sizes broadcast.
    Raises LinAlgError if a matrix of A is singular.
    """
    lapack.require_square("linalg.solve", A.array)
    vectors = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    if vectors and not left:
        raise RuntimeError(
            f"linalg.solve: B of shape {list(B.shape)} is taken for vectors, which are columns: "
            f"for X A = B (left=False) give B as {list(B.shape[:-1])} + [1, {B.shape[-1]}]"
        )
    right = B.unsqueeze(-1) if vectors else B
    found = systems.solve(A, right) if left else systems.solve(A.mT, right.mT).mT
    return found.squeeze(-1) if vectors else found


@composed
def solve_triangular(
    A: V, B: V, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> V:
    """X with A X = B, or X A = B if not `left`, reading one triangle of A.

    With `unitriangular` the diagonal of A is taken to be 1.  Leading sizes broadcast.
    """
    lapack.require_matrices("linalg.solve_triangular", A.array, B.array)
    if left:
        return systems.solve_triangular(A, B, upper=upper, unitriangular=unitriangular)
    return systems.solve_triangular(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT


@composed
def cholesky(A: V, upper: bool = False) -> V:
    """The lower triangular L with L L^T = A, or with `upper` the upper triangular U^T U = A.

    Reads that triangle of symmetric positive definite matrices (..., n, n) alone; the gradient is
    that for a symmetric matrix.  Raises LinAlgError if A is not positive definite.
    """
    if upper:
        return systems.cholesky(A, triangle="U").mT
    return systems.cholesky(A, triangle="L")


@composed(node="CholeskySolveBackward0")
def cholesky_solve(B: V, L: V, upper: bool = False) -> V:
    """X with A X = B, where L is the Cholesky factor of A (its transpose if `upper`)."""
    lower = L.mT if upper else L
    half = systems.solve_triangular(lower, B, upper=False)
    return systems.solve_triangular(lower.mT, half, upper=True)


@composed(node="CholeskyInverseBackward0")
def cholesky_inverse(L: V, upper: bool = False) -> V:
    """The inverse of the matrix whose Cholesky factor is L (its transpose if `upper`)."""
    lapack.require_square("cholesky_inverse", L.array)
    return cholesky_solve(_identity_like(L), L, upper)


@composed
def pinverse(input: V, rcond: float = 1e-15) -> V:
    """`torch.pinverse`: `linalg.pinv` with a tolerance relative to the largest singular value."""
    return systems.pinv(input, rtol=rcond)


def _identity_like(A: V) -> V:
    return A.new_tensor(np.broadcast_to(np.eye(A.shape[-1]), A.shape))


def _first_failing(A: V, function: Any) -> tuple[V, V]:
    """`function` of each matrix, nan where it fails, and 1 where it does, else 0."""
    out, info = np.empty_like(A.array), np.zeros(A.shape[:-2], np.int32)
    for i in np.ndindex(*A.shape[:-2]):
        try:
            out[i] = function(A.array[i])
        except np.linalg.LinAlgError:
            out[i], info[i] = np.nan, 1
    return wrap_like(A, out), wrap_like(A, np.asarray(info))


@composed
def inv_ex(A: V, *, check_errors: bool = False) -> InvEx[V]:
    """The inverse, and for each matrix an int32 that is 0 where it was found.

    Where it was not the inverse is nan, unless check_errors asks for the LinAlgError.
    PyTorch differs: its info tells the row, and its result has the elements found up to there.
    """
    lapack.require_square("linalg.inv_ex", A.array)
    found, info = _first_failing(A, lapack.inv)
    failed = bool(numbers_read(info.array, info.array.any()))
    return InvEx(found if failed and not check_errors else systems.inv(A), info)


@composed
def cholesky_ex(A: V, *, upper: bool = False, check_errors: bool = False) -> CholeskyEx[V]:
    """The Cholesky factor, and for each matrix an int32 that is 0 where it was found.

    Where it was not the factor is nan, unless check_errors asks for the LinAlgError.
    PyTorch differs: its info tells the minor, and its result has the elements found up to there.
    """
    refuse_complex("cholesky_ex", A)
    lapack.require_square("linalg.cholesky_ex", A.array)
    found, info = _first_failing(A.mT if upper else A, lapack.cholesky)
    if numbers_read(info.array, info.array.any()) and not check_errors:
        return CholeskyEx(found.mT if upper else found, info)
    return CholeskyEx(cholesky(A, upper=upper), info)


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@composed
def lstsq(A: V, B: V, rcond: float | None = None, *, driver: str | None = None) -> Lstsq[V]:
    """The X that makes |A X - B| least: (..., m, n) and (..., m, k) or (..., m) -> (..., n, k).

    The leading dimensions broadcast if A and B have as many.
    Of several X the one of least norm.  Also the sums of squared residuals (if m > n and all
    matrices have full rank, but not for "gelsy", the default), the ranks (not for "gels") and the
    singular values (for "gelsd" and "gelss"); empty otherwise.

    PyTorch differs: every driver is NumPy's gelsd.
    """
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of {_DRIVERS}, got {driver!r}"
        )
    lapack.require_matrices("linalg.lstsq", A.array)
    vectors = B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]
    if B.ndim not in (A.ndim, A.ndim - 1) or (B.ndim == A.ndim - 1 and not vectors):
        raise RuntimeError(
            f"linalg.lstsq: input of shape {list(A.shape)} needs another one of as many "
            f"dimensions, or of shape {list(A.shape[:-1])}, got {list(B.shape)}"
        )
    right = B.unsqueeze(-1) if vectors else B
    if right.shape[-2] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.lstsq: input of shape {list(A.shape)} and other of shape {list(B.shape)} "
            f"should match in the number of rows"
        )
    batch = broadcast_shapes(A.shape[:-2], right.shape[:-2])
    A, right = (x.expand((*batch, *x.shape[-2:])) for x in (A, right))
    found = systems.lstsq(A, right, rtol=rcond)
    m, n = A.shape[-2:]
    s = lapack.svd(A.array, compute_uv=False)
    ranks = np.count_nonzero(s > systems.cutoff(s, A.shape, None, rcond), axis=-1)
    residuals = A.new_empty(0)
    if m > n and driver not in (None, "gelsy") and (ranks == n).all():
        residuals = ((matmul(A, found) - right) ** 2).sum(dim=-2)
    rank = A.new_tensor([] if driver == "gels" else ranks, dtype=int)
    values = A.new_tensor(s if driver in ("gelsd", "gelss") else [])
    return Lstsq(found.squeeze(-1) if vectors else found, residuals, rank, values)


# --- factorizations -------------------------------------------------------------------------


@composed(node="LinalgQrBackward0")
def qr(A: V, mode: str = "reduced") -> QR[V]:
    """Q with orthonormal columns and upper triangular R with Q R = A, (..., m, n).

    mode: "reduced" (Q has min(m, n) columns), "complete" (m), or "r" (Q is empty).
    PyTorch differs: with mode "r" R can be differentiated.
    """
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), "
            f"'r', or 'complete'"
        )
    lapack.require_matrices("linalg.qr", A.array)
    factors = "complete" if mode == "complete" else "reduced"
    q, r = unpack(factorizations.qr(A, mode=factors), *factorizations.qr_shapes(A.shape, factors))
    return QR(A.new_empty(0) if mode == "r" else q, r)


def _require_triangle(UPLO: Any) -> str:
    if not isinstance(UPLO, str) or UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper()


@composed(node="LinalgEighBackward0")
def eigh(A: V, UPLO: str = "L") -> Eigh[V]:
    """Ascending eigenvalues (..., n) and eigenvectors in columns (..., n, n) of symmetric matrices.

    Only the triangle UPLO is read; the gradient is that for a symmetric matrix.  Derivatives of
    eigenvectors of equal eigenvalues do not exist: they come as inf or nan.
    PyTorch differs: the gradient is always symmetric; torch's may have an antisymmetric part, which
    no symmetric change of the matrix meets.
    """
    triangle = _require_triangle(UPLO)
    lapack.require_square("linalg.eigh", A.array)
    return Eigh(
        *unpack(factorizations.eigh(A, triangle=triangle), *factorizations.eigh_shapes(A.shape))
    )


@composed(node="LinalgEighBackward0")
def eigvalsh(A: V, UPLO: str = "L") -> V:
    """Ascending eigenvalues (..., n) of symmetric matrices (..., n, n)."""
    return eigh(A, UPLO).eigenvalues


@composed(node="LinalgSvdBackward0")
def svd(A: V, full_matrices: bool = True, *, driver: str | None = None) -> SVD[V]:
    """U, the descending singular values S and Vh = V^T with U diag(S) Vh = A, (..., m, n).

    full_matrices: U is (m, m) and Vh (n, n); else (m, k) and (k, n) with k = min(m, n).
    Derivatives of vectors of equal singular values do not exist: they come as inf or nan.
    Raises RuntimeError for a driver, which chooses among cuSOLVER's; LinAlgError without
    convergence.
    """
    if driver is not None:
        raise RuntimeError(
            "linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
            "cuSOLVER backend."
        )
    lapack.require_matrices("linalg.svd", A.array)
    packed = factorizations.svd(A, full_matrices=full_matrices)
    return SVD(*unpack(packed, *factorizations.svd_shapes(A.shape, full_matrices)))


@composed
def svd_with_v(input: V, some: bool = True, compute_uv: bool = True) -> SVDWithV[V]:
    """`torch.svd`: U, S and V with U diag(S) V^T = input; without compute_uv U and V are zero."""
    m, n = input.shape[-2:] if input.ndim >= 2 else (0, 0)
    u, s, vh = svd(input, not some and compute_uv)
    if not compute_uv:
        batch = input.shape[:-2]
        return SVDWithV(input.new_zeros(*batch, m, m), s, input.new_zeros(*batch, n, n))
    return SVDWithV(u, s, vh.mT)


@composed(node="LinalgSvdBackward0")
def svdvals(A: V, *, driver: str | None = None) -> V:
    """The descending singular values (..., min(m, n)) of matrices (..., m, n)."""
    return svd(A, False, driver=driver).S
