"""Elements read from, and added to, positions that integer arrays give.

NumPy treats them one by one.  Here consecutive elements are treated together, and threads share
the rows that are read, or the columns that are added to.  Bounds are looked at where the positions
are in the cache already.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import Kernel, device_function, kernel, prange
from minigrad.kernels.simd.math import FLOATS

Array = np.ndarray[Any, Any]
Index = tuple[Any, ...]

# NumPy is faster for fewer elements: added, or read along a dimension; and read by rows.
MIN_ADDED, MIN_READ = 256, 16_384
# Rows that one task reads.  Positions that are added to may be equal, so that a task of additions
# has all rows and so many columns.
ROWS, COLUMNS = 256, 64
# So many positions are looked at before their elements are read, by one task that reads.
BLOCK = 2048
# A sum of more values is kept in float64.  How often each position occurs is counted where there
# are at most so many positions for each value, and found by sorting elsewhere.
OFTEN, COUNTED = 256, 16

_NARROW = (np.dtype(np.float16), np.dtype(np.float32))
_FULL = slice(None)
_FLOAT_OF_SIZE = {dtype.itemsize: dtype for dtype in FLOATS}


def take_at(x: Array, index: Index) -> Array:
    """x[index].  Raises IndexError as NumPy does."""
    part, axis = index[-1], len(index) - 1
    if (
        type(part) is np.ndarray
        and part.dtype.kind == "i"
        and x.flags.c_contiguous
        and axis < x.ndim
        and part.size * x.size < MIN_READ * x.shape[axis]
        and all(type(other) is slice and other == _FULL for other in index[:-1])
    ):
        return x.take(part, axis)  # in a third of the time of x[index]
    bits = _as_floats(x)
    rows = None if bits is None else _rows(x, index, MIN_READ)
    if bits is None or rows is None:
        return np.asarray(x[index])
    (parts, length, columns), count = rows.sizes, rows.at.size
    if columns == 1:
        out = np.empty((parts, count), bits.dtype)
        _take_columns.run(out.size, out, bits.reshape(parts, length), rows.at)
    else:
        out = np.empty((parts, count, columns), bits.dtype)
        _take_rows.run(out.size, out, bits.reshape(rows.sizes), rows.at)
    return out.view(x.dtype).reshape(rows.shape)


def _as_floats(x: Array) -> Array | None:
    """x, or its memory as floats of the same size, which are copied bit by bit; else None."""
    if not x.flags.c_contiguous:
        return None
    if x.dtype in FLOATS:
        return x
    same = _FLOAT_OF_SIZE.get(x.itemsize) if x.dtype.kind in "iuc" else None
    return None if same is None else x.view(same)


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
def _take_rows(out: Array, x: Array, at: Array) -> None:
    """out[o, m] = x[o, at[m]]."""
    blocks = (at.size + ROWS - 1) // ROWS
    for task in prange(out.shape[0] * blocks):
        o = task // blocks
        begin = task % blocks * ROWS
        for m in range(begin, min(begin + ROWS, at.size)):
            out_row = out[o, m]
            row = x[o, at[m]]
            for i in range(out_row.size):
                out_row[i] = row[i]


@kernel
def _take_columns(out: Array, x: Array, at: Array) -> None:
    """out[o, m] = x[o, at[m]], element by element."""
    blocks = (at.size + BLOCK - 1) // BLOCK
    for task in prange(out.shape[0] * blocks):
        o = task // blocks
        begin = task % blocks * BLOCK
        out_part = out[o, begin : begin + BLOCK]
        part = at[begin : begin + BLOCK]
        row = x[o]
        for m in range(out_part.size):
            out_part[m] = row[np.uintp(part[m])]  # unsigned, it does not count from the end


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


# ------------------------------------------------------------------------ bounds


def is_within(index: Array, lowest: int, end: int) -> bool:
    """Whether lowest <= index < end for all elements of an array of int64."""
    inside = np.empty(-(-index.size // BLOCK), np.bool_)
    within: bool = _is_within.run(index.size, inside, index.ravel(), lowest, end)
    return within


@device_function
def _are_within(at: Any, lowest: int, end: int) -> Any:
    """As `is_within`: a difference that is negative has the highest bit, and so has the union."""
    signs = 0
    for m in range(at.size):
        signs |= (at[m] - lowest) | (end - 1 - at[m])
    return signs >= 0


@kernel
def _is_within(inside: Array, index: Array, lowest: int, end: int) -> bool:
    """Workspace: inside (blocks,)."""
    for block in prange(inside.size):
        inside[block] = _are_within(index[block * BLOCK : (block + 1) * BLOCK], lowest, end)
    within = True
    for block in range(inside.size):
        within = within and inside[block]
    return within


# ------------------------------------------------------------------------ along one dimension


def take_along(x: Array, index: Array, dim: int) -> Array:
    """out[o, i, c] = x[o, index[o, i, c], c], where i is the position along `dim`.

    The index is int64.  Only along `dim` may it be longer than x.  Raises RuntimeError, in torch's
    words, for an index that is negative or too large.
    """
    bits = _as_floats(x) if index.size >= MIN_ADDED else None
    if bits is None or not _have_equal_axes(x, index, dim):
        return x[coordinates_within(index, dim, x.shape[dim])]
    out = np.empty(index.shape, bits.dtype)
    _run_along(_take_along, (out, bits, index), index, x.shape[dim], dim)
    return out if bits is x else out.view(x.dtype)


def add_along(out: Array, index: Array, values: Array, dim: int) -> None:
    """out[o, index[o, i, c], c] += values[o, i, c], where i is the position along `dim`.

    Raises RuntimeError as `take_along` does; some values may then have been added.
    """
    is_compilable = out.dtype in FLOATS and out.flags.c_contiguous and values.dtype == out.dtype
    if not is_compilable or index.size < MIN_ADDED or not _have_equal_axes(out, index, dim):
        _add_by_numpy(out, coordinates_within(index, dim, out.shape[dim]), values)
        return
    sums = _wider(out) if index.shape[dim] > OFTEN else out
    _run_along(_write_along, (sums, index, values), index, out.shape[dim], dim, True)
    if sums is not out:
        out[...] = sums


def put_along(out: Array, index: Array, values: Array, dim: int) -> None:
    """out[o, index[o, i, c], c] = values[o, i, c]; of several values for an element the last.

    Raises RuntimeError as `take_along` does; some values may then have been put.
    """
    bits = _as_floats(out) if index.size >= MIN_ADDED and values.dtype == out.dtype else None
    if bits is None or not _have_equal_axes(out, index, dim):
        out[coordinates_within(index, dim, out.shape[dim])] = values
        return
    values = np.ascontiguousarray(values).view(bits.dtype)
    _run_along(_write_along, (bits, index, values), index, out.shape[dim], dim, False)


def _have_equal_axes(x: Array, index: Array, dim: int) -> bool:
    """Return whether all axes but `dim` are equally long."""
    before: bool = x.shape[:dim] == index.shape[:dim]
    return before and x.shape[dim + 1 :] == index.shape[dim + 1 :]


def coordinates(index: Array, dim: int) -> Index:
    """The positions that an index along `dim` refers to, as a NumPy index."""
    ndim = index.ndim
    return tuple(  # np.ogrid takes ten times as long for a small index
        index if axis == dim else np.arange(size).reshape((-1,) + (1,) * (ndim - 1 - axis))
        for axis, size in enumerate(index.shape)
    )


def coordinates_within(index: Array, dim: int, length: int) -> Index:
    """As `coordinates`.  Raises RuntimeError as `take_along` does."""
    _require_within(index, dim, length)
    return coordinates(index, dim)


def _require_within(index: Array, dim: int, length: int) -> None:
    if not is_within(index, 0, length):
        bad = index[(index < 0) | (index >= length)].flat[0]
        raise RuntimeError(f"index {bad} is out of bounds for dimension {dim} with size {length}")


def _run_along(
    along: Kernel, arrays: tuple[Array, ...], index: Array, length: int, dim: int, *settings: bool
) -> None:
    """Run a kernel on the arrays, `out` first, with the axes before `dim` merged and all others.

    Raises RuntimeError unless all indices are in 0 ... length - 1.
    """
    parts, columns = math.prod(index.shape[:dim]), math.prod(index.shape[dim + 1 :])
    merged = [
        array if array.ndim == 2 and dim == 1 and array.flags.c_contiguous
        else np.ascontiguousarray(array).reshape(parts, array.shape[dim] * columns)
        for array in arrays
    ]  # fmt: skip
    outside = np.zeros(1, np.bool_)
    along.run(index.size, *merged, outside, length, columns, *settings)
    if outside[0]:
        _require_within(index, dim, length)


@kernel
def _take_along(
    out: Array, x: Array, index: Array, outside: Array, length: int, columns: int
) -> None:
    """out[o, m] = x[o, index[o, m] * columns + m % columns].

    Where an index is outside 0 ... length - 1, `outside` becomes True and nothing is read.
    """
    blocks = (index.shape[1] + BLOCK - 1) // BLOCK
    for task in prange(index.shape[0] * blocks):
        o = task // blocks
        begin = task % blocks * BLOCK
        at = index[o, begin : begin + BLOCK]
        result = out[o, begin : begin + BLOCK]
        row = x[o]
        if not _are_within(at, 0, length):
            outside[0] = True
        elif columns == 1:
            for m in range(at.size):
                result[m] = row[np.uintp(at[m])]  # unsigned, it does not count from the end
        else:
            column = begin % columns
            for m in range(at.size):
                result[m] = row[np.uintp(at[m] * columns + column)]
                column = column + 1 if column + 1 < columns else 0


@device_function
def _write(row: Array, at: Array, values: Array, columns: int, first: int, adds: bool) -> None:
    """row[at[m] * columns + first + m] = values[m], or += where it `adds`."""
    for m in range(at.size):
        place = np.uintp(at[m] * columns + (0 if columns == 1 else first + m))
        row[place] = row[place] + values[m] if adds else values[m]


@kernel
def _write_along(
    out: Array, index: Array, values: Array, outside: Array, length: int, columns: int, adds: bool
) -> None:
    """out[o, index[o, m] * columns + m % columns] = values[o, m], or +=, in the order of m.

    `outside` is as in `_take_along`.
    """
    strips = (columns + COLUMNS - 1) // COLUMNS
    for task in prange(index.shape[0] * strips):
        o = task // strips
        first = task % strips * COLUMNS
        # One column has its elements side by side.
        width = BLOCK if columns == 1 else min(COLUMNS, columns - first)
        for begin in range(first, index.shape[1], BLOCK if columns == 1 else columns):
            at = index[o, begin : begin + width]
            if _are_within(at, 0, length):
                _write(out[o], at, values[o, begin : begin + width], columns, first, adds)
            else:
                outside[0] = True
