"""Softmax, its logarithm and the cross-entropy of labels, over rows of one contiguous matrix.

An axis that is not the last is brought there by a copy, once on the way in; what comes back is a
view of rows, so that the backward kernels take it without another copy.

Kernels bind one array to a line: `row, out_row = x[m], out[m]` hides from Numba's parallel pass
that `out_row` is part of `out`, and it drops stores through it.
"""

import math
from typing import Any

import numpy as np

from minigrad.kernels import scalar
from minigrad.kernels.build import Kernel, kernel, prange, routine

Array = np.ndarray[Any, Any]

# A row's element costs about this many additions, because of its exponential.
EXP_WORK = 4

_SUMS = frozenset({"contract", "reassoc"})


def _rows(x: Array, axis: int) -> Array:
    """x with `axis` last, as a contiguous matrix; x itself if it is one."""
    if axis % max(x.ndim, 1) != max(x.ndim, 1) - 1:
        x = np.moveaxis(x, axis, -1)
    shape = x.shape or (1,)
    return np.ascontiguousarray(x).reshape(math.prod(shape[:-1]), shape[-1])


def _unrows(rows: Array, shape: tuple[int, ...], axis: int) -> Array:
    """The inverse of `_rows`: a view of the given shape."""
    if not shape:
        return rows.reshape(())
    axis %= len(shape)
    if axis == len(shape) - 1:
        return rows.reshape(shape)
    return np.moveaxis(rows.reshape(*shape[:axis], *shape[axis + 1 :], shape[axis]), -1, axis)


# --------------------------------------------------------------------- softmax and log-softmax


@routine
def _largest(row: Array) -> Any:
    """The largest entry, -inf of none; a NaN shows in what follows, whether it wins here or not."""
    largest = row.dtype.type(-np.inf)
    for k in range(row.size):
        largest = row[k] if row[k] > largest else largest
    return largest


@kernel(fastmath=_SUMS)
def _softmax(out: Array, x: Array) -> None:
    for m in prange(x.shape[0]):
        row = x[m]
        out_row = out[m]
        largest = _largest(row)
        for k in range(row.size):
            out_row[k] = scalar.exp(row[k] - largest)
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
        largest = _largest(row)
        for k in range(row.size):
            out_row[k] = scalar.exp(row[k] - largest)
        total = 0.0
        for k in range(row.size):
            total += out_row[k]
        log_total = row.dtype.type(np.log(total))
        for k in range(row.size):
            # Held apart: at logits of 1e4, largest + log_total would round the logarithm away.
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
            dx_row[k] = g_row[k] - scalar.exp(out_row[k]) * g_sum


def _along(compiled: Kernel, axis: int, *arrays: Array) -> Array:
    """Run a kernel on the rows of arrays of one shape; a result of that shape."""
    rows = [_rows(array, axis) for array in arrays]
    out = np.empty_like(rows[0])
    compiled.on(out.size * EXP_WORK)(out, *rows)
    return _unrows(out, arrays[0].shape, axis)


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


# -------------------------------------------------------------------------- losses of labels


def first_bad_label(target: Array, classes: int, ignore_index: int) -> tuple[int, int] | None:
    """The flat position and value of the first label that is no class and not ignored, if any."""
    labels = target.reshape(-1)
    bad = (labels < 0) | (labels >= classes)
    if not bad.any():
        return None
    bad &= labels != ignore_index
    at = int(bad.argmax()) if bad.any() else -1
    return (at, int(labels[at])) if at >= 0 else None


def _label_rows(target: Array, ignore_index: int) -> tuple[Array, Array, Array]:
    """Of labels (N, S): 0 ... N*S - 1, each label or 0 where ignored, and whether it counts."""
    labels = np.ascontiguousarray(target).reshape(-1)
    counts = labels != ignore_index
    return np.arange(labels.size), np.where(counts, labels, 0), counts


def label_weights(
    target: Array, weight: Array | None, ignore_index: int, dtype: np.dtype[Any]
) -> Array:
    """Each label's class weight, 0 where ignored, shaped as target (N, S).

    Their sum is what `reduction="mean"` divides by.
    """
    _, labels, counts = _label_rows(target, ignore_index)
    weights = counts.astype(dtype) if weight is None else np.where(counts, weight[labels], 0)
    return weights.reshape(target.shape).astype(dtype, copy=False)


def nll_loss(x: Array, target: Array, weight: Array | None, ignore_index: int) -> Array:
    """-weight[label] * x[label] of log-probabilities x (N, C, S) and labels (N, S): (N, S)."""
    at, labels, counts = _label_rows(target, ignore_index)
    chosen = _rows(x, 1)[at, labels]
    if weight is not None:
        chosen *= weight[labels]
    # Chosen, not multiplied by 0: an ignored row may hold infinities.
    return np.where(counts, -chosen, x.dtype.type(0)).reshape(target.shape)


def nll_loss_backward(
    g: Array, shape: tuple[int, ...], target: Array, weight: Array | None, ignore_index: int
) -> Array:
    """The gradient of log-probabilities of the given shape (N, C, S) for g (N, S)."""
    n, c, s = shape
    at, labels, _ = _label_rows(target, ignore_index)
    dx = np.zeros((n * s, c), g.dtype)
    dx[at, labels] = (-g * label_weights(target, weight, ignore_index, g.dtype)).reshape(-1)
    return _unrows(dx, shape, 1)


def cross_entropy(
    x: Array, target: Array, weight: Array | None, ignore_index: int, label_smoothing: float
) -> tuple[Array, Array]:
    """Loss (N, S) of logits x (N, C, S) for labels (N, S), and the log-probabilities (N, C, S).

    With e = label_smoothing, label t, weights w and log-probabilities p, the loss is
    -(1 - e) w[t] p[t] - e / C * sum of w[c] p[c], and 0 where t is ignored.
    """
    log_p = log_softmax(x, 1)
    loss = nll_loss(log_p, target, weight, ignore_index)
    if label_smoothing == 0:
        return loss, log_p
    rows = _rows(log_p, 1)
    smooth = -(rows.sum(axis=1) if weight is None else rows @ weight).reshape(target.shape)
    share = label_smoothing / x.shape[1]
    mixed = (1 - label_smoothing) * loss + share * smooth
    return np.where(target != ignore_index, mixed, x.dtype.type(0)), log_p


@kernel
def _cross_entropy_backward(
    dx: Array, g: Array, log_p: Array, labels: Array, on_label: Array, on_class: Array, total: Array
) -> None:
    """dx = (softmax * total - the weight on each class) * g, in zeros, which ignored rows stay.

    `on_label` (M,) is the weight on the label alone, `on_class` (C,) that on every class, and
    `total` (M,) the sum of both.
    """
    for m in prange(dx.shape[0]):
        dx_row = dx[m]
        p_row = log_p[m]
        g_m = g[m]
        total_m = total[m]
        if g_m != 0:
            for k in range(dx_row.size):
                dx_row[k] = g_m * (scalar.exp(p_row[k]) * total_m - on_class[k])
            dx_row[labels[m]] -= g_m * on_label[m]


def cross_entropy_backward(
    g: Array,
    log_p: Array,
    target: Array,
    weight: Array | None,
    ignore_index: int,
    label_smoothing: float,
) -> Array:
    """The gradient of the logits (N, C, S) for g (N, S)."""
    real = log_p.dtype.type
    rows = _rows(log_p, 1)
    _, labels, counts = _label_rows(target, ignore_index)
    on_label = np.ones(labels.size, real) if weight is None else weight[labels].astype(real)
    on_label *= real(1 - label_smoothing)
    on_class = np.full(rows.shape[1], real(label_smoothing / max(rows.shape[1], 1)))
    if weight is not None:
        on_class *= weight
    dx = np.zeros_like(rows)
    g_counted = np.where(counts, g.reshape(-1), real(0))
    # Summed here: in a kernel Numba would make on_class.sum() one more loop over threads.
    total = on_label + on_class.sum()
    _cross_entropy_backward.on(dx.size * EXP_WORK)(
        dx, g_counted, rows, labels, on_label, on_class, total
    )
    return _unrows(dx, log_p.shape, 1)
