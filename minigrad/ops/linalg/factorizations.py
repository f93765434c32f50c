"""Factorizations of matrices with several factors: QR, eigenvectors, singular vectors.

Each operation gives its factors packed (see `packing`).  Signs of columns are LAPACK's choice; a
derivative of the factors is that of the factors with these signs.
"""

from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.engine.op import arr, op, sample
from minigrad.ops.linalg import lapack
from minigrad.ops.linalg.lapack import require_matrices, require_square, run
from minigrad.ops.linalg.solve import read_triangle, solve_triangular
from minigrad.ops.packing import Shape, pack, unpack
from minigrad.ops.shape.copies import concatenate

FAILED = "The algorithm failed to converge"


def _ratio(numerator: V, denominator: V) -> V:
    """numerator / denominator, with 0 / 0 = 0: what no cotangent reaches has no derivative."""
    both_zero = (numerator.array == 0) & (denominator.array == 0)
    return numerator / (denominator + numerator.new_tensor(both_zero))


def _off_diagonal(x: V) -> V:
    return x * x.new_tensor(1 - np.eye(x.shape[-1]))


def _diagonal_matrix(x: V) -> V:
    """(..., n) -> (..., n, n)."""
    return x.unsqueeze(-1) * x.new_tensor(np.eye(x.shape[-1]))


# --- QR -------------------------------------------------------------------------------------


def qr_shapes(shape: Shape, mode: str) -> tuple[Shape, Shape]:
    """The shapes of Q and R for one matrix."""
    m, n = shape[-2:]
    k = m if mode == "complete" else min(m, n)
    return (m, k), (k, n)


def _tall_qr_rule(g_q: V, g_r: V, q: V, r: V) -> V:
    """Walter & Lehmann, "Algorithmic differentiation of linear algebra functions" (2010)."""
    inner = (g_r @ r.mT - q.mT @ g_q).triu()
    symmetric = inner.triu(1) + inner.mT
    return solve_triangular(r, (g_q + q @ symmetric).mT, upper=True).mT


def _qr_rule(g: V, out: V, A: V, *, mode: str) -> V:
    shapes = qr_shapes(A.shape, mode)
    (q, r), (g_q, g_r) = unpack(out, *shapes), unpack(g, *shapes)
    m, n = A.shape[-2:]
    if m > n and mode == "complete":
        raise RuntimeError(
            f"The QR decomposition is not differentiable when mode='complete' and nrows > ncols, "
            f"as for shape {list(A.shape)}"
        )
    if m >= n:
        return _tall_qr_rule(g_q, g_r, q, r)
    # A = [X Y] with X = Q U and Y = Q V: Q comes of X alone, and V = Q^T Y.
    g_v = g_r[..., m:]
    g_x = _tall_qr_rule(g_q + q @ r[..., m:] @ g_v.mT, g_r[..., :m], q, r[..., :m])
    return concatenate(g_x, q @ g_v, dim=-1)


@op(
    node="LinalgQrBackward0",
    vjp=(_qr_rule,),
    samples=[
        sample(arr.of(3, 3, diagonal=3.0, distinct=True)),
        sample(arr.of(2, 4, 2, diagonal=3.0, distinct=True)),
        sample(arr.of(2, 4, diagonal=3.0, distinct=True)),
        sample(arr.of(2, 3, 3, diagonal=3.0), mode="complete"),
        sample(arr.of(0, 2)),
    ],
)
def qr(A: Array, *, mode: str = "reduced") -> Array:
    """Q with orthonormal columns and upper triangular R with Q R = A, packed; mode as torch's."""
    require_matrices("linalg.qr", A)
    return pack(*lapack.qr(A, mode), core=(2, 2))  # type: ignore[call-overload]


# --- symmetric eigenvalues ------------------------------------------------------------------


def eigh_shapes(shape: Shape) -> tuple[Shape, Shape]:
    """The shapes of the eigenvalues and eigenvectors of one matrix."""
    return shape[-1:], shape[-2:]


def _eigh_rule(g: V, out: V, A: V, *, triangle: str) -> V:
    """Giles 2008, section 3.1; made symmetric, as the matrix is."""
    shapes = eigh_shapes(A.shape)
    (w, v), (g_w, g_v) = unpack(out, *shapes), unpack(g, *shapes)
    gaps = w.unsqueeze(-2) - w.unsqueeze(-1)
    inner = _diagonal_matrix(g_w) + _ratio(_off_diagonal(v.mT @ g_v), gaps)
    slope = v @ inner @ v.mT
    return (slope + slope.mT) * 0.5


@op(
    node="LinalgEighBackward0",
    vjp=(_eigh_rule,),
    samples=[
        sample(arr.of(3, 3, distinct=True)),
        sample(arr.of(2, 3, 3, distinct=True)),
        sample(arr.of(0, 0)),
    ],
)
def eigh(A: Array, *, triangle: str = "both") -> Array:
    """Ascending eigenvalues and eigenvectors of symmetric matrices, packed.

    triangle: what is read of A, as in `cholesky`.
    """
    require_square("linalg.eigh", A)
    w, v = run("linalg.eigh", FAILED, lapack.eigh, read_triangle(A, triangle))
    return pack(w, v, core=(1, 2))


# --- singular values ------------------------------------------------------------------------


def svd_shapes(shape: Shape, full_matrices: bool) -> tuple[Shape, Shape, Shape]:
    """The shapes of U, S and V^T for one matrix."""
    m, n = shape[-2:]
    k = min(m, n)
    return ((m, m), (k,), (n, n)) if full_matrices else ((m, k), (k,), (k, n))


def _svd_rule(g: V, out: V, A: V, *, full_matrices: bool) -> V:
    """Townsend, "Differentiating the singular value decomposition" (2016)."""
    m, n = A.shape[-2:]
    k = min(m, n)
    shapes = svd_shapes(A.shape, full_matrices)
    (u, s, vh), (g_u, g_s, g_vh) = unpack(out, *shapes), unpack(g, *shapes)
    # Columns beyond the k-th are any basis of what is left: no derivative comes through them.
    u, g_u, v, g_v = u[..., :k], g_u[..., :k], vh.mT[..., :k], g_vh.mT[..., :k]
    row, column = s.unsqueeze(-2), s.unsqueeze(-1)
    gaps = row * row - column * column
    turn_u = _ratio(_off_diagonal(u.mT @ g_u - g_u.mT @ u), gaps)
    turn_v = _ratio(_off_diagonal(v.mT @ g_v - g_v.mT @ v), gaps)
    slope = u @ (turn_u * row + column * turn_v + _diagonal_matrix(g_s)) @ v.mT
    if m > k:
        slope = slope + _ratio(g_u - u @ (u.mT @ g_u), row) @ v.mT
    if n > k:
        slope = slope + u @ _ratio(g_v - v @ (v.mT @ g_v), row).mT
    return slope


@op(
    node="LinalgSvdBackward0",
    vjp=(_svd_rule,),
    samples=[
        sample(arr.of(3, 3, distinct=True), full_matrices=False),
        sample(arr.of(2, 4, 2, distinct=True), full_matrices=False),
        sample(arr.of(2, 4, distinct=True), full_matrices=False),
        sample(arr.of(3, 3, distinct=True), full_matrices=True),
        sample(arr.of(0, 3), full_matrices=False),
    ],
)
def svd(A: Array, *, full_matrices: bool) -> Array:
    """U, descending S and V^T with U diag(S) V^T = A, packed.

    Of full U and V the derivative through the first min(m, n) columns is given, as in torch.
    """
    require_matrices("linalg.svd", A)

    def factorize(matrices: Array) -> Any:
        return lapack.svd(matrices, full_matrices=full_matrices)

    return pack(*run("linalg.svd", FAILED, factorize, A), core=(2, 1, 2))
