"""Losses that ask for a margin: between scores, between distances."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.engine.graph import wrap
from minigrad.nn.functional.activation import softplus
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.nn.functional.distance import pairwise_distance
from minigrad.nn.functional.reduction import reduced, require_reduction


def _above_zero(x: Any) -> Any:
    return ops.relu(x)


def hinge_embedding_loss(
    input: Any, target: Any, margin: float = 1.0, *, reduction: str = "mean"
) -> Any:
    """input where the target is 1, max(0, margin - input) where it is -1."""
    require_reduction(reduction)
    require_tensor("hinge_embedding_loss", input=input, target=target)
    near = ops.where(target != -1, input, 0.0)
    far = ops.where(target != 1, _above_zero(margin - input), 0.0)
    return reduced(near + far, reduction)


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Any:
    """max(0, -target (input1 - input2) + margin): target 1 wants input1 larger, -1 input2."""
    require_reduction(reduction)
    require_tensor("margin_ranking_loss", input1=input1, input2=input2, target=target)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {list(input1.shape)}, input2: {list(input2.shape)}, target: "
            f"{list(target.shape)} "
        )
    return reduced(_above_zero(-target * (input1 - input2) + margin), reduction)


def soft_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """log(1 + exp(-target input)), target 1 or -1."""
    require_reduction(reduction)
    require_tensor("soft_margin_loss", input=input, target=target)
    return reduced(softplus(-target * input, threshold=float("inf")), reduction)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, *, reduction: str = "mean"
) -> Any:
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1.

    (N, D), (N, D), (N,) or (D,), (D,), ().  Raises RuntimeError for other shapes.
    """
    require_reduction(reduction)
    require_tensor("cosine_embedding_loss", input1=input1, input2=input2, target=target)
    if input1.ndim not in (1, 2) or input1.ndim != input2.ndim or target.ndim != input1.ndim - 1:
        raise RuntimeError(
            f"cosine_embedding_loss expects inputs (N, D) with a target (N,), or (D,) with a "
            f"scalar one, got {list(input1.shape)}, {list(input2.shape)} and {list(target.shape)}"
        )
    tiny = 1e-12
    squares = [(x * x).sum(-1) + tiny for x in (input1, input2)]
    cosine = (input1 * input2).sum(-1) / ops.sqrt(squares[0] * squares[1])
    alike = ops.where(target == 1, 1 - cosine, 0.0)
    apart = ops.where(target == -1, _above_zero(cosine - margin), 0.0)
    return reduced(alike + apart, reduction)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Any:
    """max(0, margin + |anchor - positive| - |anchor - negative|), distances in the p-norm.

    With swap the distance from positive to negative counts if it is smaller (Balntas et al. 2016).
    Raises ValueError unless margin > 0.
    """

    def distance(a: Any, b: Any) -> Any:
        return pairwise_distance(a, b, p, eps)

    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance, margin=margin, swap=swap,
        reduction=reduction,
    )  # fmt: skip


def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """The triplet margin loss of any distance; by default the Euclidean one."""
    require_reduction(reduction)
    require_tensor("triplet_margin_loss", anchor=anchor, positive=positive, negative=negative)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.ndim}D, positive {positive.ndim}D, and negative "
            f"{negative.ndim}D inputs"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    far = distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return reduced(_above_zero(margin + distance(anchor, positive) - far), reduction)


# --- classes -------------------------------------------------------------------------------------


def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    *,
    reduction: str = "mean",
) -> Any:
    """sum over i != y of weight[y] max(0, margin - input[y] + input[i])^p / C, y the target.

    (N, C), (N,) -> (N,), or (C,), () -> ().  Raises ValueError unless p is 1 or 2, IndexError for
    a class number that is none.
    """
    require_reduction(reduction)
    require_tensor("multi_margin_loss", input=input, target=target)
    require_floating("multi_margin_loss", input)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    scores = input if input.ndim == 2 else ops.unsqueeze(input, dim=0)
    labels = target.array.reshape(-1)
    _require_classes("multi_margin_loss", scores, labels)
    rows = np.arange(len(labels))
    right = scores[wrap(target.kind, rows), wrap(target.kind, labels)]
    others = np.ones(scores.shape, bool)
    others[rows, labels] = False
    short = _above_zero(margin - ops.unsqueeze(right, dim=1) + scores)
    terms = (short if p == 1 else short * short) * wrap(target.kind, others)
    if weight is not None:
        terms = terms * ops.unsqueeze(weight[wrap(target.kind, labels)], dim=1)
    losses = terms.sum(1) / scores.shape[1]
    return reduced(losses if input.ndim == 2 else losses[0], reduction)


def multilabel_margin_loss(input: Any, target: Any, *, reduction: str = "mean") -> Any:
    """sum over labels y and other classes i of max(0, 1 - (input[y] - input[i])) / C.

    (N, C), (N, C) -> (N,) or (C,), (C,) -> (): a row of the target lists its labels up to the first
    -1.  Raises RuntimeError if the shapes differ, IndexError for a class number that is none.
    """
    require_reduction(reduction)
    require_tensor("multilabel_margin_loss", input=input, target=target)
    if input.shape != target.shape or input.ndim not in (1, 2):
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    scores = input if input.ndim == 2 else ops.unsqueeze(input, dim=0)
    listed = target.array.reshape(scores.shape)
    valid = np.cumsum(listed < 0, axis=1) == 0
    labels = np.where(valid, listed, 0)
    _require_classes("multilabel_margin_loss", scores, labels)
    is_label = np.zeros(scores.shape, bool)
    rows, places = np.nonzero(valid)
    is_label[rows, labels[rows, places]] = True
    right = ops.gather(scores, dim=1, index=wrap(target.kind, labels))
    short = _above_zero(1 - ops.unsqueeze(right, dim=2) + ops.unsqueeze(scores, dim=1))
    counted = wrap(target.kind, valid[:, :, None] & ~is_label[:, None, :])
    losses = (short * counted).sum((1, 2)) / scores.shape[1]
    return reduced(losses if input.ndim == 2 else losses[0], reduction)


def multilabel_soft_margin_loss(
    input: Any, target: Any, weight: Any = None, *, reduction: str = "mean"
) -> Any:
    """The mean over classes of the binary cross-entropies of sigmoid(input): (N, C) -> (N,)."""
    require_reduction(reduction)
    require_tensor("multilabel_soft_margin_loss", input=input, target=target)
    terms = -(target * ops.log_sigmoid(input) + (1 - target) * ops.log_sigmoid(-input))
    return reduced((terms if weight is None else terms * weight).mean(-1), reduction)


def _require_classes(name: str, scores: Any, labels: Any) -> None:
    classes = scores.shape[1]
    if labels.shape[0] != scores.shape[0]:
        raise RuntimeError(
            f"{name}: inconsistent target size, expected {scores.shape[0]} labels but got "
            f"{labels.shape[0]}"
        )
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise IndexError(
            f"{name}: a target is out of bounds: classes are 0 to {classes - 1}, got "
            f"{labels.min()} to {labels.max()}"
        )
