"""Losses of detectors: focal loss, and losses of the overlap of boxes."""

import math

from minigrad.engine.grad_mode import no_grad
from minigrad.nn import functional as F
from minigrad.ops import maximum, minimum
from minigrad.tensor import Tensor


def sigmoid_focal_loss(
    inputs: Tensor,
    targets: Tensor,
    alpha: float = 0.25,
    gamma: float = 2,
    reduction: str = "none",
) -> Tensor:
    """Cross-entropy of logits, times (1 - p)**gamma where p is the right answer's probability.

    `alpha` weighs the targets 1, 1 - alpha the targets 0; -1 weighs none.  Raises ValueError for
    another alpha or reduction.  Lin et al. 2017, Focal Loss, arXiv:1708.02002.
    """
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(
            f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for ignore."
        )
    p = inputs.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    right = p * targets + (1 - p) * (1 - targets)
    loss = entropy * (1 - right) ** gamma
    if alpha >= 0:
        loss = loss * (alpha * targets + (1 - alpha) * (1 - targets))
    return _reduced(loss, reduction)


def generalized_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """1 less the generalised overlap of each box (..., 4) with the other of its pair."""
    common, union = _overlap(boxes1, boxes2)
    hull = _hull(boxes1, boxes2)
    area = hull[..., 0] * hull[..., 1]
    overlap = common / (union + eps) - (area - union) / (area + eps)
    return _reduced(1 - overlap, reduction)


def distance_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """1 less the overlap, plus the squared distance of the centres in units of the hull's."""
    return _reduced(_distance_loss(boxes1, boxes2, eps)[0], reduction)


def complete_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """`distance_box_iou_loss` plus a term for the difference of the boxes' shapes."""
    loss, overlap = _distance_loss(boxes1, boxes2, eps)
    angles = []
    for boxes in (boxes1, boxes2):
        sides = boxes[..., 2:] - boxes[..., :2]
        angles.append((sides[..., 0] / sides[..., 1]).atan())
    shape = (4 / math.pi**2) * (angles[1] - angles[0]) ** 2
    with no_grad():
        weight = shape / (1 - overlap + shape + eps)
    return _reduced(loss + weight * shape, reduction)


def _distance_loss(boxes1: Tensor, boxes2: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    common, union = _overlap(boxes1, boxes2)
    overlap = common / (union + eps)
    diagonal = _hull(boxes1, boxes2).square().sum(-1) + eps
    apart = (boxes1[..., :2] + boxes1[..., 2:] - boxes2[..., :2] - boxes2[..., 2:]) / 2
    return 1 - overlap + apart.square().sum(-1) / diagonal, overlap


def _overlap(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """The areas (...) of intersection and of union of the boxes of each pair."""
    low = maximum(boxes1[..., :2], boxes2[..., :2])
    sides = (minimum(boxes1[..., 2:], boxes2[..., 2:]) - low).clamp(min=0)
    common = sides[..., 0] * sides[..., 1]
    areas = [
        (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
        for boxes in (boxes1, boxes2)
    ]
    return common, areas[0] + areas[1] - common


def _hull(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    low = minimum(boxes1[..., :2], boxes2[..., :2])
    sides: Tensor = maximum(boxes1[..., 2:], boxes2[..., 2:]) - low
    return sides


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"Invalid Value for arg 'reduction': {reduction!r} \n "
            "Supported reduction modes: 'none', 'mean', 'sum'"
        )
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" and loss.numel() else loss.sum()
