"""Few eigenvalues of large symmetric matrices, by conjugate gradients on blocks of vectors."""

import itertools
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.engine.op import arr, composed, op, sample
from minigrad.ops.generator import stream
from minigrad.ops.linalg import lapack
from minigrad.ops.linalg.lapack import require_square
from minigrad.ops.linalg.solve import cholesky, read_triangle, solve, solve_triangular
from minigrad.ops.packing import pack, unpack


def _extreme(A: Array, basis: Array, n: int, largest: bool) -> tuple[Array, Array]:
    """The n extreme eigenpairs of A within the span of orthonormal columns, the outermost first."""
    w, v = lapack.eigh(basis.T @ A @ basis)
    chosen = slice(-1, -n - 1, -1) if largest else slice(n)
    return w[chosen], basis @ v[:, chosen]


def _turned(found: Array, before: Array) -> Array:
    """The vectors with the signs that bring them nearest to those of the iteration before."""
    return found * np.where((found * before).sum(axis=0) < 0, -1.0, 1.0)


def _iterate(
    A: Array, start: Array, preconditioner: Array | None, *,
    k: int, niter: int, tol: float, largest: bool,
) -> tuple[Array, Array]:  # fmt: skip
    """Knyazev, "Toward the optimal preconditioned eigensolver" (2001), with orthonormal bases."""
    n = start.shape[1]
    values, vectors = _extreme(A, lapack.qr(start)[0], n, largest)
    vectors = _turned(vectors, start)
    size, last = np.linalg.norm(A @ start) / np.linalg.norm(start), start[:, :0]
    for _ in itertools.repeat(None) if niter < 0 else range(niter):
        residual = A @ vectors - vectors * values
        relative = np.linalg.norm(residual, axis=0) / (size + np.abs(values))
        if (relative[:k] < tol).all():
            break
        if preconditioner is not None:
            residual = preconditioner @ residual
        basis = lapack.qr(np.concatenate([vectors, residual, last], axis=1))[0]
        values, found = _extreme(A, basis, n, largest)
        found = _turned(found, vectors)
        vectors, last = found, found - vectors @ (vectors.T @ found)
    return values[:k], vectors[:, :k]


def _pairs_rule(g: V, out: V, A: V, *, k: int, **_options: Any) -> V:
    """Giles 2008, section 3.1, for some of the eigenvectors."""
    m = A.shape[-1]
    (w, v), (g_w, g_v) = unpack(out, (k,), (m, k)), unpack(g, (k,), (m, k))
    # (w I - A) has no inverse along v, where the cotangent has no part: any number stands there.
    rows, cotangents = v.mT.unsqueeze(-1), g_v.mT.unsqueeze(-1)
    outside = cotangents - rows @ (rows.mT @ cotangents)
    scale = float(np.abs(w.array).max(initial=0.0)) or 1.0
    gaps = w.unsqueeze(-1).unsqueeze(-1) * A.new_tensor(np.eye(m)) - ((A + A.mT) * 0.5).unsqueeze(
        -3
    )
    turned = solve(gaps + scale * rows @ rows.mT, outside)
    slope = (v * g_w.unsqueeze(-2) + turned.squeeze(-1).mT) @ v.mT
    return (slope + slope.mT) * 0.5


@op(
    vjp=(_pairs_rule,),
    samples=[
        sample(
            arr.of(*shape, distinct=True),
            start=np.array([[1.0], [0.5], [-0.3]]), k=1, niter=40, tol=0.0, largest=largest,
        )
        for shape in ((3, 3), (2, 3, 3))
        for largest in (True, False)
    ],
)  # fmt: skip
def extreme_eigenpairs(
    A: Array, *, start: Array, preconditioner: Array | None = None,
    k: int, niter: int, tol: float, largest: bool,
) -> Array:  # fmt: skip
    """k eigenvalues and eigenvectors of symmetric matrices (..., m, m), packed.

    start: (m, n) or one for each matrix, n >= k.
    """
    whole = read_triangle(A, "both").astype(np.float64)
    m, batch = A.shape[-1], A.shape[:-2]
    starts = np.broadcast_to(start, (*batch, *start.shape[-2:]))
    values, vectors = np.empty((*batch, k)), np.empty((*batch, m, k))
    for i in np.ndindex(*batch):
        values[i], vectors[i] = _iterate(
            whole[i], starts[i], preconditioner, k=k, niter=niter, tol=tol, largest=largest
        )
    return pack(values, vectors, core=(1, 2)).astype(A.dtype)


def _checked_start(A: V, k: int | None, X: V | None, n: int | None) -> tuple[Array, int]:
    """The vectors to start from, and how many pairs are asked for."""
    m = A.shape[-1]
    k = (1 if X is None else X.shape[-1]) if k is None else k
    count = (k if n is None else n) if X is None else X.shape[-1]
    if m < 3 * count:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than "
            f"3 x the number of requested eigenpairs (={count})"
        )
    if not 0 < k <= count:
        raise ValueError(f"lobpcg: k must lie in 1 ... {count}, the number of vectors, got {k}")
    if X is None:
        return stream(None).standard_normal((*A.shape[:-2], m, count)), k
    if X.shape != (*A.shape[:-2], m, count):
        raise ValueError(
            f"lobpcg: X of shape {list(X.shape)} does not fit A of shape {list(A.shape)}"
        )
    return X.array.astype(np.float64), k


@composed
def lobpcg(
    A: V, k: int | None = None, B: V | None = None, X: V | None = None, n: int | None = None,
    iK: V | None = None, niter: int | None = None, tol: float | None = None,
    largest: bool | None = None, method: str | None = None,
) -> tuple[V, V]:  # fmt: skip
    """The k largest (or smallest) eigenvalues, and their vectors, of symmetric (..., m, m).

    B: positive definite, for A x = w B x; X: (..., m, n), where to start, by default n random
    vectors; iK: (m, m), a preconditioner; niter: 1000, or -1 for no bound; tol: how small residuals
    become, by default the root of the dtype's precision; largest: True.

    PyTorch differs: B has a gradient; "basic" and "ortho", its two methods, are one algorithm here
    that keeps its bases orthonormal, and takes no tracker and no ortho_ parameters.
    """
    require_square("lobpcg", A.array)
    if method not in (None, "basic", "ortho"):
        raise ValueError(f'lobpcg: method must be "basic" or "ortho", got {method!r}')
    start, k = _checked_start(A, k, X, n)
    tol = float(np.finfo(A.array.dtype).eps) ** 0.5 if tol is None else tol
    preconditioner = None if iK is None else iK.array.astype(np.float64)
    factor = None
    if B is not None:
        factor = cholesky(B)
        half = solve_triangular(factor, A, upper=False)
        A = solve_triangular(factor, half.mT, upper=False)
        start = factor.array.mT @ start
        if preconditioner is not None:
            preconditioner = factor.array.mT @ preconditioner @ factor.array
    packed = extreme_eigenpairs(
        A, start=start, preconditioner=preconditioner, k=k, tol=tol,
        niter=1000 if niter is None else niter, largest=largest is not False,
    )  # fmt: skip
    values, vectors = unpack(packed, (k,), (A.shape[-1], k))
    if factor is not None:
        vectors = solve_triangular(factor.mT, vectors, upper=True)
    return values, vectors
