"""Elements read from, and added to, positions that integer arrays give.

NumPy treats them one by one.  Here consecutive elements are treated together, and threads share
the rows that are read, or the columns that are added to.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.simd.math import FLOATS

Array = np.ndarray[Any, Any]
Index = tuple[Any, ...]

# NumPy is faster for fewer elements: added, or read along a dimension; and read by rows.
MIN_ADDED, MIN_READ = 256, 16_384
# Rows that one task reads.  Positions that are added to may be equal, so that a task of additions
# has all rows and so many columns.
ROWS, COLUMNS = 256, 64
# A sum of more values is kept in float64.  How often each position occurs is counted where there
# are at most so many positions for each value, and found by sorting elsewhere.
OFTEN, COUNTED = 256, 16

_NARROW = (np.dtype(np.float16), np.dtype(np.float32))


def take_at(x: Array, index: Index) -> Array:
    """x[index].  Raises IndexError as NumPy does."""
    is_compilable = x.dtype in FLOATS and x.flags.c_contiguous
    rows = _rows(x, index, MIN_READ) if is_compilable else None
    if rows is None:
        return np.asarray(x[index])
    out = np.empty((rows.sizes[0], rows.at.size, rows.sizes[2]), x.dtype)
    _take.run(out.size, out, x.reshape(rows.sizes), rows.at)
    return out.reshape(rows.shape)


def add_at(out: Array, index: Index, values: Array) -> None:
    """out[index] += values; a position that occurs several times is added to each time.

    A position that occurs often is added to in float64, and rounded once.  Raises IndexError and
    ValueError as NumPy does.
    """
    is_compilable = out.dtype in FLOATS and out.flags.c_contiguous
    rows = _rows(out, index, MIN_ADDED) if is_compilable else None
    if rows is None or values.shape != rows.shape or values.dtype != out.dtype:
        _add_by_numpy(out, index, values)
        return
    more = np.ascontiguousarray(values).reshape(rows.sizes[0], rows.at.size, rows.sizes[2])
    sums = _wider(out) if _often(rows) else out
    _add.run(values.size, sums.reshape(rows.sizes), rows.at, more)
    if sums is not out:
        out[...] = sums


def _add_by_numpy(out: Array, index: Index, values: Array) -> None:
    """As `add_at`, for any index and dtype."""
    if out.dtype not in _NARROW or values.size <= OFTEN:
        np.add.at(out, index, values)
        return
    sums = _wider(out)
    np.add.at(sums, index, values)
    out[...] = sums


def _wider(out: Array) -> Array:
    """A copy in which to add; float64 itself where it is that."""
    return out if out.dtype == np.float64 else out.astype(np.float64)


class _Rows(NamedTuple):
    """An index into an array of shape `sizes`, (parts, rows, columns): rows `at` of each part."""

    sizes: tuple[int, int, int]
    at: Array
    shape: tuple[int, ...]  # of the selected elements


def _rows(x: Array, index: Index, min_size: int) -> _Rows | None:
    """The index as rows, if its integer arrays stand side by side and the rest is full slices.

    None otherwise, if it selects fewer than `min_size` elements, or if it is out of bounds: NumPy
    then raises the error.
    """
    full: list[Any] = []
    for part in index:
        missing = x.ndim - len(index) + 1
        full += [slice(None)] * missing if part is Ellipsis else [part]
    arrays = [i for i, part in enumerate(full) if isinstance(part, np.ndarray)]
    if not arrays:
        return None
    first, end = arrays[0], arrays[-1] + 1
    if any(part != slice(None) for part in full[:first] + full[end:]):
        return None
    parts = full[first:end]
    before, lengths, after = x.shape[:first], x.shape[first:end], x.shape[end:]
    if not len(arrays) == len(parts) == len(lengths) or any(p.dtype.kind != "i" for p in parts):
        return None
    selected = np.broadcast_shapes(*(p.shape for p in parts)) if parts[1:] else parts[0].shape
    shape = (*before, *selected, *after)
    if math.prod(shape) < min_size:
        return None
    at = np.zeros(math.prod(selected), np.int64)
    for part, length in zip(parts, lengths, strict=True):
        wide = part if part.shape == selected else np.broadcast_to(part, selected)
        if not _append_digit.run(at, wide.astype(np.int64, copy=False).ravel(), length):
            return None
    return _Rows((math.prod(before), math.prod(lengths), math.prod(after)), at, shape)


def _often(rows: _Rows) -> bool:
    """Whether a row may occur more than OFTEN times."""
    count, length = rows.at.size, rows.sizes[1]
    if count <= OFTEN:
        return False
    if rows.sizes[2] == 1 and length <= count:
        return True  # finding out takes as long as adding
    if length <= COUNTED * count:
        return bool(np.bincount(rows.at, minlength=length).max() > OFTEN)
    in_order = np.sort(rows.at)
    return bool((in_order[OFTEN:] == in_order[:-OFTEN]).any())


@kernel
def _append_digit(at: Array, part: Array, length: int) -> bool:
    """at = at * length + part, where negative indices count from the end.

    Returns whether all indices are in bounds.
    """
    in_bounds = True
    for m in range(at.size):
        index = part[m]
        if index < 0:
            index += length
        in_bounds = in_bounds and 0 <= index < length
        at[m] = at[m] * length + index
    return in_bounds


@kernel
def _take(out: Array, x: Array, at: Array) -> None:
    """out[o, m] = x[o, at[m]]."""
    columns = out.shape[2]
    blocks = (at.size + ROWS - 1) // ROWS
    for task in prange(out.shape[0] * blocks):
        o = task // blocks
        begin = task % blocks * ROWS
        for m in range(begin, min(begin + ROWS, at.size)):
            if columns == 1:
                out[o, m, 0] = x[o, at[m], 0]
            else:
                out_row = out[o, m]
                row = x[o, at[m]]
                for i in range(out_row.size):
                    out_row[i] = row[i]


@kernel
def _add(out: Array, at: Array, values: Array) -> None:
    """out[o, at[m]] += values[o, m], in the order of m."""
    columns = out.shape[2]
    strips = (columns + COLUMNS - 1) // COLUMNS
    for strip in prange(out.shape[0] * strips):
        o = strip // strips
        begin = strip % strips * COLUMNS
        end = min(begin + COLUMNS, columns)
        for m in range(at.size):
            if columns == 1:
                out[o, at[m], 0] += values[o, m, 0]
            else:
                out_row = out[o, at[m], begin:end]
                row = values[o, m, begin:end]
                for i in range(out_row.size):
                    out_row[i] += row[i]


# ------------------------------------------------------------------------ along one dimension


def take_along(x: Array, index: Array, dim: int) -> Array:
    """out[o, i, c] = x[o, index[o, i, c], c], where i is the position along `dim`.

    The index is int64, without negative elements.  Only along `dim` may it be longer than x.
    """
    is_compilable = x.dtype in FLOATS and x.flags.c_contiguous
    if not is_compilable or index.size < MIN_ADDED or not _have_equal_axes(x, index, dim):
        return x[coordinates(index, dim)]
    out = np.empty(index.shape, x.dtype)
    _take_along.run(
        out.size, _as_three_axes(out, dim), _as_three_axes(x, dim), _as_three_axes(index, dim)
    )
    return out


def add_along(out: Array, index: Array, values: Array, dim: int) -> None:
    """out[o, index[o, i, c], c] += values[o, i, c], where i is the position along `dim`."""
    is_compilable = out.dtype in FLOATS and out.flags.c_contiguous and values.dtype == out.dtype
    if not is_compilable or index.size < MIN_ADDED or not _have_equal_axes(out, index, dim):
        _add_by_numpy(out, coordinates(index, dim), values)
        return
    sums = _wider(out) if index.shape[dim] > OFTEN else out
    _add_along.run(
        index.size,
        _as_three_axes(sums, dim),
        _as_three_axes(index, dim),
        _as_three_axes(values, dim),
    )
    if sums is not out:
        out[...] = sums


def put_along(out: Array, index: Array, values: Array, dim: int) -> None:
    """out[o, index[o, i, c], c] = values[o, i, c]; of several values for an element the last."""
    is_compilable = out.dtype in FLOATS and out.flags.c_contiguous and values.dtype == out.dtype
    if not is_compilable or index.size < MIN_ADDED or not _have_equal_axes(out, index, dim):
        out[coordinates(index, dim)] = values
        return
    _put_along.run(
        index.size,
        _as_three_axes(out, dim),
        _as_three_axes(index, dim),
        _as_three_axes(values, dim),
    )


def _have_equal_axes(x: Array, index: Array, dim: int) -> bool:
    """Return whether all axes but `dim` are equally long."""
    return all(
        a == b for i, (a, b) in enumerate(zip(x.shape, index.shape, strict=True)) if i != dim
    )


def coordinates(index: Array, dim: int) -> Index:
    """The positions that an index along `dim` refers to, as a NumPy index."""
    ndim = index.ndim
    return tuple(  # np.ogrid takes ten times as long for a small index
        index if axis == dim else np.arange(size).reshape((-1,) + (1,) * (ndim - 1 - axis))
        for axis, size in enumerate(index.shape)
    )


def _as_three_axes(x: Array, dim: int) -> Array:
    """x contiguous, with the axes before `dim` merged into one, and those after it."""
    sizes = math.prod(x.shape[:dim]), x.shape[dim], math.prod(x.shape[dim + 1 :])
    return np.ascontiguousarray(x).reshape(sizes)


@kernel
def _take_along(out: Array, x: Array, index: Array) -> None:
    for o in prange(out.shape[0]):
        for i in range(out.shape[1]):
            for c in range(out.shape[2]):
                out[o, i, c] = x[o, index[o, i, c], c]


@kernel
def _add_along(out: Array, index: Array, values: Array) -> None:
    for o in prange(out.shape[0]):
        for i in range(index.shape[1]):
            for c in range(index.shape[2]):
                out[o, index[o, i, c], c] += values[o, i, c]


@kernel
def _put_along(out: Array, index: Array, values: Array) -> None:
    for o in prange(out.shape[0]):
        for i in range(index.shape[1]):
            for c in range(index.shape[2]):
                out[o, index[o, i, c], c] = values[o, i, c]
