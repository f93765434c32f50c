"""Transforms of colour: grey images, random brightness, contrast, saturation and hue."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

from minigrad.ops.generator import stream
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.base import ImageTransform, RandomTransform, uniform


class Grayscale(ImageTransform):
    """The brightness of a colour image, as 1 channel or as 3 equal ones.

    An array (H, W, 3) becomes (H, W), or stays (H, W, 3); a grey one is kept, or repeated.
    Raises ValueError or, for a Tensor, TypeError for another number of channels.
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        if num_output_channels not in (1, 3):
            raise ValueError(
                f"num_output_channels should be either 1 or 3, got {num_output_channels}"
            )
        self.num_output_channels = num_output_channels

    def alter(self, img: Any, drawn: None) -> Any:
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class RandomGrayscale(RandomTransform):
    """`Grayscale` with probability `p`, with as many channels as the image had."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__(p)

    def change(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, 3 if F.get_image_num_channels(img) == 3 else 1)


Range = tuple[float, float] | None
Factors = tuple[Tensor, float | None, float | None, float | None, float | None]
"""The order of the four changes, and the factor of each; None leaves the image as it is."""


class ColorJitter(ImageTransform):
    """Changes brightness, contrast, saturation and hue at random, in a random order.

    A number x means factors from 1 - x to 1 + x, not below 0, for hue from -x to x; a pair is
    (min, max).  Hues lie within (-0.5, 0.5).
    """

    def __init__(
        self,
        brightness: float | Sequence[float] = 0,
        contrast: float | Sequence[float] = 0,
        saturation: float | Sequence[float] = 0,
        hue: float | Sequence[float] = 0,
    ) -> None:
        super().__init__()
        self.brightness = _range("brightness", brightness)
        self.contrast = _range("contrast", contrast)
        self.saturation = _range("saturation", saturation)
        self.hue = _range("hue", hue, center=0.0, bounds=(-0.5, 0.5))

    @staticmethod
    def get_params(brightness: Range, contrast: Range, saturation: Range, hue: Range) -> Factors:
        """A random order of the four changes, and a random factor of each that has a range."""
        order = from_numpy(stream(None).permutation(4))
        ranges = brightness, contrast, saturation, hue
        b, c, s, h = (None if bounds is None else uniform(*bounds) for bounds in ranges)
        return order, b, c, s, h

    def draw(self, img: object) -> Factors:
        return self.get_params(self.brightness, self.contrast, self.saturation, self.hue)

    def alter(self, img: Any, drawn: Factors) -> Any:
        order, *factors = drawn
        changes = F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue
        for number in order.tolist():
            factor = factors[number]
            if factor is not None:
                img = changes[number](img, factor)
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, "
            f"saturation={self.saturation}, hue={self.hue})"
        )


def _range(
    name: str,
    given: float | Sequence[float],
    center: float = 1.0,
    bounds: tuple[float, float] = (0.0, math.inf),
) -> Range:
    """(min, max) of a factor, or None where it would change nothing."""
    if isinstance(given, Real):
        if given < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative, got {given}.")
        low, high = center - float(given), center + float(given)
        low = max(low, 0.0) if center else low
    elif isinstance(given, tuple | list) and len(given) == 2:
        low, high = float(given[0]), float(given[1])
    else:
        raise TypeError(
            f"{name} should be a single number or a list/tuple with length 2, got {given!r}."
        )
    if not bounds[0] <= low <= high <= bounds[1]:
        raise ValueError(f"{name} values should be between {bounds}, but got {[low, high]}.")
    return None if low == high == center else (low, high)
