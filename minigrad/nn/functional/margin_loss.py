"""Margin losses of scores, of pairs and of triplets."""

from collections.abc import Callable

import numpy as np

from minigrad import ops
from minigrad.engine.graph import wrap
from minigrad.engine.half_precision import in_float32
from minigrad.engine.op import labelled
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.nn.functional.distance import pairwise_distance
from minigrad.nn.functional.reduction import reduced, require_reduction, takes_old_reduction
from minigrad.tensor import Tensor

Distance = Callable[[Tensor, Tensor], Tensor]
"""A distance of vectors: (N, D), (N, D) -> (N,)."""


def hinge(input: Tensor) -> Tensor:
    """max(input, 0), whose derivative at 0 is 1 as in torch's margin losses; relu's is 0.

    A model whose weights start at 0 has equal scores: without it a margin of 0 never moves them.
    """
    return ops.clamp(input, min=0.0)


@takes_old_reduction
@in_float32
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, *, reduction: str = "mean"
) -> Tensor:
    """input where the target is 1, max(0, margin - input) where it is -1."""
    require_reduction(reduction)
    require_tensor("hinge_embedding_loss", input=input, target=target)
    positive = ops.where(target != -1, input, 0.0)
    negative = ops.where(target != 1, hinge(margin - input), 0.0)
    return reduced(positive + negative, reduction)


@takes_old_reduction
@in_float32
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
    """max(0, -target (input1 - input2) + margin): target 1 ranks input1 higher, -1 input2."""
    require_reduction(reduction)
    require_tensor("margin_ranking_loss", input1=input1, input2=input2, target=target)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            f"margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {list(input1.shape)}, input2: {list(input2.shape)}, target: "
            f"{list(target.shape)} "
        )
    return reduced(hinge(-target * (input1 - input2) + margin), reduction)


@takes_old_reduction
@labelled("SoftMarginLossBackward0")
@in_float32
def soft_margin_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """log(1 + exp(-target input)), where target is 1 or -1."""
    require_reduction(reduction)
    require_tensor("soft_margin_loss", input=input, target=target)
    return reduced(-ops.log_sigmoid(target * input), reduction)


@takes_old_reduction
@in_float32
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, *, reduction: str = "mean"
) -> Tensor:
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
    epsilon = 1e-12
    squares = [(x * x).sum(-1) + epsilon for x in (input1, input2)]
    cosine = (input1 * input2).sum(-1) / ops.sqrt(squares[0] * squares[1])
    similar = ops.where(target == 1, 1 - cosine, 0.0)
    dissimilar = ops.where(target == -1, hinge(cosine - margin), 0.0)
    return reduced(similar + dissimilar, reduction)


@takes_old_reduction
@in_float32
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    *,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + |anchor - positive| - |anchor - negative|), distances in the p-norm.

    With swap=True min(|anchor - negative|, |positive - negative|) is taken (Balntas et al. 2016).
    Raises ValueError unless margin > 0.
    """

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance, margin=margin, swap=swap,
        reduction=reduction,
    )  # fmt: skip


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Distance | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + d(anchor, positive) - d(anchor, negative)) for a distance d.

    distance_function is pairwise_distance by default.  Raises ValueError unless margin > 0.
    """
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
    return reduced(hinge(margin + distance(anchor, positive) - far), reduction)


# --- classes -------------------------------------------------------------------------------------


@takes_old_reduction
@labelled("MultiMarginLossBackward0")
@in_float32
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    *,
    reduction: str = "mean",
) -> Tensor:
    """sum over i != y of weight[y] max(0, margin - input[y] + input[i])^p / C, where y = target.

    (N, C), (N,) -> (N,), or (C,) or (), one label -> the label's shape.  Raises ValueError unless p
    is 1 or 2 and weight is (C,), RuntimeError for a class index out of range.
    """
    require_reduction(reduction)
    require_tensor("multi_margin_loss", input=input, target=target)
    require_floating("multi_margin_loss", input)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    scores = _rows_of_scores("multi_margin_loss", input)
    labels = target.array.reshape(-1)
    if target.ndim > 1 or len(labels) != len(scores):
        raise RuntimeError(
            f"multi_margin_loss: target tensor should be 1-D with size equal to the number of input"
            f" samples. Expected target size [{len(scores)}], but got {list(target.shape)}"
        )
    _require_classes("multi_margin_loss", scores, target, least=0)
    if weight is not None:
        _require_weight(weight, scores)
    rows = np.arange(len(labels))
    target_scores = scores[wrap(target.kind, rows), wrap(target.kind, labels)]
    others = np.ones(scores.shape, bool)
    others[rows, labels] = False
    violations = ops.relu(margin - ops.unsqueeze(target_scores, dim=1) + scores)
    terms = (violations if p == 1 else violations * violations) * wrap(target.kind, others)
    if weight is not None:
        terms = terms * ops.unsqueeze(weight[wrap(target.kind, labels)], dim=1)
    losses = terms.sum(1) / scores.shape[1]
    return reduced(losses.reshape(target.shape), reduction)


@takes_old_reduction
@labelled("MultilabelMarginLossBackward0")
@in_float32
def multilabel_margin_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """sum over labels y and other classes i of max(0, 1 - (input[y] - input[i])) / C.

    (N, C), (N, C) -> (N,) or (C,), (C,) -> (): a row of the target lists its labels up to the first
    -1.  Raises RuntimeError if the shapes differ, and for a class index out of range.
    """
    require_reduction(reduction)
    require_tensor("multilabel_margin_loss", input=input, target=target)
    require_floating("multilabel_margin_loss", input)
    scores = _rows_of_scores("multilabel_margin_loss", input)
    single = input.ndim < 2 and target.ndim < 2 and input.numel() == target.numel()
    if input.shape != target.shape and not single:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    _require_classes("multilabel_margin_loss", scores, target, least=-1)
    listed = target.array.reshape(scores.shape)
    valid = np.cumsum(listed < 0, axis=1) == 0
    labels = np.where(valid, listed, 0)
    is_label = np.zeros(scores.shape, bool)
    rows, positions = np.nonzero(valid)
    is_label[rows, labels[rows, positions]] = True
    label_scores = ops.gather(scores, dim=1, index=wrap(target.kind, labels))
    violations = ops.relu(1 - ops.unsqueeze(label_scores, dim=2) + ops.unsqueeze(scores, dim=1))
    counted = wrap(target.kind, valid[:, :, None] & ~is_label[:, None, :])
    losses = (violations * counted).sum((1, 2)) / scores.shape[1]
    return reduced(losses if input.ndim == 2 else losses[0], reduction)


@takes_old_reduction
@in_float32
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, *, reduction: str = "mean"
) -> Tensor:
    """The mean over classes of the binary cross-entropies of sigmoid(input): (N, C) -> (N,)."""
    require_reduction(reduction)
    require_tensor("multilabel_soft_margin_loss", input=input, target=target)
    terms = -(target * ops.log_sigmoid(input) + (1 - target) * ops.log_sigmoid(-input))
    return reduced((terms if weight is None else terms * weight).mean(-1), reduction)


def _rows_of_scores(name: str, input: Tensor) -> Tensor:
    """(N, C), (C,) or () as (N, C).  Raises RuntimeError for another shape, or without classes."""
    if input.ndim > 2 or 0 in input.shape[-1:]:
        raise RuntimeError(
            f"{name}: Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(input.shape)}"
        )
    return input if input.ndim == 2 else ops.reshape(input, shape=(1, input.numel()))


def _require_classes(name: str, scores: Tensor, target: Tensor, least: int) -> None:
    """Raise RuntimeError unless the labels are int64 and in least ... C - 1."""
    labels, classes = target.array, scores.shape[1]
    if labels.dtype != np.int64:
        raise RuntimeError(f"{name}: expected a target of int64 but found {target.dtype}")
    if labels.size and not least <= labels.min() <= labels.max() < classes:
        raise RuntimeError(
            f"{name}: target out of range: labels are {least} to {classes - 1}, got "
            f"{labels.min()} to {labels.max()}"
        )


def _require_weight(weight: Tensor, scores: Tensor) -> None:
    """Raise ValueError or RuntimeError unless there is one weight of the dtype for each class."""
    if weight.ndim != 1:
        raise ValueError(f"weight must be one-dimensional, got shape {list(weight.shape)}")
    if weight.shape[0] != scores.shape[1] or weight.dtype != scores.dtype:
        raise RuntimeError(
            f"inconsistent weight size, expected {scores.shape[1]} of {scores.dtype} but got "
            f"{list(weight.shape)} of {weight.dtype}"
        )
