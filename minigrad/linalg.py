"""torch.linalg: factorizations, systems of equations, norms and determinants of matrices.

Matrices are (..., m, n); LAPACK, by way of NumPy, does the work.  Derivatives of any order are
those of the papers named in `minigrad.ops.linalg`.

    >>> A = minigrad.tensor([[2.0, 1.0], [1.0, 3.0]])
    >>> minigrad.linalg.solve(A, minigrad.tensor([3.0, 4.0]))
    tensor([1., 1.])
"""

from minigrad.core.public_names import show_public_names
from minigrad.ops import (
    LinAlgError,
    cholesky,
    cholesky_ex,
    cond,
    cross,
    det,
    eig,
    eigh,
    eigvals,
    eigvalsh,
    householder_product,
    inv,
    inv_ex,
    ldl_factor,
    ldl_factor_ex,
    ldl_solve,
    lstsq,
    lu,
    lu_factor,
    lu_factor_ex,
    lu_solve,
    matmul,
    matrix_exp,
    matrix_norm,
    matrix_power,
    matrix_rank,
    multi_dot,
    pinv,
    qr,
    slogdet,
    solve,
    solve_ex,
    solve_triangular,
    svd,
    svdvals,
    tensorinv,
    tensorsolve,
    vander,
    vecdot,
    vector_norm,
)
from minigrad.ops import diagonal as _diagonal
from minigrad.ops import linalg_norm as norm
from minigrad.tensor import Tensor

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of the matrices that dim1 and dim2 span, as the last dimension; a view."""
    return _diagonal(A, offset=offset, dim1=dim1, dim2=dim2)


show_public_names(__name__)
