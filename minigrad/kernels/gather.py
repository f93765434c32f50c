"""Elements read from, and added to, places that arrays of integers name.

NumPy walks over them one by one; here runs of elements that lie together go together, and parts of
the array that no two places share are shared out among threads.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.simd.math import FLOATS

Array = np.ndarray[Any, Any]
Index = tuple[Any, ...]

# NumPy is ahead where fewer elements are added (or read one by one), or read row by row.
FEWEST_ADDED, FEWEST_READ = 256, 16_384
# A task reads so many rows.  Rows that are added to may be the same: its task is so many columns of
# all.
ROWS, COLUMNS = 256, 64


def take_at(x: Array, index: Index) -> Array:
    """x[index].  Raises IndexError as NumPy does."""
    usable = x.dtype in FLOATS and x.flags.c_contiguous
    rows = _rows(x, index, FEWEST_READ) if usable else None
    if rows is None:
        return np.asarray(x[index])
    out = np.empty((rows.sizes[0], rows.at.size, rows.sizes[2]), x.dtype)
    _take.run(out.size, out, x.reshape(rows.sizes), rows.at)
    return out.reshape(rows.shape)


def add_at(out: Array, index: Index, values: Array) -> None:
    """out[index] += values, where a place that is named repeatedly is added to each time.

    Raises IndexError and ValueError as NumPy does.
    """
    usable = out.dtype in FLOATS and out.flags.c_contiguous
    rows = _rows(out, index, FEWEST_ADDED) if usable else None
    if rows is None or values.shape != rows.shape or values.dtype != out.dtype:
        np.add.at(out, index, values)
        return
    more = np.ascontiguousarray(values).reshape(rows.sizes[0], rows.at.size, rows.sizes[2])
    _add.run(values.size, out.reshape(rows.sizes), rows.at, more)


class _Rows(NamedTuple):
    """An index into an array seen as (parts, rows, columns), that names rows in every part."""

    sizes: tuple[int, int, int]
    at: Array
    shape: tuple[int, ...]  # of what the index selects


def _rows(x: Array, index: Index, fewest: int) -> _Rows | None:
    """The index, if it has nothing but arrays of integers side by side; else None.

    None also if it selects fewer elements, or if it goes out of bounds: NumPy says where.
    """
    spelt: list[Any] = []
    for part in index:
        missing = x.ndim - len(index) + 1
        spelt += [slice(None)] * missing if part is Ellipsis else [part]
    arrays = [i for i, part in enumerate(spelt) if isinstance(part, np.ndarray)]
    if not arrays:
        return None
    first, end = arrays[0], arrays[-1] + 1
    if any(part != slice(None) for part in spelt[:first] + spelt[end:]):
        return None
    parts = spelt[first:end]
    before, lengths, after = x.shape[:first], x.shape[first:end], x.shape[end:]
    if not len(arrays) == len(parts) == len(lengths) or any(p.dtype.kind != "i" for p in parts):
        return None
    places = parts[0].shape if len(parts) == 1 else np.broadcast_shapes(*(p.shape for p in parts))
    shape = (*before, *places, *after)
    if math.prod(shape) < fewest:
        return None
    at = np.zeros(math.prod(places), np.int64)
    for part, length in zip(parts, lengths, strict=True):
        wide = part if part.shape == places else np.broadcast_to(part, places)
        if not _count_on.run(at, wide.astype(np.int64, copy=False).ravel(), length):
            return None
    return _Rows((math.prod(before), math.prod(lengths), math.prod(after)), at, shape)


@kernel
def _count_on(at: Array, part: Array, length: int) -> bool:
    """at = at * length + part, negative parts counted from the end; whether all are in bounds."""
    inside = True
    for m in range(at.size):
        place = part[m]
        if place < 0:
            place += length
        inside = inside and 0 <= place < length
        at[m] = at[m] * length + place
    return inside


@kernel
def _take(out: Array, x: Array, at: Array) -> None:
    """out[o, m] = x[o, at[m]]."""
    columns = out.shape[2]
    pieces = (at.size + ROWS - 1) // ROWS
    for piece in prange(out.shape[0] * pieces):
        o = piece // pieces
        begin = piece % pieces * ROWS
        for m in range(begin, min(begin + ROWS, at.size)):
            if columns == 1:
                out[o, m, 0] = x[o, at[m], 0]
            else:
                to = out[o, m]
                line = x[o, at[m]]
                for i in range(to.size):
                    to[i] = line[i]


@kernel
def _add(out: Array, at: Array, values: Array) -> None:
    """out[o, at[m]] += values[o, m], one after the other."""
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
                to = out[o, at[m], begin:end]
                more = values[o, m, begin:end]
                for i in range(to.size):
                    to[i] += more[i]


# ------------------------------------------------------------------------ along one dimension


def take_along(x: Array, index: Array, dim: int) -> Array:
    """out[o, i, c] = x[o, index[o, i, c], c] where `dim` lies in the middle.

    The index is int64, has no negative entries, and no axis longer than x's, but for `dim`.
    """
    usable = x.dtype in FLOATS and x.flags.c_contiguous
    if not usable or index.size < FEWEST_ADDED or not _alike(x, index, dim):
        return x[coordinates(index, dim)]
    out = np.empty(index.shape, x.dtype)
    _take_along.run(out.size, _seen(out, dim), _seen(x, dim), _seen(index, dim))
    return out


def add_along(out: Array, index: Array, values: Array, dim: int) -> None:
    """out[o, index[o, i, c], c] += values[o, i, c] where `dim` lies in the middle."""
    usable = out.dtype in FLOATS and out.flags.c_contiguous and values.dtype == out.dtype
    if not usable or index.size < FEWEST_ADDED or not _alike(out, index, dim):
        np.add.at(out, coordinates(index, dim), values)
        return
    _add_along.run(index.size, _seen(out, dim), _seen(index, dim), _seen(values, dim))


def _alike(x: Array, index: Array, dim: int) -> bool:
    """Whether all axes but `dim` are equally long."""
    return all(
        a == b for i, (a, b) in enumerate(zip(x.shape, index.shape, strict=True)) if i != dim
    )


def coordinates(index: Array, dim: int) -> Index:
    """For every element of the index, the coordinates it speaks of."""
    coordinates = list(np.ogrid[tuple(slice(s) for s in index.shape)])
    coordinates[dim] = index
    return tuple(coordinates)


def _seen(x: Array, dim: int) -> Array:
    """x contiguous, with one axis for all before `dim` and one for all after it."""
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
