"""Geometric transforms: padding, cropping, flipping, resizing."""

from collections.abc import Sequence

from minigrad.ops.generator import stream
from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.functional import ImageT
from minigrad.vision.transforms.resample import InterpolationMode

Fill = float | tuple[float, ...]


class Pad:
    """Pads by `padding`: all sides; (left-right, top-bottom); or (left, top, right, bottom).

    `padding_mode` is "constant" (with `fill`, one value or one per channel), "edge", "reflect" or
    "symmetric".  Raises TypeError or ValueError for arguments of another kind.
    """

    def __init__(
        self, padding: int | Sequence[int], fill: Fill = 0, padding_mode: str = "constant"
    ) -> None:
        F.check_padding(padding, fill, padding_mode)
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, image: ImageT) -> ImageT:
        return F.pad(image, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, "
            f"padding_mode={self.padding_mode})"
        )


class RandomCrop:
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
        F.check_padding(0 if padding is None else padding, fill, padding_mode)
        self.size = F.height_and_width(size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, image: ImageT) -> ImageT:
        if self.padding is not None:
            image = F.pad(image, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            image = self._padded_to_fit(image)
        top, left, height, width = self.get_params(image, self.size)
        return F.crop(image, top, left, height, width)

    def _padded_to_fit(self, image: ImageT) -> ImageT:
        height, width = F.spatial_size(image)
        border = [max(self.size[1] - width, 0), max(self.size[0] - height, 0)]
        return F.pad(image, border, self.fill, self.padding_mode) if any(border) else image

    @staticmethod
    def get_params(image: object, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """A random window (top, left, height, width) of the given size inside the image."""
        height, width = F.spatial_size(image)
        if height < output_size[0] or width < output_size[1]:
            raise ValueError(
                f"Required crop size {tuple(output_size)} is larger than "
                f"input image size {(height, width)}"
            )
        random = stream(None)
        top = int(random.integers(height - output_size[0] + 1))
        left = int(random.integers(width - output_size[1] + 1))
        return top, left, output_size[0], output_size[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


class RandomHorizontalFlip:
    """Swaps left and right with probability `p`; ValueError if it is not in [0, 1]."""

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"RandomHorizontalFlip expects p in [0, 1], got {p}")
        self.p = p

    def __call__(self, image: ImageT) -> ImageT:
        return F.hflip(image) if stream(None).random() < self.p else image

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class Resize:
    """Resizes to `size` (H, W); an int is the new length of the shorter side.

    `interpolation` is bilinear (with `antialias` a shrunken image averages over all the pixels it
    covers) or nearest; `max_size` bounds the longer side where `size` is an int.
    """

    def __init__(
        self,
        size: int | Sequence[int],
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool = True,
    ) -> None:
        F.check_resize(size, max_size, interpolation)
        self.size = size
        self.interpolation = interpolation
        self.max_size = max_size
        self.antialias = antialias

    def __call__(self, image: ImageT) -> ImageT:
        return F.resize(image, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation.value}, "
            f"max_size={self.max_size}, antialias={self.antialias})"
        )
