"""Connectionist temporal classification: labels in order, but not in their places."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.nn.functional.reduction import reduced, require_reduction
from minigrad.ops.nn import ctc

Array = np.ndarray[Any, Any]


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """Minus the log-probability of labels, summed over all their alignments to a signal.

    log_probs (T, N, C) or (T, C); targets (N, S), padded, or one after another, (sum of
    target_lengths,); lengths (N,), as tensors or sequences of ints, or () -> (N,) or ().  The mean
    is of each loss divided by the length of its labels.  A signal too short for its labels has an
    infinite loss, or with zero_infinity 0 and no gradient.
    Graves et al. 2006, Connectionist temporal classification.
    Raises RuntimeError for shapes, lengths, labels or a blank that do not fit.
    PyTorch differs: its gradient is that of the loss only if log_probs come out of a log_softmax;
    here it is so for any log_probs, can be differentiated again, and is the same after log_softmax.
    """
    require_reduction(reduction)
    require_tensor("ctc_loss", log_probs=log_probs, targets=targets)
    require_floating("ctc_loss", log_probs)
    if log_probs.ndim not in (2, 3) or not log_probs.numel():
        raise RuntimeError(
            f"ctc_loss expects log_probs (T, N, C) or (T, C), none of them 0, got "
            f"{list(log_probs.shape)}"
        )
    single = log_probs.ndim == 2
    signals = log_probs.unsqueeze(1) if single else log_probs
    length, count, classes = signals.shape
    if not 0 <= blank < classes:
        raise RuntimeError(
            f"blank must be in label range: one of the {classes} classes, 0 to {classes - 1}, "
            f"got {blank}"
        )
    times = _lengths("input_lengths", input_lengths, count)
    if times.max() > length:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {length}, but got value {times.max()}"
        )
    sizes = _lengths("target_lengths", target_lengths, count)
    labels = _rows(targets, sizes, classes)
    losses, *_ = ctc.ctc_loss(
        signals, targets=labels, input_lengths=times, target_lengths=sizes, blank=blank,
        zero_infinity=zero_infinity,
    )  # fmt: skip
    if reduction == "mean":
        losses = losses / losses.new_tensor(np.maximum(sizes, 1))
    return ops.squeeze(losses, 0) if single and reduction == "none" else reduced(losses, reduction)


def _lengths(name: str, given: Any, count: int) -> Array:
    """One length for each signal: (N,), from a tensor or a sequence of ints."""
    known = hasattr(given, "array") or isinstance(given, Sequence)
    if not known or isinstance(given, str):
        raise TypeError(
            f"ctc_loss(): argument '{name}' must be Tensor or tuple of ints, not "
            f"{type(given).__name__}"
        )
    lengths = np.asarray(getattr(given, "array", given)).reshape(-1)
    if lengths.size != count:
        raise RuntimeError(f"{name} must be of size batch_size, {count}, got {lengths.size}")
    if lengths.dtype.kind not in "iu":
        raise RuntimeError(f"{name} must be integral, got {lengths.dtype}")
    if lengths.min() < 0:
        raise RuntimeError(
            f"Expected {name} to have value at least 0, but got value {lengths.min()}"
        )
    return lengths.astype(np.int64)


def _rows(targets: Any, sizes: Array, classes: int) -> Array:
    """The labels as (N, S), 0 beyond each row's size.  Raises RuntimeError if they do not fit."""
    given = targets.array
    longest = int(sizes.max())
    if given.dtype.kind not in "iu":
        raise RuntimeError(f"ctc_loss expects targets of an integer dtype, got {targets.dtype}")
    if given.ndim not in (1, 2):
        raise RuntimeError(
            f"Expected 1 to 2 dimensions, (sum of target_lengths,) or (N, S), but got "
            f"{given.ndim}-dimensional targets"
        )
    counted = np.arange(longest) < sizes[:, None]
    if given.ndim == 1:
        if given.size != sizes.sum():
            raise RuntimeError(
                f"Expected targets one after another to have size {sizes.sum()}, the sum of "
                f"target_lengths, but got size {given.size}"
            )
        labels = np.zeros(counted.shape, np.int64)
        labels[counted] = given
    else:
        if given.shape[0] != len(sizes) or given.shape[1] < longest:
            raise RuntimeError(
                f"Expected targets of size ({len(sizes)}, at least {longest}), the longest of "
                f"target_lengths, but got {list(given.shape)}"
            )
        labels = np.where(counted, given[:, :longest], 0)
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise RuntimeError(
            f"ctc_loss expects labels of {classes} classes, 0 to {classes - 1}, got "
            f"{labels.min()} to {labels.max()}"
        )
    return labels.astype(np.int64)
