"""Losses of labels: the negative log-likelihood, and cross-entropy fused with log-softmax.

Scores are (N, C, ...) or (C,), labels (N, ...) or (): one row of C scores to each label.  A label
counts as much as its class weight; one that is `ignore_index` counts nothing, and its row may hold
anything.  The reduction "mean" divides by the sum of what counted.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.reduction.softmax import EXP_WORK, as_rows, from_rows
from minigrad.kernels.simd import math

Array = np.ndarray[Any, Any]

_SUMS = frozenset({"contract", "reassoc"})


# --- what they share --------------------------------------------------------------------------


def _class_axis(ndim: int) -> int:
    return min(ndim - 1, 1)


@device_function
def _survey(labels: Array, weights: Array, ignore_index: int) -> tuple[int, float]:
    """Where the first label is that is no class, or -1; and the sum of the others' weights."""
    total = 0.0
    for m in range(labels.size):
        label = labels[m]
        if label != ignore_index:
            if not 0 <= label < weights.size:
                return m, total
            total += weights[label]
    return -1, total


def _in_order(target: Array) -> Array:
    """The labels in the order of rows."""
    return np.asarray(target, np.int64, order="C").reshape(-1)


def _refuse(at: int, target: Array, classes: int, ignore_index: int) -> None:
    """Raise IndexError for the label at that place of the flat target, which is no class."""
    place = [int(i) for i in np.unravel_index(at, target.shape)]
    raise IndexError(
        f"Target {_in_order(target)[at]} is out of bounds: at position {place} of the target; "
        f"classes are 0 to {classes - 1}, ignore_index is {ignore_index}"
    )


@lru_cache(maxsize=64)
def _equal_weights(classes: int, dtype: np.dtype[Any]) -> Array:
    ones = np.ones(classes, dtype)
    ones.flags.writeable = False
    return ones


def _class_weights(weight: Array | None, classes: int, dtype: np.dtype[Any]) -> Array:
    """One weight per class, which kernels do not change."""
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
    """Each loss, or what the kernel has made of all."""
    return losses.reshape(shape) if reduction == "none" else np.array(loss, losses.dtype)


@device_function
def _share(shares: Array, m: int) -> Any:
    return shares[m] if shares.size > 1 else shares[0]


# --- the negative log-likelihood --------------------------------------------------------------


@kernel
def _nll_loss(
    losses: Array, x: Array, labels: Array, weights: Array, ignore_index: int, mean: bool
) -> tuple[int, float]:
    """Where the first label is that is no class, or -1; and all losses' sum or weighted mean."""
    at, counted = _survey(labels, weights, ignore_index)
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

    Raises IndexError for a label that is no class.
    """
    rows = as_rows(x, _class_axis(x.ndim))
    weights = _class_weights(weight, rows.shape[1], x.dtype)
    labels = _in_order(target)
    losses = np.empty(labels.size, x.dtype)
    at, loss = _nll_loss.run(
        labels.size, losses, rows, labels, weights, ignore_index, reduction == "mean"
    )
    if at >= 0:
        _refuse(at, target, weights.size, ignore_index)
    return _reduced(losses, loss, reduction, target.shape)


@kernel
def _nll_loss_backward(
    dx: Array, shares: Array, labels: Array, weights: Array, ignore_index: int, mean: bool
) -> Any:
    """Where the first label is that is no class, or -1."""
    at, counted = _survey(labels, weights, ignore_index)
    if at >= 0:
        return at
    divisor = dx.dtype.type(counted if mean else 1.0)
    for m in prange(labels.size):
        label = labels[m]
        row = dx[m]
        if label != ignore_index:
            row[label] = -weights[label] * (_share(shares, m) / divisor)
    return at


def nll_loss_backward(
    g: Array, shape: tuple[int, ...], target: Array, weight: Array | None, ignore_index: int,
    reduction: str,
) -> Array:  # fmt: skip
    """The gradient of log-probabilities of the given shape."""
    axis = _class_axis(len(shape))
    classes = shape[axis]
    weights = _class_weights(weight, classes, g.dtype)
    labels = _in_order(target)
    dx = np.zeros((labels.size, classes), g.dtype)
    shares = np.ascontiguousarray(g).reshape(-1)
    at = _nll_loss_backward.run(
        labels.size, dx, shares, labels, weights, ignore_index, reduction == "mean"
    )
    if at >= 0:
        _refuse(at, target, classes, ignore_index)
    return from_rows(dx, shape, axis)


# --- cross-entropy ----------------------------------------------------------------------------


@kernel(fastmath=_SUMS)
def _cross_entropy(
    losses: Array, slopes: Array, x: Array, labels: Array, weights: Array, ignore_index: int,
    smoothing: float, all_weights: float, mean: bool,
) -> tuple[int, float]:  # fmt: skip
    """Each row's loss, and its gradient in the sum or mean of all: exponentials are taken once.

    Returns where the first label is that is no class, or -1; and the sum or weighted mean.
    """
    at, counted = _survey(labels, weights, ignore_index)
    if at >= 0:
        return at, 0.0
    divisor = counted if mean else 1.0
    real = losses.dtype.type
    per_class = real(smoothing / x.shape[1])
    for m in prange(labels.size):
        row = x[m]
        slope = slopes[m]
        label = labels[m]
        if label == ignore_index:
            losses[m] = 0
            for k in range(row.size):
                slope[k] = 0
        else:
            largest = real(-np.inf)
            for k in range(row.size):
                largest = row[k] if row[k] > largest else largest
            for k in range(row.size):
                slope[k] = math.decay(row[k] - largest)
            total = 0.0
            for k in range(row.size):
                total += slope[k]
            log_total = real(np.log(total))
            on_label = real(1 - smoothing) * weights[label]
            # Held apart: at logits of 1e4, largest + log_total would round the logarithm away.
            loss = -on_label * ((row[label] - largest) - log_total)
            if smoothing > 0:
                spread = 0.0
                for k in range(row.size):
                    spread += weights[k] * ((row[k] - largest) - log_total)
                loss -= real(smoothing / row.size * spread)
            losses[m] = loss
            share = real(1 / divisor)
            to_all = real((on_label + per_class * all_weights) / total)
            for k in range(row.size):
                slope[k] = share * (slope[k] * to_all - per_class * weights[k])
            slope[label] -= share * on_label
    return at, _total(losses) / divisor


def cross_entropy(
    x: Array, target: Array, weight: Array | None, ignore_index: int, label_smoothing: float,
    reduction: str,
) -> tuple[Array, Array]:  # fmt: skip
    """The loss of logits x, and as rows its gradient: of "none" each loss's own.

    With e = label_smoothing, label t, weights w and log-probabilities p, the loss of a row is
    -(1 - e) w[t] p[t] - e / C * sum of w[c] p[c].  Raises IndexError for a label that is no class.
    """
    rows = as_rows(x, _class_axis(x.ndim))
    classes = rows.shape[1]
    weights = _class_weights(weight, classes, x.dtype)
    labels = _in_order(target)
    losses = np.empty(labels.size, x.dtype)
    slopes = np.empty(rows.shape, rows.dtype)
    all_weights = float(classes if weight is None else weights.sum())
    at, loss = _cross_entropy.run(
        rows.size * EXP_WORK, losses, slopes, rows, labels, weights, ignore_index,
        label_smoothing, all_weights, reduction == "mean",
    )  # fmt: skip
    if at >= 0:
        _refuse(at, target, classes, ignore_index)
    return _reduced(losses, loss, reduction, target.shape), slopes


@kernel
def _scale_rows(dx: Array, slopes: Array, shares: Array, labels: Array, ignore_index: int) -> None:
    """An ignored row stays 0 though its share be infinite, as a root's slope at a loss of 0 is."""
    for m in prange(dx.shape[0]):
        row = dx[m]
        slope = slopes[m]
        share = _share(shares, m) if labels[m] != ignore_index else dx.dtype.type(0)
        for k in range(row.size):
            row[k] = share * slope[k]


def cross_entropy_backward(
    g: Array, slopes: Array, shape: tuple[int, ...], target: Array, ignore_index: int
) -> Array:
    """The gradient of the logits, whose shape is given, from that of the loss."""
    dx = np.empty(slopes.shape, slopes.dtype)
    shares = np.ascontiguousarray(g).reshape(-1)
    _scale_rows.run(dx.size, dx, slopes, shares, _in_order(target), ignore_index)
    return from_rows(dx, shape, _class_axis(len(shape)))
