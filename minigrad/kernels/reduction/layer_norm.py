"""Normalisation within a sample: of rows (layer norm) and of groups of channels (group norm).

Two passes for mean and variance, one for y: the row is read again from the cache.

Ba, Kiros & Hinton 2016, Layer Normalization, arXiv:1607.06450; Wu & He 2018, Group Normalization,
arXiv:1803.08494.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange

Array = np.ndarray[Any, Any]

# Gradients of weight and bias are summed in the array's dtype over the rows of one task, and sums
# along a row over so many elements.  Those sums are added in float64.
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
                deviation = np.float64(row[k] - centre)
                squares += deviation * deviation
            # The rounding error of the mean.
            rest = total / K - np.float64(centre)
            scale = real(1.0 / math.sqrt(squares / K - rest * rest + eps))
            mean[m], rstd[m] = centre, scale
            for k in range(K):
                out[k] = (row[k] - centre) * scale * weight[k] + bias[k]


@kernel(fastmath=_SUMS)
def _rows_backward(
    dx: Array, dparams: Array, partial: Array, g: Array, x: Array,
    mean: Array, rstd: Array, weight: Array,
) -> None:  # fmt: skip
    """Also add the gradients of weight and bias to zeros `dparams` (2, K).

    Workspace: `partial` (blocks, 2, K), zeros.
    """
    M, K = x.shape
    real = x.dtype.type
    for block in prange(partial.shape[0]):
        dweight = partial[block, 0]
        dbias = partial[block, 1]
        for m in range(block * ROWS, min(M, (block + 1) * ROWS)):
            row = x[m]
            g_row = g[m]
            out = dx[m]
            centre, scale = mean[m], rstd[m]
            g_sum, g_x_sum = 0.0, 0.0
            for start in range(0, K, PIECE):
                row_part, g_part = row[start : start + PIECE], g_row[start : start + PIECE]
                weight_part = weight[start : start + PIECE]
                part, x_part = real(0), real(0)
                for k in range(row_part.size):
                    weighted = g_part[k] * weight_part[k]
                    part += weighted
                    x_part += weighted * ((row_part[k] - centre) * scale)
                g_sum += part
                g_x_sum += x_part
            g_mean, slope = real(g_sum / K), real(g_x_sum / K)
            for k in range(K):
                g_here, x_hat = g_row[k], (row[k] - centre) * scale
                dweight[k] += g_here * x_hat
                dbias[k] += g_here
                out[k] = scale * (g_here * weight[k] - g_mean - x_hat * slope)
    for block in range(partial.shape[0]):
        for which in range(2):
            total = dparams[which]
            row = partial[block, which]
            for k in range(K):
                total[k] += row[k]


@lru_cache(maxsize=64)
def _constant(value: float, size: int, dtype: np.dtype[Any]) -> Array:
    """An array of one value, which kernels only read."""
    return np.full(size, value, dtype)


def _or_constant(values: Array | None, constant: float, size: int, dtype: np.dtype[Any]) -> Array:
    """`values`, flat, or the constant `size` times."""
    if values is None:
        return _constant(constant, size, dtype)
    if values.ndim == 1 and values.flags.c_contiguous and values.dtype == dtype:
        return values
    return np.ascontiguousarray(values, dtype).reshape(-1)


def layer_norm(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """y (M, K), the mean (M,) and 1 / sqrt(biased variance + eps) (M,) of the rows of x (M, K).

    y = (x - mean) * rstd * weight + bias; weight and bias have K elements.
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
    """The gradients of x, weight and bias.  They include the paths through mean and rstd."""
    k = x.shape[1]
    x = np.ascontiguousarray(x)
    dx, dparams = np.empty(x.shape, x.dtype), np.zeros((2, k))
    partial = np.zeros((-(-x.shape[0] // ROWS), 2, k), x.dtype)
    _rows_backward.run(
        x.size, dx, dparams, partial, np.ascontiguousarray(g), x, mean, rstd,
        _or_constant(weight, 1, k, x.dtype),
    )  # fmt: skip
    dweight, dbias = dparams.astype(x.dtype)
    return dx, dweight, dbias


# ----------------------------------------------------------------------------------- groups


@kernel(fastmath=_SUMS)
def _groups(
    y: Array, mean: Array, rstd: Array, x: Array, weight: Array, bias: Array, eps: float
) -> None:
    """Normalise each x[m] of x (M, D, S); weight and bias (G, D): row m belongs to group m % G."""
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
            deviation = np.float64(row[k] - centre)
            squares += deviation * deviation
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
    """Also write `sums` (2, M, D): of g * (x - mean) * rstd, and of g, over each x[m, d]."""
    M, D, S = x.shape
    real = x.dtype.type
    for m in prange(M):
        group = m % weight.shape[0]
        centre, scale = mean[m], rstd[m]
        g_sum, g_x_sum = 0.0, 0.0
        for d in range(D):
            channel = x[m, d]
            g_channel = g[m, d]
            part, x_part = 0.0, 0.0
            for s in range(S):
                part += g_channel[s]
                x_part += g_channel[s] * ((channel[s] - centre) * scale)
            sums[0, m, d], sums[1, m, d] = x_part, part
            g_sum += part * weight[group, d]
            g_x_sum += x_part * weight[group, d]
        g_mean, slope = real(g_sum / (D * S)), real(g_x_sum / (D * S))
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
    """The gradients of x, weight and bias.  They include the paths through mean and rstd."""
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
