"""Regions of interest: windows of feature maps, resampled to one size.

He et al. 2017, Mask R-CNN, arXiv:1703.06870 (align); Girshick 2015, arXiv:1504.08083 (pool).
"""

import math
from collections.abc import Sequence

import numpy as np

from minigrad import nn
from minigrad.core.types import Array
from minigrad.ops import cat, stack
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy

Rois = Tensor | Sequence[Tensor]
"""Boxes (K, 5) that begin with the image's index, or for each image its boxes (L, 4)."""


def roi_align(
    input: Tensor,
    boxes: Rois,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """(K, C, *output_size): for every box the means of bilinear samples in each cell.

    Boxes times `spatial_scale` are in pixels of `input` (N, C, H, W).  A cell has sampling_ratio**2
    samples, by default as many as pixels, rounded up.  `aligned` counts pixels from their centres.
    A gradient reaches `input`, none the boxes.
    """
    rows, columns = _pair(output_size)
    regions = _regions(boxes)
    if len(regions) == 0:
        return input.new_zeros((0, input.shape[1], rows, columns))
    shift = 0.5 if aligned else 0.0
    cut = []
    for image, *corners in regions:
        left, top, right, bottom = (corner * spatial_scale - shift for corner in corners)
        height, width = bottom - top, right - left
        if not aligned:
            height, width = max(height, 1.0), max(width, 1.0)
        down = _samples(top, height, rows, sampling_ratio, input.shape[2])
        across = _samples(left, width, columns, sampling_ratio, input.shape[3])
        weights = [from_numpy(w.astype(input.dtype.numpy)) for w in (down, across)]
        cut.append(weights[0] @ input[int(image)] @ weights[1].transpose(0, 1))
    found: Tensor = stack(cut)
    return found


def _samples(start: float, length: float, cells: int, ratio: int, size: int) -> Array:
    """(cells, size): the weight of each pixel in the mean of a cell's samples."""
    count = ratio if ratio > 0 else math.ceil(length / cells)
    weights = np.zeros((cells, size))
    if count <= 0:
        return weights
    places = start + (np.arange(cells * count) + 0.5) * (length / cells / count)
    inside = (places >= -1) & (places <= size)
    cell = np.repeat(np.arange(cells), count)[inside]
    places = np.maximum(places[inside], 0)
    low = np.minimum(places.astype(int), size - 1)
    high = np.minimum(low + 1, size - 1)
    part = np.where(low == size - 1, 0.0, places - low)
    np.add.at(weights, (cell, low), 1 - part)
    np.add.at(weights, (cell, high), part)
    return weights / count


def roi_pool(
    input: Tensor, boxes: Rois, output_size: int | Sequence[int], spatial_scale: float = 1.0
) -> Tensor:
    """(K, C, *output_size): for every box the largest value in each cell, 0 in empty ones."""
    rows, columns = _pair(output_size)
    regions = _regions(boxes)
    if len(regions) == 0:
        return input.new_zeros((0, input.shape[1], rows, columns))
    found = []
    for image, *corners in regions:
        # Halves are rounded away from zero, as C's round does.
        left, top, right, bottom = (
            int(math.copysign(math.floor(abs(c * spatial_scale) + 0.5), c)) for c in corners
        )
        down = _cells(top, max(bottom - top + 1, 1), rows, input.shape[2])
        across = _cells(left, max(right - left + 1, 1), columns, input.shape[3])
        for vertical in down:
            for horizontal in across:
                cell = input[int(image), :, vertical, horizontal]
                found.append(cell.amax((1, 2)) if cell.numel() else input.new_zeros(input.shape[1]))
    pooled: Tensor = stack(found).reshape(len(regions), rows, columns, -1)
    return pooled.permute(0, 3, 1, 2)


def _cells(start: int, length: int, cells: int, size: int) -> list[slice]:
    step = length / cells
    edges = [
        (math.floor(i * step) + start, math.ceil((i + 1) * step) + start) for i in range(cells)
    ]
    return [slice(min(max(a, 0), size), min(max(b, 0), size)) for a, b in edges]


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def _regions(boxes: Rois) -> Array:
    """(K, 5) in float64; ValueError for other shapes."""
    if isinstance(boxes, Tensor):
        if boxes.ndim != 2 or boxes.shape[1] != 5:
            raise ValueError(
                f"The boxes tensor shape is not correct as Tensor[K, 5], got {tuple(boxes.shape)}"
            )
        return boxes.detach().numpy().astype(np.float64)
    for one in boxes:
        if one.ndim != 2 or one.shape[1] != 4:
            raise ValueError(
                "The shape of the tensor in the boxes list is not correct as List[Tensor[L, 4]], "
                f"got {tuple(one.shape)}"
            )
    joined = cat(list(boxes)).detach().numpy().astype(np.float64)
    owners = np.repeat(np.arange(len(boxes)), [len(one) for one in boxes])
    return np.column_stack([owners, joined])


class RoIAlign(nn.Module):
    """`roi_align` as a module."""

    def __init__(
        self,
        output_size: int | Sequence[int],
        spatial_scale: float,
        sampling_ratio: int,
        aligned: bool = False,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale
        self.sampling_ratio = sampling_ratio
        self.aligned = aligned

    def forward(self, input: Tensor, rois: Rois) -> Tensor:
        return roi_align(
            input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned
        )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(output_size={self.output_size}, "
            f"spatial_scale={self.spatial_scale}, sampling_ratio={self.sampling_ratio}, "
            f"aligned={self.aligned})"
        )


class RoIPool(nn.Module):
    """`roi_pool` as a module."""

    def __init__(self, output_size: int | Sequence[int], spatial_scale: float) -> None:
        super().__init__()
        self.output_size = output_size
        self.spatial_scale = spatial_scale

    def forward(self, input: Tensor, rois: Rois) -> Tensor:
        return roi_pool(input, rois, self.output_size, self.spatial_scale)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(output_size={self.output_size}, "
            f"spatial_scale={self.spatial_scale})"
        )
