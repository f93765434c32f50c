"""Losses with class indices: negative log-likelihood, and cross-entropy with log-softmax fused.

Scores are (N, C, ...) or (C,), class indices (N, ...) or (): one row of C scores for each index.
A row counts with the weight of its class.  A row whose index is `ignore_index` counts 0 and may
hold any values.  The reduction "mean" divides by the sum of the weights.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.reduction.largest import largest_of
from minigrad.kernels.reduction.softmax import EXP_WORK, as_rows, from_rows
from minigrad.kernels.simd import math

Array = np.ndarray[Any, Any]

_SUMS = frozenset({"contract", "reassoc"})
_INT64 = np.dtype(np.int64)
# Elements of one task, if they are not a row: short rows come several at a time.
TASK_ELEMENTS = 2048


# --- class indices and reductions -------------------------------------------------------------


def _class_axis(ndim: int) -> int:
    return min(ndim - 1, 1)


@device_function
def _check_labels(labels: Array, weights: Array, ignore_index: int) -> tuple[int, float]:
    """Return the first position that is out of bounds, or -1; and the sum of the weights."""
    total = 0.0
    for m in range(labels.size):
        label = labels[m]
        if label != ignore_index:
            if not 0 <= label < weights.size:
                return m, total
            total += weights[label]
    return -1, total


def _flat_labels(target: Array) -> Array:
    """The labels, flat, in the order of rows."""
    if target.ndim == 1 and target.dtype is _INT64 and target.flags.c_contiguous:
        return target
    return np.asarray(target, np.int64, order="C").reshape(-1)


def _raise_out_of_bounds(at: int, target: Array, classes: int, ignore_index: int) -> None:
    """Raise IndexError for the label at this position of the flat target."""
    position = [int(i) for i in np.unravel_index(at, target.shape)]
    raise IndexError(
        f"Target {_flat_labels(target)[at]} is out of bounds: at position {position} of the "
        f"target; classes are 0 to {classes - 1}, ignore_index is {ignore_index}"
    )


@lru_cache(maxsize=64)
def _equal_weights(classes: int, dtype: np.dtype[Any]) -> Array:
    ones = np.ones(classes, dtype)
    ones.flags.writeable = False
    return ones


def _class_weights(weight: Array | None, classes: int, dtype: np.dtype[Any]) -> Array:
    """One weight for each class, which kernels only read."""
    if weight is None:
        return _equal_weights(classes, dtype)
    return np.ascontiguousarray(weight, dtype)


@device_function(fastmath=_SUMS)
def _total(losses: Array) -> float:
    total = 0.0
    for m in range(losses.size):
        total += losses[m]
    return total


def _reduced(losses: Array, loss: float, reduction: str, shape: tuple[int, ...]) -> Array:
    """The losses in the target's shape, or the kernel's sum or mean."""
    return losses.reshape(shape) if reduction == "none" else np.array(loss, losses.dtype)


@device_function
def _row_gradient(g: Array, m: int) -> Any:
    """The gradient of row m's loss: the same for all rows after a reduction."""
    return g[m] if g.size > 1 else g[0]


# --- the negative log-likelihood --------------------------------------------------------------


@kernel
def _nll_loss(
    losses: Array, x: Array, labels: Array, weights: Array, ignore_index: int, mean: bool
) -> tuple[int, float]:
    """Return the first position that is out of bounds, or -1; and the losses' sum or mean."""
    at, counted = _check_labels(labels, weights, ignore_index)
    if at >= 0:
        return at, 0.0
    for m in prange(labels.size):
        label = labels[m]
        row = x[m]
        losses[m] = 0
        if label != ignore_index:
            losses[m] = -weights[label] * row[label]
    return at, _total(losses) / (counted if mean else 1.0)


def nll_loss(
    x: Array, target: Array, weight: Array | None, ignore_index: int, reduction: str
) -> Array:
    """-weight[label] * x[label] of log-probabilities x.

    Raises IndexError for a class index that is out of bounds.
    """
    rows = as_rows(x, _class_axis(x.ndim))
    weights = _class_weights(weight, rows.shape[1], x.dtype)
    labels = _flat_labels(target)
    losses = np.empty(labels.size, x.dtype)
    at, loss = _nll_loss.run(
        labels.size, losses, rows, labels, weights, ignore_index, reduction == "mean"
    )
    if at >= 0:
        _raise_out_of_bounds(at, target, weights.size, ignore_index)
    return _reduced(losses, loss, reduction, target.shape)


@kernel
def _nll_loss_backward(
    dx: Array, g: Array, labels: Array, weights: Array, ignore_index: int, mean: bool
) -> Any:
    """Return the position of the first label that is out of bounds, or -1."""
    at, counted = _check_labels(labels, weights, ignore_index)
    if at >= 0:
        return at
    divisor = dx.dtype.type(counted if mean else 1.0)
    for m in prange(labels.size):
        label = labels[m]
        row = dx[m]
        if label != ignore_index:
            row[label] = -weights[label] * (_row_gradient(g, m) / divisor)
    return at


def nll_loss_backward(
    g: Array, shape: tuple[int, ...], target: Array, weight: Array | None, ignore_index: int,
    reduction: str,
) -> Array:  # fmt: skip
    """The gradient of the log-probabilities, which have the given shape."""
    axis = _class_axis(len(shape))
    classes = shape[axis]
    weights = _class_weights(weight, classes, g.dtype)
    labels = _flat_labels(target)
    dx = np.zeros((labels.size, classes), g.dtype)
    at = _nll_loss_backward.run(
        labels.size, dx, np.ascontiguousarray(g).reshape(-1), labels, weights, ignore_index,
        reduction == "mean",
    )  # fmt: skip
    if at >= 0:
        _raise_out_of_bounds(at, target, classes, ignore_index)
    return from_rows(dx, shape, axis)


# --- cross-entropy ----------------------------------------------------------------------------


@kernel(fastmath=_SUMS)
def _cross_entropy(
    losses: Array, dx: Array, x: Array, labels: Array, weights: Array, ignore_index: int,
    smoothing: float, all_weights: float, mean: bool, rows: int,
) -> tuple[int, float]:  # fmt: skip
    """Each row's loss, and the gradient of x for the reduced loss: exponentials are computed once.

    A `dx` with fewer rows than x is workspace: one row for each task, which has so many `rows`.
    Returns the position of the first label that is out of bounds, or -1; and the sum or mean.
    """
    at, counted = _check_labels(labels, weights, ignore_index)
    if at >= 0:
        return at, 0.0
    divisor = counted if mean else 1.0
    real = losses.dtype.type
    per_class = real(smoothing / x.shape[1])
    is_gradient = dx.shape[0] == labels.size
    for task in prange((labels.size + rows - 1) // rows):
        for m in range(task * rows, min((task + 1) * rows, labels.size)):
            row = x[m]
            slope = dx[m if is_gradient else task]
            label = labels[m]
            if label == ignore_index:
                losses[m] = 0
                for k in range(row.size):
                    slope[k] = 0
            else:
                largest = largest_of(row)
                for k in range(row.size):
                    slope[k] = math.decay(row[k] - largest)
                total = 0.0
                for k in range(row.size):
                    total += slope[k]
                log_total = real(np.log(total))
                on_label = real(1 - smoothing) * weights[label]
                # Two subtractions: at logits of 1e4, largest + log_total would lose the logarithm.
                loss = -on_label * ((row[label] - largest) - log_total)
                if smoothing > 0:
                    spread = 0.0
                    for k in range(row.size):
                        spread += weights[k] * ((row[k] - largest) - log_total)
                    loss -= real(smoothing / row.size * spread)
                losses[m] = loss
                if is_gradient:
                    scale = real(1 / divisor)
                    to_all = real((on_label + per_class * all_weights) / total)
                    for k in range(row.size):
                        slope[k] = scale * (slope[k] * to_all - per_class * weights[k])
                    slope[label] -= scale * on_label
    return at, _total(losses) / divisor


def slope_rows(rows: int, classes: int, is_differentiated: bool) -> tuple[int, int]:
    """How many rows the gradient has, or its workspace; and how many rows a task has."""
    of_a_task = max(1, TASK_ELEMENTS // max(classes, 1))
    return rows if is_differentiated else -(-rows // of_a_task), of_a_task


def cross_entropy(
    x: Array, target: Array, weight: Array | None, ignore_index: int, label_smoothing: float,
    reduction: str, is_differentiated: bool = True,
) -> tuple[Array, Array]:  # fmt: skip
    """The loss of logits x, and its gradient as rows; for "none", the gradient of each row's loss.

    Unless it `is_differentiated`, the rows hold anything.

    With e = label_smoothing, label t, weights w and log-probabilities p, the loss of a row is
    -(1 - e) w[t] p[t] - e / C * sum of w[c] p[c].  Raises IndexError for a class index that is out
    of bounds.
    """
    rows = as_rows(x, _class_axis(x.ndim))
    classes = rows.shape[1]
    weights = _class_weights(weight, classes, x.dtype)
    labels = _flat_labels(target)
    losses = np.empty(labels.size, x.dtype)
    count, task_rows = slope_rows(labels.size, classes, is_differentiated)
    dx = np.empty((count, classes), rows.dtype)
    all_weights = float(classes if weight is None else weights.sum())
    at, loss = _cross_entropy.run(
        rows.size * EXP_WORK, losses, dx, rows, labels, weights, ignore_index,
        label_smoothing, all_weights, reduction == "mean", task_rows,
    )  # fmt: skip
    if at >= 0:
        _raise_out_of_bounds(at, target, classes, ignore_index)
    return _reduced(losses, loss, reduction, target.shape), dx


@kernel
def _scale_rows(dx: Array, slopes: Array, g: Array, labels: Array, ignore_index: int) -> None:
    """dx[m] = g * slopes[m], and 0 for an ignored row even if its g is infinite.

    It may be: the square root of a loss of 0 has an infinite derivative.
    """
    for m in prange(dx.shape[0]):
        row = dx[m]
        slope = slopes[m]
        scale = _row_gradient(g, m) if labels[m] != ignore_index else dx.dtype.type(0)
        for k in range(row.size):
            row[k] = scale * slope[k]


def cross_entropy_backward(
    g: Array, slopes: Array, shape: tuple[int, ...], target: Array, ignore_index: int
) -> Array:
    """The gradient of the logits, which have the given shape, from that of the loss."""
    dx = np.empty(slopes.shape, slopes.dtype)
    _scale_rows.run(
        dx.size, dx, slopes, np.ascontiguousarray(g).reshape(-1), _flat_labels(target), ignore_index
    )
    return from_rows(dx, shape, _class_axis(len(shape)))
