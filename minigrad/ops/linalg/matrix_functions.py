"""Functions of square matrices, and what is said of matrices by norms."""

import math
from typing import Any

import numpy as np

from minigrad.engine.graph import V
from minigrad.engine.op import composed
from minigrad.engine.step_recorder import numbers_read
from minigrad.ops.elementwise.elementary import where
from minigrad.ops.linalg import lapack
from minigrad.ops.linalg.decompositions import solve, svdvals
from minigrad.ops.linalg.matmul import matmul
from minigrad.ops.linalg.norms import matrix_norm
from minigrad.ops.linalg.solve import inv


def identity_like(A: V) -> V:
    """Identity matrices of A's shape and dtype."""
    return A.new_tensor(np.broadcast_to(np.eye(A.shape[-1]), A.shape))


@composed
def matrix_power(A: V, n: int) -> V:
    """The n-th power of square matrices, by squaring; of the inverse where n is negative."""
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.matrix_power: A must be batches of square matrices, but its shape is "
            f"{list(A.shape)}"
        )
    if n < 0:
        return matrix_power(inv(A), -n)
    power, square = None, A
    while n:
        if n % 2:
            power = square if power is None else matmul(power, square)
        n //= 2
        if n:
            square = matmul(square, square)
    # Of A nothing is read, but its gradient is there, and zero.
    return where(A.new_zeros(A.shape, dtype=bool), A, identity_like(A)) if power is None else power


# Higham, "The scaling and squaring method for the matrix exponential revisited" (2005), table 2.3:
# the numerator of the [13/13] Padé approximant, good to double precision up to this 1-norm.
_PADE = (
    64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
    10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1,
)  # fmt: skip
_PADE_REACH = 5.371920351148152


@composed(node="LinalgMatrixExpBackward0")
def matrix_exp(A: V) -> V:
    """The exponential of square matrices: sum over k of A^k / k!, by scaling and squaring."""
    lapack.require_square("linalg.matrix_exp", A.array)
    if A.array.size == 0:
        return A * 1
    size = float(numbers_read(A.array, np.abs(A.array).sum(axis=-2).max()))
    finite = math.isfinite(size)
    squarings = max(0, math.ceil(math.log2(size / _PADE_REACH))) if finite and size > 0 else 0
    x = A * 2.0**-squarings
    one = identity_like(A)
    c = [coefficient / _PADE[0] for coefficient in _PADE]
    x2 = matmul(x, x)
    x4 = matmul(x2, x2)
    x6 = matmul(x4, x2)
    odd = matmul(x6, x6 * c[13] + x4 * c[11] + x2 * c[9])
    odd = matmul(x, odd + x6 * c[7] + x4 * c[5] + x2 * c[3] + one * c[1])
    even = matmul(x6, x6 * c[12] + x4 * c[10] + x2 * c[8])
    even = even + x6 * c[6] + x4 * c[4] + x2 * c[2] + one * c[0]
    result = solve(even - odd, even + odd)
    for _ in range(squarings):
        result = matmul(result, result)
    return result


@composed
def cond(A: V, p: Any = None) -> V:
    """The condition number of matrices in the norm p: by singular values for None, 2 and -2.

    For other norms |A| |A^-1| of square matrices, inf of a singular one.
    PyTorch differs: for p = "nuc" it gives nan of a singular one.
    """
    lapack.require_matrices("linalg.cond", A.array)
    if p is None or p in (2, -2):
        s = svdvals(A)
        if s.shape[-1] == 0:
            return s.sum(dim=-1)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    lapack.require_square("linalg.cond", A.array)
    singular = np.asarray(lapack.det(A.array) == 0)
    if not singular.any():
        return matrix_norm(A, p) * matrix_norm(inv(A), p)
    regular = A + identity_like(A) * A.new_tensor(singular[..., None, None]) * (1 + A.abs().amax())
    known = matrix_norm(A, p) * matrix_norm(inv(regular), p)
    return known.masked_fill(known.new_tensor(singular, dtype=bool), math.inf)
