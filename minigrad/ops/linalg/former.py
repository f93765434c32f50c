"""Functions of matrices that torch has renamed since, with the arguments and results they had."""

import warnings
from typing import Any

import numpy as np

from minigrad.engine.graph import V
from minigrad.engine.op import composed
from minigrad.ops.linalg import lu
from minigrad.ops.linalg.decompositions import qr as reduced_qr
from minigrad.ops.linalg.decompositions import solve_triangular
from minigrad.ops.linalg.lapack import require_matrices, require_square
from minigrad.ops.results import QR, LUFactor, LUFactorEx, LUUnpack, TriangularSolve
from minigrad.ops.shape.copies import tril, triu


def _renamed(old: str, new: str) -> None:
    warnings.warn(
        f"torch.{old} is deprecated in favor of torch.linalg.{new} and will be removed in a "
        f"future PyTorch release.",
        UserWarning,
        stacklevel=4,
    )


@composed
def lu_unpack(
    LU_data: V, LU_pivots: V, unpack_data: bool = True, unpack_pivots: bool = True
) -> LUUnpack[V]:
    """P, L and U with P L U = A of what `linalg.lu_factor` gave for A, (..., m, n).

    What is not to be unpacked is empty.
    """
    require_matrices("lu_unpack", LU_data.array)
    if unpack_pivots and LU_pivots.array.dtype != np.int32:
        raise RuntimeError(
            f"torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 "
            f"dtype, got {LU_pivots.dtype}.\nNote: this function is intended to be used with the "
            f"output produced by torch.linalg.lu_factor"
        )
    m, n = LU_data.shape[-2:]
    k = min(m, n)
    permutation = lower = upper = LU_data.new_empty(0)
    if unpack_pivots:
        permutation = LU_data.new_tensor(lu.permutation_of(LU_pivots.array, m))
    if unpack_data:
        lower = tril(LU_data[..., :k], diagonal=-1) + LU_data.new_tensor(np.eye(m, k))
        upper = triu(LU_data[..., :k, :])
    return LUUnpack(permutation, lower, upper)


@composed
def former_lu(A: V, pivot: bool = True, get_infos: bool = False) -> Any:
    """`torch.lu`: L and U in one matrix, the rows exchanged, and with get_infos the infos."""
    _renamed("lu", "lu_factor / torch.linalg.lu_factor_ex")
    found: Any = lu.lu_factor_ex(A, pivot=pivot, check_errors=not get_infos)
    return LUFactorEx(*found) if get_infos else LUFactor(*found[:2])


@composed
def former_lu_solve(b: V, LU_data: V, LU_pivots: V) -> V:
    """`torch.lu_solve`: `linalg.lu_solve` with the right-hand side in front."""
    _renamed("lu_solve", "lu_solve")
    found: V = lu.lu_solve(LU_data, LU_pivots, b)
    return found


@composed
def former_qr(input: V, some: bool = True) -> QR[V]:
    """`torch.qr`: `linalg.qr`, complete unless `some`."""
    _renamed("qr", "qr")
    found: QR[V] = reduced_qr(input, "reduced" if some else "complete")
    return found


@composed
def triangular_solve(
    b: V, A: V, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> TriangularSolve[V]:
    """X with A X = b for a triangular A (A^T with `transpose`), and a copy of A."""
    _renamed("triangular_solve", "solve_triangular")
    require_square("triangular_solve", A.array)
    matrix, side = (A.mT, not upper) if transpose else (A, upper)
    found = solve_triangular(matrix, b, upper=side, unitriangular=unitriangular)
    return TriangularSolve(found, A.clone())
