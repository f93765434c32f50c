"""Geometric transforms: padding, cropping, flipping, resizing."""

from collections.abc import Sequence

from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.base import ImageTransform, RandomTransform, randint
from minigrad.vision.transforms.functional import InterpolationMode
from minigrad.vision.transforms.functional.kinds import ImageT

Fill = float | tuple[float, ...]
Window = tuple[int, int, int, int]
"""The part (top, left, height, width) of an image."""


class Pad(ImageTransform):
    """Pads by `padding`: all sides; (left-right, top-bottom); or (left, top, right, bottom).

    `padding_mode` is "constant" (with `fill`, one value or one per channel), "edge", "reflect" or
    "symmetric".  Raises TypeError or ValueError for arguments of another kind.
    """

    def __init__(
        self, padding: int | Sequence[int], fill: Fill = 0, padding_mode: str = "constant"
    ) -> None:
        super().__init__()
        F.check_padding(padding, fill, padding_mode)
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def alter(self, img: ImageT, drawn: None) -> ImageT:
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, "
            f"padding_mode={self.padding_mode})"
        )


class RandomCrop(ImageTransform):
    """Cuts out a random window of `size` (H, W), after padding as `Pad` does.

    With `pad_if_needed` an image smaller than the window is padded on both sides; otherwise it
    raises ValueError.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Fill = 0,
        padding_mode: str = "constant",
    ) -> None:
        super().__init__()
        F.check_padding(0 if padding is None else padding, fill, padding_mode)
        self.size = F.height_and_width(size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    def draw(self, img: object) -> tuple[list[int], Window]:
        """The border that is added at the end, if there is one, and the window."""
        height, width = F.spatial_size(img)
        if self.padding is not None:
            left, top, right, bottom = F.check_padding(self.padding, 0, "constant")
            height, width = height + top + bottom, width + left + right
        border = [0, 0]
        if self.pad_if_needed:
            border = [max(self.size[1] - width, 0), max(self.size[0] - height, 0)]
        whole = height + 2 * border[1], width + 2 * border[0]
        return border, _random_window(whole, self.size)

    def alter(self, img: ImageT, drawn: tuple[list[int], Window]) -> ImageT:
        border, window = drawn
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        if any(border):
            img = F.pad(img, border, self.fill, self.padding_mode)
        return F.crop(img, *window)

    @staticmethod
    def get_params(img: object, output_size: tuple[int, int]) -> Window:
        """A random window (top, left, height, width) of the given size inside the image."""
        return _random_window(F.spatial_size(img), output_size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


def _random_window(image_size: tuple[int, int], size: Sequence[int]) -> Window:
    (height, width), (rows, columns) = image_size, size
    if height < rows or width < columns:
        raise ValueError(
            f"Required crop size {(rows, columns)} is larger than input image size {image_size}"
        )
    return randint(0, height - rows + 1), randint(0, width - columns + 1), rows, columns


class RandomHorizontalFlip(RandomTransform):
    """Swaps left and right with probability `p`; ValueError if it is not in [0, 1]."""

    def change(self, img: ImageT) -> ImageT:
        return F.hflip(img)


class RandomVerticalFlip(RandomTransform):
    """Swaps top and bottom with probability `p`; ValueError if it is not in [0, 1]."""

    def change(self, img: ImageT) -> ImageT:
        return F.vflip(img)


class Resize(ImageTransform):
    """Resizes to `size` (H, W); an int is the new length of the shorter side.

    `interpolation` is a mode or PIL's number of it; with `antialias` a shrunken image averages over
    all the pixels it covers.  `max_size` bounds the longer side where `size` is an int.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool = True,
    ) -> None:
        super().__init__()
        F.check_resize(size, max_size, interpolation)
        self.size = size
        self.interpolation = F.mode_of(interpolation)
        self.max_size = max_size
        self.antialias = antialias

    def alter(self, img: ImageT, drawn: None) -> ImageT:
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation.value}, "
            f"max_size={self.max_size}, antialias={self.antialias})"
        )
