"""Noise, compression, and random changes of colour."""

from collections.abc import Sequence
from typing import Any

from minigrad.ops.generator import stream
from minigrad.vision.transforms.base import ImageTransform, randint, require_probability, uniform
from minigrad.vision.transforms.functional.kinds import ImageT
from minigrad.vision.transforms.v2 import functional as F


class RGB(ImageTransform):
    """A grey image as three equal channels; a colour image stays as it is."""

    def alter(self, img: ImageT, drawn: None) -> ImageT:
        return F.grayscale_to_rgb(img)


class RandomChannelPermutation(ImageTransform):
    """The channels in a random order."""

    def draw(self, img: object) -> list[int]:
        order: list[int] = stream(None).permutation(F.get_num_channels(img)).tolist()
        return order

    def alter(self, img: ImageT, drawn: list[int]) -> ImageT:
        return F.permute_channels(img, drawn)


class GaussianNoise(ImageTransform):
    """Adds normal noise, in units of white; `clip` keeps the image within its values."""

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> None:
        super().__init__()
        self.mean = mean
        self.sigma = sigma
        self.clip = clip

    def alter(self, img: ImageT, drawn: None) -> ImageT:
        return F.gaussian_noise(img, self.mean, self.sigma, self.clip)

    def extra_repr(self) -> str:
        return f"mean={self.mean}, sigma={self.sigma}, clip={self.clip}"


class JPEG(ImageTransform):
    """JPEG compression of a `quality` from 1 to 100, or of a random one within (min, max)."""

    def __init__(self, quality: int | Sequence[int]) -> None:
        super().__init__()
        bounds = [quality, quality] if isinstance(quality, int) else list(quality)
        if len(bounds) != 2 or not all(type(bound) is int for bound in bounds):
            raise TypeError(f"quality should be an int or a sequence of length 2, got {quality!r}")
        if not 1 <= bounds[0] <= bounds[1] <= 100:
            raise ValueError(f"quality must be an integer from 1 to 100, got {quality}")
        self.quality = bounds

    def draw(self, img: object) -> int:
        return randint(self.quality[0], self.quality[1] + 1)

    def alter(self, img: ImageT, drawn: int) -> ImageT:
        return F.jpeg(img, drawn)

    def extra_repr(self) -> str:
        return f"quality={self.quality}"


class RandomPhotometricDistort(ImageTransform):
    """Changes brightness, contrast, saturation, hue and the order of channels, each with `p`.

    Liu et al. 2016, arXiv:1512.02325.
    """

    def __init__(
        self,
        brightness: tuple[float, float] = (0.875, 1.125),
        contrast: tuple[float, float] = (0.5, 1.5),
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: tuple[float, float] = (-0.05, 0.05),
        p: float = 0.5,
    ) -> None:
        super().__init__()
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.p = require_probability(self, p)

    def draw(self, img: object) -> tuple[list[float | None], bool, list[int] | None]:
        """The factors, if contrast comes early, and the order of the channels."""
        random = stream(None)
        ranges = self.brightness, self.contrast, self.saturation, self.hue
        factors = [uniform(*bounds) if random.random() < self.p else None for bounds in ranges]
        early = bool(random.random() < 0.5)
        order = random.permutation(F.get_num_channels(img)).tolist()
        return factors, early, order if random.random() < self.p else None

    def alter(self, img: Any, drawn: tuple[list[float | None], bool, list[int] | None]) -> Any:
        (brightness, contrast, saturation, hue), early, order = drawn
        steps = [
            (F.adjust_brightness, brightness),
            (F.adjust_contrast, contrast if early else None),
            (F.adjust_saturation, saturation),
            (F.adjust_hue, hue),
            (F.adjust_contrast, None if early else contrast),
        ]
        for change, factor in steps:
            img = img if factor is None else change(img, factor)
        return img if order is None else F.permute_channels(img, order)

    def extra_repr(self) -> str:
        return (
            f"brightness={self.brightness}, contrast={self.contrast}, "
            f"saturation={self.saturation}, hue={self.hue}, p={self.p}"
        )
