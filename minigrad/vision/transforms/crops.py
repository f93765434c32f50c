"""Crops beside `RandomCrop`: of the centre, of the corners, and of random size and shape."""

import math
from collections.abc import Sequence

import numpy as np

from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.base import ImageTransform, randint, uniform
from minigrad.vision.transforms.functional import InterpolationMode
from minigrad.vision.transforms.functional.kinds import ImageT
from minigrad.vision.transforms.geometry import Window


class CenterCrop(ImageTransform):
    """Cuts out the centre, of `size` (H, W); a smaller image is first padded with zeros."""

    def __init__(self, size: int | Sequence[int]) -> None:
        super().__init__()
        self.size = F.height_and_width(size)

    def alter(self, img: ImageT, drawn: None) -> ImageT:
        return F.center_crop(img, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class FiveCrop(ImageTransform):
    """A tuple of the four corners and the centre, each of `size` (H, W); ValueError if larger."""

    def __init__(self, size: int | Sequence[int]) -> None:
        super().__init__()
        self.size = F.height_and_width(size)

    def alter(self, img: ImageT, drawn: None) -> tuple[ImageT, ...]:
        return F.five_crop(img, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class TenCrop(ImageTransform):
    """A tuple of `FiveCrop` of the image, and of the image flipped.

    It is flipped left and right, or with `vertical_flip` top and bottom.
    """

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False) -> None:
        super().__init__()
        self.size = F.height_and_width(size)
        self.vertical_flip = vertical_flip

    def alter(self, img: ImageT, drawn: None) -> tuple[ImageT, ...]:
        return F.ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, vertical_flip={self.vertical_flip})"


class RandomResizedCrop(ImageTransform):
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
        super().__init__()
        for name, pair in (("scale", scale), ("ratio", ratio)):
            if len(pair) != 2 or not 0 < pair[0] <= pair[1]:
                raise ValueError(f"{name} should be of kind (min, max) with 0 < min, got {pair}")
        self.size = F.height_and_width(size)
        F.check_resize(self.size, None, interpolation)
        self.scale = scale
        self.ratio = ratio
        self.interpolation = F.mode_of(interpolation)
        self.antialias = antialias

    def draw(self, img: object) -> Window:
        return self.get_params(img, self.scale, self.ratio)

    def alter(self, img: ImageT, drawn: Window) -> ImageT:
        return F.resized_crop(img, *drawn, self.size, self.interpolation, antialias=self.antialias)

    @staticmethod
    def get_params(img: object, scale: tuple[float, float], ratio: tuple[float, float]) -> Window:
        """A random part (top, left, height, width) of the image."""
        height, width = F.spatial_size(img)
        for _ in range(10):
            area = height * width * uniform(*scale)
            shape = math.exp(uniform(math.log(ratio[0]), math.log(ratio[1])))
            columns, rows = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
            if 0 < columns <= width and 0 < rows <= height:
                top, left = randint(0, height - rows + 1), randint(0, width - columns + 1)
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
