"""Approximations of large matrices by few singular vectors, from random projections."""

from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import composed
from minigrad.ops.generator import stream
from minigrad.ops.linalg.decompositions import qr, svd
from minigrad.ops.linalg.lapack import require_matrices


def _approximate_basis(A: V, q: int, niter: int) -> V:
    """Q with q orthonormal columns and Q Q^T A near A.

    Halko, Martinsson & Tropp, "Finding structure with randomness" (2011), algorithm 4.4.
    """
    drawn = stream(None).standard_normal((A.shape[-1], q)).astype(A.array.dtype)
    basis = qr(A @ wrap_like(A, drawn)).Q
    for _ in range(niter):
        rows = qr(A.mT @ basis).Q
        basis = qr(A @ rows).Q
    return basis


@composed
def svd_lowrank(
    A: V, q: int | None = 6, niter: int | None = 2, M: V | None = None
) -> tuple[V, V, V]:
    """U, S and V of the q largest singular values, nearly: U diag(S) V^T is near A, (..., m, n).

    niter: iterations that make it better; M: is subtracted from A first.
    """
    require_matrices("svd_lowrank", A.array)
    if M is not None:
        A = A - M.expand(A.shape)
    m, n = A.shape[-2:]
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    if m >= n:
        basis = _approximate_basis(A, q, niter)
        u, s, vh = svd(basis.mT @ A, False)
        return basis @ u, s, vh.mT
    basis = _approximate_basis(A.mT, q, niter)
    u, s, vh = svd(A @ basis, False)
    return u, s, basis @ vh.mT


@composed
def pca_lowrank(A: V, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[V, V, V]:
    """U, S and V of the q principal components of the rows of A, (..., m, n), nearly.

    q: by default min(6, m, n).  The columns' means are subtracted, unless center=False.
    Raises ValueError for a q beyond m or n, or a negative niter.
    """
    require_matrices("pca_lowrank", A.array)
    least = min(A.shape[-2:])
    q = min(6, least) if q is None else q
    if not 0 <= q <= least:
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={least}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    found: tuple[V, V, V] = svd_lowrank(A - A.mean(dim=-2, keepdim=True) if center else A, q, niter)
    return found
