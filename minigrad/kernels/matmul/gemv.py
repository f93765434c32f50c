"""Products of a matrix and one vector: nothing is packed, memory bandwidth is the limit."""

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange

# Rows, or columns, of a chunk; chunks are independent.
CHUNK = 256
# So many products are added in the array's type, and those sums in float64: so many by each lane of
# a vector along rows, and one after the other down columns.
ALONG, DOWN = 2048, 256


def fits(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> bool:
    """Whether the matrix is contiguous, in C or in Fortran order."""
    return strides in ((itemsize * shape[1], itemsize), (itemsize, itemsize * shape[0]))


def matvec(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """(m, k), (k,) -> (m,); the matrix `fits`."""
    out = np.empty(len(matrix), matrix.dtype)
    vector = np.ascontiguousarray(vector)
    if matrix.flags.c_contiguous:
        _multiply_rows.run(matrix.size, out, matrix, vector)
    else:
        totals = np.zeros(len(out))
        _combine_rows.run(matrix.size, out, totals, matrix.T, vector)
    return out


@kernel(fastmath=frozenset({"contract", "reassoc"}))
def _multiply_rows(out, matrix, vector):
    """out[i] = sum over k of matrix[i, k] * vector[k]"""
    for chunk in prange(-(-len(out) // CHUNK)):
        for i in range(chunk * CHUNK, min(len(out), (chunk + 1) * CHUNK)):
            total = 0.0
            for start in range(0, len(vector), ALONG):
                row, factors = matrix[i, start : start + ALONG], vector[start : start + ALONG]
                some = out.dtype.type(0)
                for k in range(len(factors)):
                    some += row[k] * factors[k]
                total += some
            out[i] = total


@kernel
def _combine_rows(out, totals, matrix, vector):
    """out[j] = sum over k of vector[k] * matrix[k, j], by way of zeros `totals` in float64."""
    for chunk in prange(-(-len(out) // CHUNK)):
        sums = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        total = totals[chunk * CHUNK : (chunk + 1) * CHUNK]
        for start in range(0, len(vector), DOWN):
            for j in range(len(sums)):
                sums[j] = 0
            for k in range(start, min(len(vector), start + DOWN)):
                row = matrix[k, chunk * CHUNK : (chunk + 1) * CHUNK]
                factor = vector[k]
                for j in range(len(sums)):
                    sums[j] += factor * row[j]
            for j in range(len(sums)):
                total[j] += sums[j]
        for j in range(len(sums)):
            sums[j] = total[j]
