"""Batch normalisation of arrays (N, C, S): each channel c over its N * S values.

Ioffe & Szegedy 2015, Batch Normalization, arXiv:1502.03167.
"""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.reduction.reduce import ROWS, blocks_of, join_moments, moments_of_columns

Array = np.ndarray[Any, Any]

# Rows shorter than this are first copied channel by channel, and rows of one element are treated as
# columns: a loop over S would not fill a vector.
SHORT = 16
# Products are summed in the array's dtype over so many elements, and those sums in float64.
PIECE = 1024

_SUMS = frozenset({"contract", "reassoc"})


@kernel(fastmath=_SUMS)
def _train(
    y: Array, mean: Array, rstd: Array, x: Array, weight: Array, bias: Array, eps: float
) -> None:
    """Two passes for mean and variance, one for y: the channel is read again from the cache."""
    N, C, S = x.shape
    real = x.dtype.type
    for c in prange(C):
        total = 0.0
        for n in range(N):
            row = x[n, c]
            for s in range(S):
                total += row[s]
        centre = real(total / (N * S))
        squares, rest = 0.0, 0.0
        for n in range(N):
            row = x[n, c]
            for s in range(S):
                deviation = np.float64(row[s] - centre)
                squares += deviation * deviation
                rest += deviation
        # `rest` corrects for the rounding of the mean.
        variance = squares / (N * S) - (rest / (N * S)) ** 2
        scale = 1.0 / math.sqrt(variance + eps)
        mean[c], rstd[c] = centre, scale
        a = real(scale * weight[c])
        b = bias[c]
        for n in range(N):
            row = x[n, c]
            out = y[n, c]
            for s in range(S):
                out[s] = (row[s] - centre) * a + b


@kernel(fastmath=_SUMS)
def _train_backward(
    dx: Array, dweight: Array, dbias: Array, g: Array, x: Array,
    mean: Array, rstd: Array, weight: Array,
) -> None:  # fmt: skip
    N, C, S = x.shape
    real = x.dtype.type
    for c in prange(C):
        centre = mean[c]
        g_sum, g_x_sum = 0.0, 0.0
        for n in range(N):
            for start in range(0, S, PIECE):
                row = x[n, c, start : start + PIECE]
                g_row = g[n, c, start : start + PIECE]
                part, x_part = real(0), real(0)
                for s in range(row.size):
                    part += g_row[s]
                    x_part += g_row[s] * (row[s] - centre)
                g_sum += part
                g_x_sum += x_part
        dweight[c], dbias[c] = g_x_sum * rstd[c], g_sum
        g_mean = real(g_sum / (N * S))
        slope = real(g_x_sum * rstd[c] * rstd[c] / (N * S))
        scale = weight[c] * rstd[c]
        for n in range(N):
            row = x[n, c]
            g_row = g[n, c]
            out = dx[n, c]
            for s in range(S):
                out[s] = scale * (g_row[s] - g_mean - (row[s] - centre) * slope)


@kernel
def _train_columns(
    y: Array, mean: Array, rstd: Array, moments: Array, centres: Array,
    x: Array, weight: Array, bias: Array, eps: float,
) -> None:  # fmt: skip
    """`_train` of x (N, C).  Workspaces: `moments` (2, blocks, C), zeros, `centres` (blocks, C)."""
    N, C = x.shape
    real = x.dtype.type
    blocks = centres.shape[0]
    sums = moments[0]
    squares = moments[1]
    for block in prange(blocks):
        part = x[block * ROWS : (block + 1) * ROWS]
        moments_of_columns(sums[block], squares[block], centres[block], part)
    join_moments(sums, squares, N)
    slope = centres[0]
    for c in range(C):
        scale = 1.0 / math.sqrt(squares[0, c] / N + eps)
        mean[c], rstd[c] = sums[0, c] / N, scale
        slope[c] = real(scale * weight[c])
    for block in prange(blocks):
        for n in range(block * ROWS, min(N, (block + 1) * ROWS)):
            row = x[n]
            out = y[n]
            for c in range(C):
                out[c] = (row[c] - mean[c]) * slope[c] + bias[c]


@kernel
def _train_columns_backward(
    dx: Array, dweight: Array, dbias: Array, partial: Array, factors: Array, g: Array, x: Array,
    mean: Array, rstd: Array, weight: Array,
) -> None:  # fmt: skip
    """`_train_backward` of x (N, C).

    Workspaces: `partial` (2, blocks, C), zeros, and `factors` (3, C).
    """
    N, C = x.shape
    real = x.dtype.type
    blocks = partial.shape[1]
    sums = partial[0]
    x_sums = partial[1]
    for block in prange(blocks):
        g_sum = sums[block]
        g_x_sum = x_sums[block]
        for n in range(block * ROWS, min(N, (block + 1) * ROWS)):
            row = x[n]
            g_row = g[n]
            for c in range(C):
                g_sum[c] += g_row[c]
                g_x_sum[c] += g_row[c] * (row[c] - mean[c])
    for c in range(C):
        g_sum, g_x_sum = 0.0, 0.0
        for block in range(blocks):
            g_sum += sums[block, c]
            g_x_sum += x_sums[block, c]
        dweight[c], dbias[c] = g_x_sum * rstd[c], g_sum
        factors[0, c] = real(g_sum / N)
        factors[1, c] = real(g_x_sum * rstd[c] * rstd[c] / N)
        factors[2, c] = weight[c] * rstd[c]
    for block in prange(blocks):
        for n in range(block * ROWS, min(N, (block + 1) * ROWS)):
            row = x[n]
            g_row = g[n]
            out = dx[n]
            g_mean = factors[0]
            slope = factors[1]
            scale = factors[2]
            for c in range(C):
                out[c] = scale[c] * (g_row[c] - g_mean[c] - (row[c] - mean[c]) * slope[c])


@kernel
def _shift_and_scale_columns(y: Array, x: Array, centre: Array, scale: Array, bias: Array) -> None:
    for block in prange(-(-x.shape[0] // ROWS)):
        for n in range(block * ROWS, min(x.shape[0], (block + 1) * ROWS)):
            row = x[n]
            out = y[n]
            for c in range(row.size):
                out[c] = (row[c] - centre[c]) * scale[c] + bias[c]


@kernel
def _shift_and_scale(y: Array, x: Array, centre: Array, scale: Array, bias: Array) -> None:
    for row in prange(x.shape[0] * x.shape[1]):
        n = row // x.shape[1]
        c = row % x.shape[1]
        x_row = x[n, c]
        y_row = y[n, c]
        a = scale[c]
        m = centre[c]
        b = bias[c]
        for s in range(x_row.size):
            y_row[s] = (x_row[s] - m) * a + b


def _channel_rows(x: Array) -> Array:
    """x (N, C, S) contiguous, or as (1, C, N*S) if S is short."""
    n, c, s = x.shape
    if 0 < s < SHORT and n > 1:
        return _swapped(x).reshape(1, c, n * s)
    return np.ascontiguousarray(x)


def _from_channel_rows(y: Array, shape: tuple[int, ...]) -> Array:
    """The inverse of `_channel_rows`, contiguous."""
    if y.shape == shape:
        return y
    n, c, s = shape
    return _swapped(y.reshape(c, n, s))


def _swapped(x: Array) -> Array:
    """x (A, B, S) as (B, A, S), contiguous: each row of S is copied as one element."""
    a, b, s = x.shape
    rows = np.ascontiguousarray(x).view(np.dtype((np.void, s * x.itemsize)))[..., 0]
    return np.ascontiguousarray(rows.T).view(x.dtype).reshape(b, a, s)


def _or_constant(values: Array | None, constant: float, like: Array) -> Array:
    """`values`, or the constant once for each channel of `like`."""
    if values is None:
        return np.full(like.shape[1], constant, like.dtype)
    return np.ascontiguousarray(values, like.dtype)


def _as_columns(x: Array) -> Array:
    """x (N, C, 1) as (N, C), contiguous."""
    return np.ascontiguousarray(x).reshape(x.shape[:2])


def batch_norm_train(
    x: Array, weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:
    """y (N, C, S), the mean (C,) and 1 / sqrt(biased variance + eps) (C,) of x (N, C, S).

    y = (x - mean) * rstd * weight + bias.  With N * S = 0 mean and rstd are NaN.
    """
    columns = x.shape[2] == 1
    rows = _as_columns(x) if columns else _channel_rows(x)
    y = np.empty(rows.shape, rows.dtype)
    mean, rstd = np.empty(x.shape[1], x.dtype), np.empty(x.shape[1], x.dtype)
    values = rows, _or_constant(weight, 1, x), _or_constant(bias, 0, x), float(eps)
    if columns:
        centres = np.empty((blocks_of(ROWS, rows.shape[0]), rows.shape[1]), x.dtype)
        moments = np.zeros((2, *centres.shape))
        _train_columns.run(x.size, y, mean, rstd, moments, centres, *values)
    else:
        _train.run(x.size, y, mean, rstd, *values)
    return y.reshape(x.shape) if columns else _from_channel_rows(y, x.shape), mean, rstd


def batch_norm_train_backward(
    g: Array, x: Array, mean: Array, rstd: Array, weight: Array | None
) -> tuple[Array, Array, Array]:
    """The gradients of x, weight and bias.  They include the paths through mean and rstd."""
    columns = x.shape[2] == 1
    rows, g_rows = map(_as_columns if columns else _channel_rows, (x, g))
    dx, dweight, dbias = (
        np.empty(rows.shape, rows.dtype),
        np.empty(mean.shape, mean.dtype),
        np.empty(mean.shape, mean.dtype),
    )
    values = g_rows, rows, mean, rstd, _or_constant(weight, 1, x)
    if columns:
        n, c = rows.shape
        partial, factors = np.zeros((2, blocks_of(ROWS, n), c)), np.empty((3, c), x.dtype)
        _train_columns_backward.run(x.size, dx, dweight, dbias, partial, factors, *values)
    else:
        _train_backward.run(x.size, dx, dweight, dbias, *values)
    return dx.reshape(x.shape) if columns else _from_channel_rows(dx, x.shape), dweight, dbias


def _normalize(x: Array, centre: Array, scale: Array, bias: Array) -> Array:
    """(x - centre) * scale + bias, each (C,)."""
    columns = x.shape[2] == 1
    rows = _as_columns(x) if columns else np.ascontiguousarray(x)
    y = np.empty(rows.shape, rows.dtype)
    compiled = _shift_and_scale_columns if columns else _shift_and_scale
    compiled.run(x.size, y, rows, centre, scale, bias)
    return y.reshape(x.shape)


def batch_norm_eval(
    x: Array, mean: Array, var: Array, weight: Array | None, bias: Array | None, eps: float
) -> Array:
    """(x - mean) / sqrt(var + eps) * weight + bias for x (N, C, S) and the rest (C,)."""
    scale = _or_constant(weight, 1, x) / np.sqrt(var + x.dtype.type(eps))
    centre = np.ascontiguousarray(mean, x.dtype)
    return _normalize(x, centre, scale.astype(x.dtype, copy=False), _or_constant(bias, 0, x))
