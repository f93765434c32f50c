"""Systems of linear equations of tensors; errors as reports."""

from typing import Any

import numpy as np

from minigrad.engine.graph import V
from minigrad.engine.op import composed
from minigrad.engine.step_recorder import numbers_read
from minigrad.ops.elementwise import elementary
from minigrad.ops.linalg.decompositions import solve
from minigrad.ops.linalg.lapack import require_square
from minigrad.ops.linalg.lu import lu_factor_ex
from minigrad.ops.linalg.solve import inv
from minigrad.ops.results import SolveEx
from minigrad.ops.shape.axes import movedim


@composed
def tensorinv(A: V, ind: int = 2) -> V:
    """The X for which tensordot(X, tensordot(A, B, ndim of B), ind) is B again.

    A's first `ind` sizes multiply to as much as its others.  Raises RuntimeError if they do not.
    """
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', got {ind}")
    rows, columns = A.shape[:ind], A.shape[ind:]
    count = int(np.prod(rows))
    if count != int(np.prod(columns)):
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {int(np.prod(columns))} != {count}"
        )
    flat = A.reshape((count, count))
    require_square("linalg.tensorinv", flat.array)
    return inv(flat).reshape((*columns, *rows))


@composed
def tensorsolve(A: V, B: V, dims: Any = None) -> V:
    """X with tensordot(A, X, ndim of X) = B; `dims` of A are first moved to its end."""
    if dims is not None:
        A = movedim(A, tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    found = A.shape[B.ndim :]
    count = int(np.prod(found))
    if count != B.numel() or int(np.prod(A.shape[: B.ndim])) != count:
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {count} != {B.numel()}"
        )
    return solve(A.reshape((count, count)), B.reshape((count,))).reshape(found)


@composed
def solve_ex(A: V, B: V, *, left: bool = True, check_errors: bool = False) -> SolveEx[V]:
    """`solve`, and for each matrix of A an int32: 0, or which pivot is 0 first.

    The result of a singular matrix is inf or nan, unless check_errors asks for the LinAlgError.
    """
    require_square("linalg.solve_ex", A.array)
    info = lu_factor_ex(A, check_errors=check_errors).info
    if not numbers_read(info.array, info.array.any()):
        return SolveEx(solve(A, B, left=left), info)
    singular = info.array[..., None, None] > 0
    safe = elementary.where(
        A.new_tensor(singular, dtype=bool), A.new_tensor(np.eye(A.shape[-1])), A
    )
    found = solve(safe, B, left=left)
    while singular.ndim > found.ndim:
        singular = singular[..., 0]
    return SolveEx(elementary.where(A.new_tensor(singular, dtype=bool), float("nan"), found), info)
