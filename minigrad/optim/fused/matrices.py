"""Matrices for the texts of rules: products and factorizations with the same bits on any machine.

NumPy's own products sum in an order that follows from the number of threads.
"""

from typing import Any

import numpy as np

from minigrad.core.blas_threads import one_blas_thread
from minigrad.core.types import Array
from minigrad.kernels.matmul.matmul import matmul
from minigrad.ops.linalg import lapack


class Matrix(np.ndarray[Any, Any]):
    """An array whose `@` is minigrad's product."""

    def __matmul__(self, other: Any) -> Any:
        if self.ndim < 2 or np.ndim(other) < 2 or self.dtype != other.dtype:
            with one_blas_thread():
                return np.matmul(self, other)
        return matmul(np.asarray(self), np.asarray(other)).view(Matrix)


def as_matrix(array: Any) -> Any:
    """The same elements as a Matrix; what is no array stays."""
    return array.view(Matrix) if isinstance(array, np.ndarray) else array


def eigh(a: Array) -> tuple[Any, Any]:
    """Eigenvalues, the smallest first, and eigenvectors of a symmetric matrix."""
    values, vectors = lapack.eigh(np.asarray(a))
    return values.view(Matrix), vectors.view(Matrix)


def qr(a: Array) -> Any:
    """The orthogonal factor of a matrix."""
    return lapack.qr(np.asarray(a))[0].view(Matrix)


def svd(a: Array) -> tuple[Any, Any, Any]:
    """The reduced singular value decomposition u, s, vT."""
    u, s, vt = lapack.svd(np.asarray(a), full_matrices=False)
    return u.view(Matrix), s.view(Matrix), vt.view(Matrix)


def inverse(a: Array) -> Any:
    """The inverse of a matrix."""
    return lapack.inv(np.asarray(a)).view(Matrix)


def rows_of(a: Array) -> Any:
    """A parameter as a matrix with a row for each output; a vector has one row of its elements."""
    return a.reshape(a.shape[0] if a.ndim > 1 else 1, -1)


def orthogonal(a: Any, steps: int = 5, eps: float = 1e-7) -> Any:
    """A matrix with the singular vectors of `a` and singular values near 1, by Newton-Schulz."""
    wide = a.T if a.shape[0] > a.shape[1] else a
    y = wide / max(float(np.sqrt((wide * wide).sum())), eps)
    for _ in range(steps):
        gram = y @ y.T
        y = 3.4445 * y + (-4.7750 * gram + 2.0315 * (gram @ gram)) @ y
    return y.T if wide is not a else y
