"""Triangular systems: split in halves that a matrix product joins; small ones by substitution."""

import numpy as np

from minigrad.kernels.matmul.matmul import matmul

BLOCK = 8


def solve_triangular(a: np.ndarray, b: np.ndarray, *, upper: bool, unit: bool) -> np.ndarray:
    """x with a @ x = b, where only one triangle of `a` is read: (..., n, n), (..., n, k).

    With `unit` the diagonal is taken to be 1 and not read.  Zeros on the diagonal give inf and nan.
    """
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    x = np.array(np.broadcast_to(b, (*batch, *b.shape[-2:])), order="C")
    if upper:  # from the last row to the first
        a, x = np.ascontiguousarray(a[..., ::-1, ::-1]), np.ascontiguousarray(x[..., ::-1, :])
    _forward(a, x, unit)
    return np.ascontiguousarray(x[..., ::-1, :]) if upper else x


def _forward(a: np.ndarray, x: np.ndarray, unit: bool) -> None:
    """Replace x by the solution for the lower triangle of `a`."""
    n = a.shape[-1]
    if n <= BLOCK:
        _substitute(a, x, unit)
        return
    half = n // 2
    above, below = x[..., :half, :], x[..., half:, :]
    _forward(a[..., :half, :half], above, unit)
    below -= matmul(a[..., half:, :half], above)
    _forward(a[..., half:, half:], below, unit)


def _substitute(a: np.ndarray, x: np.ndarray, unit: bool) -> None:
    for i in range(a.shape[-1]):
        if i:
            x[..., i, :] -= np.matmul(a[..., i : i + 1, :i], x[..., :i, :])[..., 0, :]
        if not unit:
            x[..., i, :] /= a[..., i, i, None]
