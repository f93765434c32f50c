"""Calls of NumPy's LAPACK, with checks of the operands and torch's errors."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.blas_threads import on_one_thread
from minigrad.core.types import Array

# NumPy's functions, whose bits do not depend on the number of threads.
cholesky = on_one_thread(np.linalg.cholesky)
det = on_one_thread(np.linalg.det)
eig = on_one_thread(np.linalg.eig)
eigh = on_one_thread(np.linalg.eigh)
eigvals = on_one_thread(np.linalg.eigvals)
eigvalsh = on_one_thread(np.linalg.eigvalsh)
inv = on_one_thread(np.linalg.inv)
lstsq = on_one_thread(np.linalg.lstsq)
qr = on_one_thread(np.linalg.qr)
slogdet = on_one_thread(np.linalg.slogdet)
solve = on_one_thread(np.linalg.solve)
svd = on_one_thread(np.linalg.svd)

_SUPPORTED = tuple(map(np.dtype, (np.float32, np.float64, np.complex64, np.complex128)))


class LinAlgError(RuntimeError):
    """A matrix for which a factorization or a solution does not exist, or was not found."""


def require_matrices(name: str, *operands: Array) -> None:
    """Raise RuntimeError unless all are floating or complex matrices (..., m, n) of one dtype."""
    for array in operands:
        if array.ndim < 2:
            raise RuntimeError(
                f"{name}: The input tensor must have at least 2 dimensions, got shape "
                f"{list(array.shape)}"
            )
        if array.dtype.kind not in "fc":
            raise RuntimeError(
                f"{name}: Expected a floating point or complex tensor as input. Got "
                f"{dtypes.of_numpy(array.dtype)}"
            )
        if array.dtype not in _SUPPORTED:
            raise RuntimeError(
                f"{name}: Low precision dtypes not supported. Got {dtypes.of_numpy(array.dtype)}"
            )
        if array.dtype != operands[0].dtype:
            raise RuntimeError(
                f"{name}: Expected operands of the same dtype, but got "
                f"{dtypes.of_numpy(operands[0].dtype)} and {dtypes.of_numpy(array.dtype)}"
            )


def require_square(name: str, array: Array) -> None:
    """Raise RuntimeError unless it is a float32 or float64 tensor of shape (..., n, n)."""
    require_matrices(name, array)
    rows, columns = array.shape[-2:]
    if rows != columns:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {rows} by {columns} "
            f"matrices (shape {list(array.shape)})"
        )


def require_equation(name: str, A: Array, B: Array) -> None:
    """Raise RuntimeError unless the shapes fit A X = B, leading dimensions broadcasting."""
    if A.shape[-1] != B.shape[-2]:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation AX = B "
            f"({A.shape[-2]}x{A.shape[-1]} and {B.shape[-2]}x{B.shape[-1]})"
        )
    try:
        np.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    except ValueError:
        raise RuntimeError(
            f"{name}: the leading sizes of A {list(A.shape)} and B {list(B.shape)} do not broadcast"
        ) from None


def run(name: str, problem: str, function: Callable[..., Any], A: Array, *others: Array) -> Any:
    """`function(A, *others)`; a failure names the first matrix of A that it fails for.

    Raises LinAlgError.
    """
    try:
        return function(A, *others)
    except np.linalg.LinAlgError:
        batch_element = ""
        if A.ndim > 2:
            matrices = A.reshape(-1, *A.shape[-2:])
            first = next(i for i, each in enumerate(matrices) if _fails(function, each, others))
            batch_element = f"(Batch element {first}): "
        raise LinAlgError(f"{name}: {batch_element}{problem} (shape {list(A.shape)})") from None


def _fails(function: Callable[..., Any], matrix: Array, others: tuple[Array, ...]) -> bool:
    alone = [other.reshape(-1, *other.shape[-2:])[0] for other in others]
    try:
        function(matrix, *alone)
    except np.linalg.LinAlgError:
        return True
    return False
