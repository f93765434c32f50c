"""Determinants, and their logarithms."""

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.engine.op import arr, op, sample
from minigrad.engine.step_recorder import numbers_read
from minigrad.ops.linalg import lapack
from minigrad.ops.linalg.factorizations import svd, svd_shapes
from minigrad.ops.linalg.lapack import require_square
from minigrad.ops.linalg.solve import inv
from minigrad.ops.packing import unpack


def _det_rule(g: V, out: V, A: V) -> V:
    """Jacobi's formula, g det(A) A^-T; by cofactors where a matrix is singular."""
    if numbers_read(out.array, (out.array == 0).any()):
        return g.unsqueeze(-1).unsqueeze(-1) * _cofactors(A)
    return (g * out).unsqueeze(-1).unsqueeze(-1) * inv(A).mT


def _cofactors(A: V) -> V:
    """det(U) det(V) U diag(products of the other singular values) V^T, which needs no inverse."""
    u, s, vh = unpack(svd(A, full_matrices=False), *svd_shapes(A.shape, False))
    n = A.shape[-1]
    others = s.unsqueeze(-2) * s.new_tensor(1 - np.eye(n)) + s.new_tensor(np.eye(n))
    product = others[..., 0]
    for i in range(1, n):
        product = product * others[..., i]
    orientation = (det(u) * det(vh)).unsqueeze(-1).unsqueeze(-1)
    return orientation * ((u * product.unsqueeze(-2)) @ vh)


@op(
    node="LinalgDetBackward0",
    vjp=(_det_rule,),
    samples=[
        sample(arr.of(3, 3, distinct=True)),
        sample(arr.of(2, 3, 3, distinct=True)),
        sample(arr.of(1, 1)),
        sample(arr.of(0, 0)),
    ],
)
def det(A: Array) -> Array:
    """The determinant of square matrices: (..., n, n) -> (...).

    PyTorch differs: where a determinant is exactly 0 the gradient is that by cofactors, torch's 0.
    """
    require_square("linalg.det", A)
    return np.asarray(lapack.det(A), A.dtype)


@op(
    node="LinalgSlogdetBackward0",
    vjp=(lambda g, out, A: g.unsqueeze(-1).unsqueeze(-1) * inv(A).mT,),
    samples=[
        sample(arr.of(3, 3, diagonal=3.0, distinct=True)),
        sample(arr.of(2, 3, 3, diagonal=3.0)),
        sample(arr.of(0, 0)),
    ],
)
def slogdet(A: Array) -> tuple[Array, Array]:
    """log |det A| of square matrices; as a by-product the sign, 0 where A is singular."""
    require_square("linalg.slogdet", A)
    sign, logarithm = lapack.slogdet(A)
    return logarithm, sign
