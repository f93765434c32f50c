"""Boxes (x1, y1, x2, y2): areas, overlaps, conversion, and suppression of those that overlap."""

import numpy as np

from minigrad.core.types import Array
from minigrad.ops import maximum, minimum, stack
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy, zeros

_FORMATS = ("xyxy", "xywh", "cxcywh")


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """The indices of the boxes (N, 4) to keep, by falling score.

    A box is dropped if its overlap with a kept one, as `box_iou` has it, exceeds the threshold.
    Raises ValueError for other shapes.
    """
    corners, order = _checked(boxes, scores)
    area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low = np.maximum(corners[best, :2], corners[order, :2])
        high = np.minimum(corners[best, 2:], corners[order, 2:])
        common = np.clip(high - low, 0, None).prod(1)
        with np.errstate(invalid="ignore", divide="ignore"):  # boxes without an area
            overlap = common / (area[best] + area[order] - common)
        order = order[~(overlap > iou_threshold)]
    return from_numpy(np.array(kept, dtype=np.int64))


def _checked(boxes: Tensor, scores: Tensor) -> tuple[Array, Array]:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"boxes should be a 2d tensor with 4 elements in dimension 1, got {tuple(boxes.shape)}"
        )
    if scores.ndim != 1 or len(scores) != len(boxes):
        raise ValueError(
            "boxes and scores should have same number of elements in dimension 0, "
            f"got {tuple(boxes.shape)} and {tuple(scores.shape)}"
        )
    return boxes.detach().numpy(), np.argsort(-scores.detach().numpy(), kind="stable")


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`nms` within each of the classes `idxs` (N,): boxes of two classes do not compete."""
    if len(boxes) == 0:
        return zeros(0, dtype=scores.argsort().dtype)
    classes = idxs.detach().numpy()
    kept = np.concatenate(
        [
            members[nms(boxes[members], scores[members], iou_threshold).numpy()]
            for members in (np.flatnonzero(classes == one) for one in np.unique(classes))
        ]
    )
    kept = np.sort(kept)
    return from_numpy(kept[np.argsort(-scores.detach().numpy()[kept], kind="stable")])


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """The indices of the boxes (N, 4) that are at least `min_size` wide and high."""
    sides = boxes[..., 2:] - boxes[..., :2]
    large: Tensor = (sides >= min_size).all(-1).nonzero().squeeze(1)
    return large


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """The boxes (..., 4) cut off at the borders of an image of `size` (H, W)."""
    height, width = size
    columns = boxes[..., 0::2].clamp(min=0, max=width)
    rows = boxes[..., 1::2].clamp(min=0, max=height)
    clipped: Tensor = stack((columns, rows), -1).reshape(boxes.shape)
    return clipped


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """The boxes (..., 4) in another format: "xyxy", "xywh" or "cxcywh" (c: of the centre).

    PyTorch differs: torchvision has formats of rotated boxes too; here ValueError.
    """
    if in_fmt not in _FORMATS or out_fmt not in _FORMATS:
        raise ValueError(
            f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}"
        )
    if in_fmt == out_fmt:
        return boxes.clone()
    first, second = boxes[..., :2], boxes[..., 2:]
    if in_fmt == "xywh":
        second = first + second
    elif in_fmt == "cxcywh":
        first, second = first - second / 2, first + second / 2
    if out_fmt == "xywh":
        second = second - first
    elif out_fmt == "cxcywh":
        first, second = (first + second) / 2, second - first
    converted: Tensor = stack((first[..., 0], first[..., 1], second[..., 0], second[..., 1]), -1)
    return converted


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """The areas (...) of boxes (..., 4)."""
    if fmt not in _FORMATS:
        raise ValueError(f"Unsupported Bounding Box area for given format {fmt}")
    sides = boxes[..., 2:] - boxes[..., :2] if fmt == "xyxy" else boxes[..., 2:]
    return sides[..., 0] * sides[..., 1]


def _overlaps(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """(..., N, M): the areas of intersection and of union of each box with each."""
    one, other = boxes1.unsqueeze(-2), boxes2.unsqueeze(-3)
    low = maximum(one[..., :2], other[..., :2])
    sides = (minimum(one[..., 2:], other[..., 2:]) - low).clamp(min=0)
    common = sides[..., 0] * sides[..., 1]
    return common, box_area(one) + box_area(other) - common


def _hulls(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """(..., N, M, 2): width and height of the smallest box around each pair of boxes."""
    one, other = boxes1.unsqueeze(-2), boxes2.unsqueeze(-3)
    low = minimum(one[..., :2], other[..., :2])
    sides: Tensor = (maximum(one[..., 2:], other[..., 2:]) - low).clamp(min=0)
    return sides


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """(N, M): the intersection of each of N boxes with each of M, as a part of their union."""
    if fmt not in _FORMATS:
        raise ValueError(f"Unsupported format {fmt!r}. Supported formats: {_FORMATS}")
    common, union = _overlaps(box_convert(boxes1, fmt, "xyxy"), box_convert(boxes2, fmt, "xyxy"))
    return common / union


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """(N, M): `box_iou` less the part of the box around both that neither covers.

    Rezatofighi et al. 2019, Generalized Intersection over Union, arXiv:1902.09630.
    """
    common, union = _overlaps(boxes1, boxes2)
    hull = _hulls(boxes1, boxes2)
    area = hull[..., 0] * hull[..., 1]
    return common / union - (area - union) / area


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """(N, M): `box_iou` less the squared distance of the centres by that of the hull's corners.

    Zheng et al. 2019, Distance-IoU Loss, arXiv:1911.08287.
    """
    diagonal = _hulls(boxes1, boxes2).square().sum(-1) + eps
    centres = [(boxes[..., :2] + boxes[..., 2:]) / 2 for boxes in (boxes1, boxes2)]
    apart = (centres[0].unsqueeze(-2) - centres[1].unsqueeze(-3)).square().sum(-1)
    return box_iou(boxes1, boxes2) - apart / diagonal


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The smallest boxes (N, 4), float32, around the true pixels of masks (N, H, W).

    A mask without any has the box 0, 0, 0, 0.
    """
    boxes = np.zeros((len(masks), 4), dtype=np.float32)
    for box, mask in zip(boxes, masks.detach().numpy(), strict=True):
        rows, columns = np.nonzero(mask)
        if len(rows):
            box[:] = columns.min(), rows.min(), columns.max(), rows.max()
    return from_numpy(boxes)
