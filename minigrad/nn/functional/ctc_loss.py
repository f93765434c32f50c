"""Connectionist temporal classification: a loss of label sequences without alignment."""

from collections.abc import Sequence

import numpy as np

from minigrad import ops
from minigrad.core.types import Array
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.nn.functional.reduction import reduced, require_reduction
from minigrad.ops.nn import ctc
from minigrad.tensor import Tensor

Lengths = Tensor | Sequence[int]


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Lengths,
    target_lengths: Lengths,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log P(targets | log_probs), summed over all alignments of the labels to the signal.

    log_probs (T, N, C) or (T, C); targets (N, S), padded, or concatenated (sum of
    target_lengths,); lengths (N,), as tensors or sequences of ints, or () -> (N,) or ().  The mean
    divides each loss by the length of its labels.  A signal too short for its labels has an
    infinite loss, or with zero_infinity=True the loss 0 without gradient.
    Graves et al. 2006, Connectionist temporal classification.
    Raises RuntimeError for shapes, lengths, labels or a blank that do not fit.
    PyTorch differs: its gradient is right only for log_probs that are the result of log_softmax.
    Here it is right for any log_probs, and can be differentiated again.
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
    longest, count, classes = signals.shape
    if not 0 <= blank < classes:
        raise RuntimeError(
            f"blank must be in label range: one of the {classes} classes, 0 to {classes - 1}, "
            f"got {blank}"
        )
    lengths = _lengths("input_lengths", input_lengths, count)
    if lengths.max() > longest:
        raise RuntimeError(
            f"Expected input_lengths to have value at most {longest}, but got value {lengths.max()}"
        )
    sizes = _lengths("target_lengths", target_lengths, count)
    labels = _padded_labels(targets, sizes, classes)
    losses, *_ = ctc.ctc_loss(
        signals, targets=labels, input_lengths=lengths, target_lengths=sizes, blank=blank,
        zero_infinity=zero_infinity,
    )  # fmt: skip
    if reduction == "mean":
        losses = losses / losses.new_tensor(np.maximum(sizes, 1))
    return ops.squeeze(losses, 0) if single and reduction == "none" else reduced(losses, reduction)


def _lengths(name: str, given: Lengths, count: int) -> Array:
    """The lengths as an array (N,).  Raises TypeError or RuntimeError if they are not N lengths."""
    if not isinstance(given, Tensor | Sequence) or isinstance(given, str):
        raise TypeError(
            f"ctc_loss(): argument '{name}' must be Tensor or tuple of ints, not "
            f"{type(given).__name__}"
        )
    lengths = np.asarray(given.array if isinstance(given, Tensor) else given).reshape(-1)
    if lengths.size != count:
        raise RuntimeError(f"{name} must be of size batch_size, {count}, got {lengths.size}")
    if lengths.dtype.kind not in "iu":
        raise RuntimeError(f"{name} must be integral, got {lengths.dtype}")
    if lengths.min() < 0:
        raise RuntimeError(
            f"Expected {name} to have value at least 0, but got value {lengths.min()}"
        )
    return lengths.astype(np.int64)


def _padded_labels(targets: Tensor, sizes: Array, classes: int) -> Array:
    """The labels as (N, S), padded with 0.  Raises RuntimeError if they do not fit the sizes."""
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
