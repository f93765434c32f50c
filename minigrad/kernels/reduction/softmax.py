"""Softmax and log-softmax over the rows of a contiguous matrix.

If the axis is not the last one, the argument is copied so that it is.  The result is then a view of
rows, which the backward kernels accept without another copy.
"""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import Kernel, kernel, prange
from minigrad.kernels.reduction.largest import largest_of
from minigrad.kernels.simd import math as scalar

Array = np.ndarray[Any, Any]

# The exponential of an element costs as much as about this many additions.
EXP_WORK = 4

_SUMS = frozenset({"contract", "reassoc"})


def as_rows(x: Array, axis: int) -> Array:
    """x with `axis` last, as a contiguous matrix; x itself if it is one."""
    if x.ndim == 2 and axis == 1 and x.flags.c_contiguous:
        return x
    if axis % max(x.ndim, 1) != max(x.ndim, 1) - 1:
        x = np.moveaxis(x, axis, -1)
    shape = x.shape or (1,)
    return np.ascontiguousarray(x).reshape(math.prod(shape[:-1]), shape[-1])


def from_rows(rows: Array, shape: tuple[int, ...], axis: int) -> Array:
    """The inverse of `as_rows`: a view of the given shape."""
    if rows.shape == shape and axis == 1:
        return rows
    if not shape:
        return rows.reshape(())
    axis %= len(shape)
    if axis == len(shape) - 1:
        return rows.reshape(shape)
    return np.moveaxis(rows.reshape(*shape[:axis], *shape[axis + 1 :], shape[axis]), -1, axis)


# --------------------------------------------------------------------- softmax and log-softmax


@kernel(fastmath=_SUMS)
def _softmax(out: Array, x: Array) -> None:
    for m in prange(x.shape[0]):
        row = x[m]
        out_row = out[m]
        largest = largest_of(row)
        for k in range(row.size):
            out_row[k] = scalar.decay(row[k] - largest)
        total = 0.0
        for k in range(row.size):
            total += out_row[k]
        scale = row.dtype.type(1.0 / total)
        for k in range(row.size):
            out_row[k] *= scale


@kernel(fastmath=_SUMS)
def _log_softmax(out: Array, x: Array) -> None:
    for m in prange(x.shape[0]):
        row = x[m]
        out_row = out[m]
        largest = largest_of(row)
        for k in range(row.size):
            out_row[k] = scalar.decay(row[k] - largest)
        total = 0.0
        for k in range(row.size):
            total += out_row[k]
        log_total = row.dtype.type(np.log(total))
        for k in range(row.size):
            # Two subtractions: at logits of 1e4, largest + log_total would lose the logarithm.
            shifted = row[k] - largest
            out_row[k] = shifted - log_total


@kernel(fastmath=_SUMS)
def _softmax_backward(dx: Array, g: Array, out: Array) -> None:
    for m in prange(g.shape[0]):
        dx_row = dx[m]
        g_row = g[m]
        out_row = out[m]
        total = 0.0
        for k in range(g_row.size):
            total += g_row[k] * out_row[k]
        mean = g_row.dtype.type(total)
        for k in range(g_row.size):
            dx_row[k] = out_row[k] * (g_row[k] - mean)


@kernel(fastmath=_SUMS)
def _log_softmax_backward(dx: Array, g: Array, out: Array) -> None:
    for m in prange(g.shape[0]):
        dx_row = dx[m]
        g_row = g[m]
        out_row = out[m]
        total = 0.0
        for k in range(g_row.size):
            total += g_row[k]
        g_sum = g_row.dtype.type(total)
        for k in range(g_row.size):
            dx_row[k] = g_row[k] - scalar.decay(out_row[k]) * g_sum


def _along(compiled: Kernel, axis: int, *arrays: Array) -> Array:
    """Run a kernel on the rows of arrays of one shape; the result has that shape."""
    x = arrays[0]
    if axis == 1 and x.ndim == 2:  # most of all, with no call to spare
        out = np.empty(x.shape, x.dtype)
        compiled.run(out.size * EXP_WORK, out, *map(np.ascontiguousarray, arrays))
        return out
    rows = [as_rows(array, axis) for array in arrays]
    out = np.empty(rows[0].shape, rows[0].dtype)
    compiled.run(out.size * EXP_WORK, out, *rows)
    return from_rows(out, arrays[0].shape, axis)


def softmax(x: Array, axis: int) -> Array:
    """e**x over its sum along `axis`."""
    return _along(_softmax, axis, x)


def log_softmax(x: Array, axis: int) -> Array:
    """x minus the logarithm of the sum of e**x along `axis`."""
    return _along(_log_softmax, axis, x)


def softmax_backward(g: Array, out: Array, axis: int) -> Array:
    """The gradient of x, given softmax's output."""
    return _along(_softmax_backward, axis, g, out)


def log_softmax_backward(g: Array, out: Array, axis: int) -> Array:
    """The gradient of x, given log_softmax's output."""
    return _along(_log_softmax_backward, axis, g, out)
