"""Normalisation inside one sample: of a row, or of a group of channels.

Mean first, then squares about it, then y: the row is read again from the cache.  Ba, Kiros & Hinton
2016, Layer Normalization, arXiv:1607.06450; Wu & He 2018, Group Normalization, arXiv:1803.08494.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange

Array = np.ndarray[Any, Any]

# Rows of one task, over which gradients of weight and bias are summed in the array's type, and
# elements of a row, over which its own are; beyond it is float64.
ROWS = 32
PIECE = 256

_SUMS = frozenset({"contract", "reassoc"})


# ------------------------------------------------------------------------------------- rows


@kernel(fastmath=_SUMS)
def _rows(
    y: Array, mean: Array, rstd: Array, x: Array, weight: Array, bias: Array, eps: float
) -> None:
    M, K = x.shape
    real = x.dtype.type
    for block in prange(-(-M // ROWS)):
        for m in range(block * ROWS, min(M, (block + 1) * ROWS)):
            row = x[m]
            out = y[m]
            total = 0.0
            for k in range(K):
                total += row[k]
            centre = real(total / K)
            squares = 0.0
            for k in range(K):
                away = row[k] - centre
                squares += away * away
            # What rounding the mean left over.
            rest = total / K - np.float64(centre)
            scale = real(1.0 / math.sqrt(squares / K - rest * rest + eps))
            mean[m], rstd[m] = centre, scale
            for k in range(K):
                out[k] = (row[k] - centre) * scale * weight[k] + bias[k]


@kernel(fastmath=_SUMS)
def _rows_backward(
    dx: Array, on_both: Array, partial: Array, g: Array, x: Array,
    mean: Array, rstd: Array, weight: Array,
) -> None:  # fmt: skip
    """on_both (2, K): of weight and bias, into zeros; by way of zeros partial (blocks, 2, K)."""
    M, K = x.shape
    real = x.dtype.type
    for block in prange(partial.shape[0]):
        on_weight = partial[block, 0]
        on_bias = partial[block, 1]
        for m in range(block * ROWS, min(M, (block + 1) * ROWS)):
            row = x[m]
            g_row = g[m]
            out = dx[m]
            centre, scale = mean[m], rstd[m]
            g_sum, g_along = 0.0, 0.0
            for start in range(0, K, PIECE):
                row_part, g_part = row[start : start + PIECE], g_row[start : start + PIECE]
                weight_part = weight[start : start + PIECE]
                some, along = real(0), real(0)
                for k in range(row_part.size):
                    weighted = g_part[k] * weight_part[k]
                    some += weighted
                    along += weighted * (row_part[k] - centre)
                g_sum += some
                g_along += along
            g_mean, slope = real(g_sum / K), real(g_along * scale / K)
            for k in range(K):
                g_here, x_hat = g_row[k], (row[k] - centre) * scale
                on_weight[k] += g_here * x_hat
                on_bias[k] += g_here
                out[k] = scale * (g_here * weight[k] - g_mean - x_hat * slope)
    for block in range(partial.shape[0]):
        for which in range(2):
            total = on_both[which]
            row = partial[block, which]
            for k in range(K):
                total[k] += row[k]


@lru_cache(maxsize=64)
def _constant(value: float, size: int, dtype: np.dtype[Any]) -> Array:
    """The number so many times, for kernels to read."""
    return np.full(size, value, dtype)


def _or_constant(values: Array | None, constant: float, size: int, dtype: np.dtype[Any]) -> Array:
    """`values`, flat, or the constant so many times."""
    if values is None:
        return _constant(constant, size, dtype)
    return np.ascontiguousarray(values, dtype).reshape(-1)


def layer_norm(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """y (M, K), the mean (M,) and 1 / sqrt(biased variance + eps) (M,) of the rows of x (M, K).

    y = (x - mean) * rstd * weight + bias, of K elements each.
    """
    m, k = x.shape
    x = np.ascontiguousarray(x)
    y, mean, rstd = np.empty(x.shape, x.dtype), np.empty(m, x.dtype), np.empty(m, x.dtype)
    _rows.run(
        x.size, y, mean, rstd, x,
        _or_constant(weight, 1, k, x.dtype), _or_constant(bias, 0, k, x.dtype), float(eps),
    )  # fmt: skip
    return y, mean, rstd


def layer_norm_backward(
    g: Array, x: Array, mean: Array, rstd: Array, weight: Array | None
) -> tuple[Array, Array, Array]:
    """The gradients of x, weight and bias, through mean and rstd as well."""
    k = x.shape[1]
    x = np.ascontiguousarray(x)
    dx, on_both = np.empty(x.shape, x.dtype), np.zeros((2, k))
    partial = np.zeros((-(-x.shape[0] // ROWS), 2, k), x.dtype)
    _rows_backward.run(
        x.size, dx, on_both, partial, np.ascontiguousarray(g), x, mean, rstd,
        _or_constant(weight, 1, k, x.dtype),
    )  # fmt: skip
    dweight, dbias = on_both.astype(x.dtype)
    return dx, dweight, dbias


# ----------------------------------------------------------------------------------- groups


@kernel(fastmath=_SUMS)
def _groups(
    y: Array, mean: Array, rstd: Array, x: Array, weight: Array, bias: Array, eps: float
) -> None:
    """Of x (M, D, S), weight and bias (G, D): row m is of group m % G."""
    M, D, S = x.shape
    real = x.dtype.type
    for m in prange(M):
        row = x[m].reshape(D * S)
        group = m % weight.shape[0]
        total = 0.0
        for k in range(row.size):
            total += row[k]
        centre = real(total / row.size)
        squares = 0.0
        for k in range(row.size):
            away = row[k] - centre
            squares += away * away
        rest = total / row.size - np.float64(centre)
        scale = real(1.0 / math.sqrt(squares / row.size - rest * rest + eps))
        mean[m], rstd[m] = centre, scale
        for d in range(D):
            channel = x[m, d]
            out = y[m, d]
            slope = scale * weight[group, d]
            shift = bias[group, d]
            for s in range(S):
                out[s] = (channel[s] - centre) * slope + shift


@kernel(fastmath=_SUMS)
def _groups_backward(
    dx: Array, sums: Array, g: Array, x: Array, mean: Array, rstd: Array, weight: Array
) -> None:
    """sums (2, M, D): of g * (x - mean) * rstd, and of g, over each channel of each row."""
    M, D, S = x.shape
    real = x.dtype.type
    for m in prange(M):
        group = m % weight.shape[0]
        centre, scale = mean[m], rstd[m]
        g_sum, g_along = 0.0, 0.0
        for d in range(D):
            channel = x[m, d]
            g_channel = g[m, d]
            some, along = 0.0, 0.0
            for s in range(S):
                some += g_channel[s]
                along += g_channel[s] * (channel[s] - centre)
            along *= scale
            sums[0, m, d], sums[1, m, d] = along, some
            g_sum += some * weight[group, d]
            g_along += along * weight[group, d]
        g_mean, slope = real(g_sum / (D * S)), real(g_along / (D * S))
        for d in range(D):
            channel = x[m, d]
            g_channel = g[m, d]
            out = dx[m, d]
            factor = weight[group, d]
            for s in range(S):
                x_hat = (channel[s] - centre) * scale
                out[s] = scale * (g_channel[s] * factor - g_mean - x_hat * slope)


def group_norm(
    x: Array, groups: int, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """y (N, C, S), the mean and 1 / sqrt(biased variance + eps), (N, groups) each, of x (N, C, S).

    y = (x - mean) * rstd * weight + bias; weight and bias are (C,).
    """
    n, c, s = x.shape
    rows = np.ascontiguousarray(x).reshape(n * groups, c // groups, s)
    y = np.empty(rows.shape, rows.dtype)
    mean, rstd = np.empty((n, groups), x.dtype), np.empty((n, groups), x.dtype)
    _groups.run(
        x.size, y, mean.reshape(-1), rstd.reshape(-1), rows,
        _or_constant(weight, 1, c, x.dtype).reshape(groups, -1),
        _or_constant(bias, 0, c, x.dtype).reshape(groups, -1), float(eps),
    )  # fmt: skip
    return y.reshape(x.shape), mean, rstd


def group_norm_backward(
    g: Array, x: Array, groups: int, mean: Array, rstd: Array, weight: Array | None
) -> tuple[Array, Array, Array]:
    """The gradients of x, weight and bias, through mean and rstd as well."""
    n, c, s = x.shape
    shape = (n * groups, c // groups, s)
    dx, sums = np.empty(shape, x.dtype), np.empty((2, *shape[:2]))
    _groups_backward.run(
        x.size, dx, sums,
        np.ascontiguousarray(g).reshape(shape), np.ascontiguousarray(x).reshape(shape),
        mean.reshape(-1), rstd.reshape(-1),
        _or_constant(weight, 1, c, x.dtype).reshape(groups, -1),
    )  # fmt: skip
    dweight, dbias = sums.reshape(2, n, c).sum(axis=1).astype(x.dtype)
    return dx.reshape(x.shape), dweight, dbias
