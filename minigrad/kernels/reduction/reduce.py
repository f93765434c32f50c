"""Sums and squared deviations over axes, in blocks of fixed size that are added in a fixed order.

All combinations of axes reduce to two loops over contiguous memory: along rows, and down columns.
A few elements are added in the array's dtype, and those sums in float64.  So an element takes part
in about ten roundings of float32 at most, for any number of elements.
"""

import math
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.simd.math import FLOATS

Array = np.ndarray[Any, Any]

# Elements of a partial sum along a row, and rows of a partial sum down columns.
BLOCK = 4096
ROWS = 64
# Elements that are added in the array's dtype, by vectors: for example 8 to each of 32 lanes.
PIECE = 256
# From this size on, the kernel is faster than NumPy: along rows, and down more than ROWS rows.
# NumPy adds numbers in pairs along rows, but one by one down columns.
MIN_SIZE = 4096

_add = np.add.reduce
_SUMS = frozenset({"contract", "reassoc"})
_HALF, _DOUBLE = np.dtype(np.float16), np.dtype(np.float64)


@kernel(fastmath=_SUMS)
def _sum_rows(out: Array, partial: Array, x: Array) -> None:
    """x (M, K) summed along K into out (M,).  Workspace: partial (M, blocks)."""
    M, K = x.shape
    blocks = partial.shape[1]
    rows = max(1, BLOCK // max(K, 1))  # in one task: several if they are short
    for task in prange(-(-M // rows) * blocks):
        first, block = task // blocks * rows, task % blocks
        for m in range(first, min(M, first + rows)):
            row = x[m, block * BLOCK : (block + 1) * BLOCK]
            total = 0.0
            for start in range(0, row.size, PIECE):
                piece = row[start : start + PIECE]
                piece_total = x.dtype.type(0)
                for k in range(piece.size):
                    piece_total += piece[k]
                total += piece_total
            partial[m, block] = total
    for m in range(M):
        total = partial[m, 0]
        for block in range(1, blocks):
            total += partial[m, block]
        out[m] = total


@device_function
def _add_rows(total, part):
    """total (S,) += the sum of part (K, S) down its columns, four rows at a time."""
    K = part.shape[0]
    for k in range(0, K - 3, 4):
        r0, r1, r2, r3 = part[k], part[k + 1], part[k + 2], part[k + 3]
        for s in range(total.size):
            total[s] += (r0[s] + r1[s]) + (r2[s] + r3[s])
    for k in range(K // 4 * 4, K):
        row = part[k]
        for s in range(total.size):
            total[s] += row[s]


@kernel
def _sum_columns(out: Array, partial: Array, x: Array) -> None:
    """x (B, K, S) summed along K into out (B, S).  Workspace: partial (B, blocks, S), zeros."""
    B, blocks, S = partial.shape
    for task in prange(B * blocks):
        b, block = task // blocks, task % blocks
        _add_rows(partial[b, block], x[b, block * ROWS : (block + 1) * ROWS])
    for b in range(B):
        total = partial[b, 0]
        for block in range(1, blocks):
            row = partial[b, block]
            for s in range(S):
                total[s] += row[s]
        for s in range(S):
            out[b, s] = total[s]


@kernel(fastmath=_SUMS)
def _variance_of_rows(out: Array, moments: Array, x: Array, divisor: float) -> None:
    """out (M,) = the sum of squared deviations of x (M, K) from the mean along K, / divisor.

    Each block has its mean; blocks are combined as in Chan, Golub & LeVeque 1979.  Workspace:
    `moments` (2, M, blocks), the sums and the squared deviations of the blocks.
    """
    M, K = x.shape
    real = x.dtype.type
    blocks = moments.shape[2]
    rows = max(1, BLOCK // max(K, 1))
    sums = moments[0]
    squares = moments[1]
    for task in prange(-(-M // rows) * blocks):
        first, block = task // blocks * rows, task % blocks
        for m in range(first, min(M, first + rows)):
            row = x[m, block * BLOCK : (block + 1) * BLOCK]
            total = 0.0
            for k in range(row.size):
                total += row[k]
            centre = real(total / row.size)
            square = 0.0
            for k in range(row.size):
                deviation = np.float64(row[k] - centre)
                square += deviation * deviation
            # The rounding error of the mean, times the size.
            rest = total - row.size * np.float64(centre)
            sums[m, block], squares[m, block] = total, square - rest * rest / row.size
    for m in range(M):
        count, total, square = min(K, BLOCK), sums[m, 0], squares[m, 0]
        for block in range(1, blocks):
            added = min(K - block * BLOCK, BLOCK)
            distance = sums[m, block] / added - total / count
            square += squares[m, block] + distance * distance * (count * added / (count + added))
            total += sums[m, block]
            count += added
        out[m] = square / divisor


@device_function
def moments_of_columns(total, square, centre, part):
    """Sum part (K, S) down its columns, and its squared deviations from the mean.

    `total` and `square` (S,) hold zeros before; `centre` (S,) receives the mean.
    """
    n, S = part.shape
    _add_rows(total, part)
    for s in range(S):
        centre[s] = total[s] / n
    for k in range(n):
        row = part[k]
        for s in range(S):
            deviation = np.float64(row[s] - centre[s])
            square[s] += deviation * deviation
    for s in range(S):
        rest = total[s] - n * np.float64(centre[s])
        square[s] -= rest * rest / n


@device_function
def join_moments(sums, squares, K):
    """Combine the moments of blocks of ROWS rows into those of all K rows, in the first block."""
    total, square = sums[0], squares[0]
    count = min(K, ROWS)
    for block in range(1, sums.shape[0]):
        added = min(K - block * ROWS, ROWS)
        weight = count * added / (count + added)
        for s in range(total.size):
            distance = sums[block, s] / added - total[s] / count
            square[s] += squares[block, s] + distance * distance * weight
            total[s] += sums[block, s]
        count += added


@kernel
def _variance_of_columns(
    out: Array, moments: Array, centres: Array, x: Array, divisor: float
) -> None:
    """As `_variance_of_rows`, for x (B, K, S) along K into out (B, S).

    Workspaces: `moments` (2, B, blocks, S), zeros, and `centres` (B, blocks, S) of x's dtype.
    """
    B, blocks, S = centres.shape
    sums = moments[0]
    squares = moments[1]
    for task in prange(B * blocks):
        b, block = task // blocks, task % blocks
        part = x[b, block * ROWS : (block + 1) * ROWS]
        moments_of_columns(sums[b, block], squares[b, block], centres[b, block], part)
    for b in range(B):
        join_moments(sums[b], squares[b], x.shape[1])
        for s in range(S):
            out[b, s] = squares[b, 0, s] / divisor


def _grouped(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[list[int], list[bool]]:
    """The shape with neighbouring axes merged if both or neither are summed; whether each is."""
    merged = [
        (math.prod(shape[axis] for axis in group), summed)
        for summed, group in groupby(
            (a for a in range(len(shape)) if shape[a] != 1), key=lambda axis: axis in axes
        )
    ]
    return [size for size, _ in merged], [summed for _, summed in merged]


@lru_cache(1024)
def _view(
    shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool
) -> tuple[tuple[int, ...] | None, tuple[int, ...]]:
    """The shape (M, K) or (B, K, S) to reduce along K, or None; and the result's shape."""
    sizes, summed = _grouped(shape, axes)
    view: tuple[int, ...] | None = None
    if summed in ([True], [False, True]):
        view = (math.prod(sizes[:-1]), sizes[-1])
    elif summed in ([True, False], [False, True, False]):
        view = (math.prod(sizes[:-2]), *sizes[-2:])
    kept = (1 if a in axes else n for a, n in enumerate(shape) if keepdims or a not in axes)
    return view, tuple(kept)


def blocks_of(size: int, length: int) -> int:
    """The number of blocks of `size` that cover `length`, the last perhaps shorter; at least 1."""
    return max(1, -(-length // size))


def _sum_over(
    x: Array, view: tuple[int, ...], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Array:
    out = np.empty(shape, dtype)
    if len(view) == 2:
        partial = np.empty((view[0], blocks_of(BLOCK, view[1])))
        _sum_rows.run(x.size, out.reshape(-1), partial, x.reshape(view))
        return out
    B, K, S = view
    partial = np.zeros((B, blocks_of(ROWS, K), S))
    _sum_columns.run(x.size, out.reshape(B, S), partial, x.reshape(view))
    return out


def _variance_over(
    x: Array, view: tuple[int, ...], shape: tuple[int, ...], divisor: float, dtype: np.dtype[Any]
) -> Array:
    out = np.empty(shape, dtype)
    work = 2 * x.size
    if len(view) == 2:
        moments = np.empty((2, view[0], blocks_of(BLOCK, view[1])))
        _variance_of_rows.run(work, out.reshape(-1), moments, x.reshape(view), divisor)
        return out
    B, K, S = view
    centres = np.empty((B, blocks_of(ROWS, K), S), x.dtype)
    moments = np.zeros((2, *centres.shape))
    _variance_of_columns.run(work, out.reshape(B, S), moments, centres, x.reshape(view), divisor)
    return out


def sum(x: Array, axes: tuple[int, ...], keepdims: bool = False) -> Array:
    """The sum over `axes`, each in range(x.ndim); bool and small integers sum to int64."""
    dtype, size = x.dtype, x.size
    if size <= PIECE and dtype in FLOATS and (x.ndim < 2 or size <= ROWS * x.shape[-1]):
        pass  # no kernel is faster, and no sum has so many terms that its rounding counts
    elif dtype in FLOATS:
        if not x.flags.c_contiguous:
            if x.ndim > 1 and math.prod([x.shape[axis] for axis in axes]) > PIECE:
                return _sum_of_strided(x, axes, keepdims)
        elif size >= MIN_SIZE or (len(axes) < x.ndim and size > ROWS * x.shape[-1]):
            view, shape = _view(x.shape, axes, keepdims)
            if view is None:
                return _sum_of_groups(x, axes).reshape(shape)
            if size >= MIN_SIZE or (len(view) == 3 and view[1] > ROWS):
                return _sum_over(x, view, shape, dtype)
    elif dtype == _HALF:
        return sum(x.astype(np.float32), axes, keepdims).astype(dtype)
    # x.sum calls this, and takes half a microsecond more.  NumPy's stubs know no bool.
    total = _add(x, axis=axes, keepdims=keepdims)  # type: ignore[call-overload]
    return total if type(total) is np.ndarray else np.asarray(total)


def _sum_of_groups(x: Array, axes: tuple[int, ...]) -> Array:
    """The sum over axes that others stand between: the last ones first, into float64."""
    last = _last_group(x.shape, axes)
    others = tuple(axis for axis in axes if axis not in last)
    view, shape = _view(x.shape, last, True)
    if view is None:  # axes of one element
        return np.asarray(np.add.reduce(x, axis=axes, keepdims=True))
    return sum(_sum_over(x, view, shape, _DOUBLE), others, True).astype(x.dtype, copy=False)


@lru_cache(1024)
def _last_group(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The last of the axes that have no other axis between them."""
    group: list[int] = []
    for axis in range(len(shape) - 1, -1, -1):
        if axis in axes:
            group.append(axis)
        elif group and shape[axis] != 1:
            break
    return tuple(group)


def _sum_of_strided(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    """The sum of an array that is not contiguous: its axes in the order of memory first.

    A broadcast axis is not walked along: what it repeats is multiplied.
    """
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape) if keepdims or a not in axes)
    repeated = [axis for axis in axes if x.strides[axis] == 0 and x.shape[axis] > 1]
    times = math.prod([x.shape[axis] for axis in repeated])
    if repeated:
        x = x[tuple(slice(0, 1) if a in repeated else slice(None) for a in range(x.ndim))]
    order = sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))
    moved = np.ascontiguousarray(x.transpose(order))
    total = sum(moved, tuple(i for i, axis in enumerate(order) if axis in axes), True)
    total = total.transpose(np.argsort(order)).reshape(shape)
    if times > 1:
        total = (total.astype(np.float64) * times).astype(x.dtype)
    return np.ascontiguousarray(total).reshape(shape)


def deviation(x: Array, axes: tuple[int, ...], divisor: float, keepdims: bool = False) -> Array:
    """The square root of the variance, which itself may not fit the dtype of x."""
    wide = x.astype(np.float32) if x.dtype == _HALF else x
    squares = variance(wide, axes, divisor, keepdims, np.dtype(np.float64))
    return np.asarray(np.sqrt(squares)).astype(x.dtype, copy=False)


def variance(
    x: Array,
    axes: tuple[int, ...],
    divisor: float,
    keepdims: bool = False,
    dtype: np.dtype[Any] | None = None,
) -> Array:
    """The sum of squared deviations from the mean over `axes`, each in range(x.ndim), / divisor.

    `dtype` is that of the result, by default x's.
    """
    if x.dtype == _HALF:
        return variance(x.astype(np.float32), axes, divisor, keepdims).astype(_HALF)
    if x.size and x.dtype in FLOATS and x.flags.c_contiguous:
        view, shape = _view(x.shape, axes, keepdims)
        if view is not None:
            return _variance_over(x, view, shape, float(divisor), dtype or x.dtype)
    if dtype is not None:
        x = x.astype(dtype, copy=False)
    count = max(math.prod(x.shape[axis] for axis in axes), 1)
    centred = x - sum(x, axes, True) / x.dtype.type(count)
    total: Array = sum(centred * centred, axes, keepdims)
    return np.asarray(total / x.dtype.type(divisor))
