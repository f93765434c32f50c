"""Crops beside `RandomCrop`: of the centre, of the corners, and of random size and shape."""

import math
from collections.abc import Sequence

import numpy as np

from minigrad.ops.generator import stream
from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.functional import ImageT
from minigrad.vision.transforms.resample import InterpolationMode


class CenterCrop:
    """Cuts out the centre, of `size` (H, W); a smaller image is first padded with zeros."""

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = F.height_and_width(size)

    def __call__(self, image: ImageT) -> ImageT:
        (height, width), (rows, columns) = F.spatial_size(image), self.size
        if rows > height or columns > width:
            more = [max(columns - width, 0), max(rows - height, 0)]
            border = [more[0] // 2, more[1] // 2, (more[0] + 1) // 2, (more[1] + 1) // 2]
            image = F.pad(image, border)
            height, width = F.spatial_size(image)
        top, left = round((height - rows) / 2), round((width - columns) / 2)
        return F.crop(image, top, left, rows, columns)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class FiveCrop:
    """A tuple of the four corners and the centre, each of `size` (H, W); ValueError if larger."""

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = F.height_and_width(size)

    def __call__(self, image: ImageT) -> tuple[ImageT, ...]:
        (height, width), (rows, columns) = F.spatial_size(image), self.size
        if rows > height or columns > width:
            raise ValueError(
                f"Requested crop size {self.size} is bigger than input size {(height, width)}"
            )
        tops, lefts = (0, height - rows), (0, width - columns)
        corners = [F.crop(image, top, left, rows, columns) for top in tops for left in lefts]
        return (*corners, CenterCrop(self.size)(image))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class RandomResizedCrop:
    """Cuts out a random part of the image and resizes it to `size` (H, W).

    The part has a share of the area within `scale`, and a width by height within `ratio`, drawn
    evenly in the logarithm.  After ten draws that do not fit, it is the largest central part.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool = True,
    ) -> None:
        for name, pair in (("scale", scale), ("ratio", ratio)):
            if len(pair) != 2 or not 0 < pair[0] <= pair[1]:
                raise ValueError(f"{name} should be of kind (min, max) with 0 < min, got {pair}")
        self.size = F.height_and_width(size)
        F.check_resize(self.size, None, interpolation)
        self.scale = scale
        self.ratio = ratio
        self.interpolation = interpolation
        self.antialias = antialias

    def __call__(self, image: ImageT) -> ImageT:
        part = F.crop(image, *self.get_params(image, self.scale, self.ratio))
        return F.resize(part, self.size, self.interpolation, antialias=self.antialias)

    @staticmethod
    def get_params(
        img: object, scale: tuple[float, float], ratio: tuple[float, float]
    ) -> tuple[int, int, int, int]:
        """A random part (top, left, height, width) of the image."""
        height, width = F.spatial_size(img)
        random = stream(None)
        for _ in range(10):
            area = height * width * random.uniform(*scale)
            shape = math.exp(random.uniform(math.log(ratio[0]), math.log(ratio[1])))
            columns, rows = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
            if 0 < columns <= width and 0 < rows <= height:
                top = int(random.integers(height - rows + 1))
                left = int(random.integers(width - columns + 1))
                return top, left, rows, columns
        shape = float(np.clip(width / height, *ratio))
        columns, rows = min(width, round(height * shape)), min(height, round(width / shape))
        return (height - rows) // 2, (width - columns) // 2, rows, columns

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, "
            f"scale={tuple(round(s, 4) for s in self.scale)}, "
            f"ratio={tuple(round(r, 4) for r in self.ratio)}, "
            f"interpolation={self.interpolation.value}, antialias={self.antialias})"
        )
