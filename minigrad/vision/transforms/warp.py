"""Random rotations, affine and perspective maps, elastic deformations."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from minigrad.ops.generator import stream
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.base import ImageTransform, RandomTransform, randint, uniform
from minigrad.vision.transforms.functional import InterpolationMode
from minigrad.vision.transforms.functional.kinds import ImageT

Fill = float | Sequence[float] | None


class RandomRotation(ImageTransform):
    """Turns the image by a random angle between -degrees and degrees, or within (min, max).

    `expand` makes the image large enough for the whole; `center`, (x, y), is by default the
    image's; `fill` is the value of pixels from outside, one or one for each channel.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[int] | None = None,
        fill: Fill = 0,
    ) -> None:
        super().__init__()
        self.degrees = _angles("degrees", degrees)
        self.center = None if center is None else _sequence("center", center)
        self.interpolation = F.mode_of(interpolation)
        self.expand = expand
        self.fill = _checked_fill(fill)

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        """A random angle."""
        return uniform(degrees[0], degrees[1])

    def draw(self, img: object) -> float:
        return self.get_params(self.degrees)

    def alter(self, img: ImageT, drawn: float) -> ImageT:
        return F.rotate(img, drawn, self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        return (
            f"{type(self).__name__}(degrees={self.degrees}, "
            f"interpolation={self.interpolation.value}, expand={self.expand}{center}, "
            f"fill={self.fill})"
        )


Affine = tuple[float, tuple[int, int], float, tuple[float, float]]
"""An angle, a shift (x, y) in pixels, a scale, and the angles of a shear."""


class RandomAffine(ImageTransform):
    """Turns, shifts, scales and shears the image at random, about its center.

    degrees: the angle, as in `RandomRotation`.  translate: the largest shifts (x, y), as shares of
    the width and height.  scale: (min, max).  shear: the angle along x, or (min, max) of it, or
    (x min, x max, y min, y max).
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Fill = 0,
        center: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.degrees = _angles("degrees", degrees)
        self.translate = None if translate is None else _sequence("translate", translate)
        if self.translate is not None and not all(0 <= share <= 1 for share in self.translate):
            raise ValueError(f"translation values should be between 0 and 1, got {translate}")
        self.scale = None if scale is None else _sequence("scale", scale)
        if self.scale is not None and not all(factor > 0 for factor in self.scale):
            raise ValueError(f"scale values should be positive, got {scale}")
        self.shear = None if shear is None else _angles("shear", shear, (2, 4))
        self.interpolation = F.mode_of(interpolation)
        self.fill = _checked_fill(fill)
        self.center = None if center is None else _sequence("center", center)

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> Affine:
        """A random map of an image of `img_size`, (W, H)."""
        angle = uniform(degrees[0], degrees[1])
        shift = (0, 0)
        if translate is not None:
            most = [share * side for share, side in zip(translate, img_size, strict=True)]
            shift = round(uniform(-most[0], most[0])), round(uniform(-most[1], most[1]))
        scale = 1.0 if scale_ranges is None else uniform(scale_ranges[0], scale_ranges[1])
        along_x = 0.0 if shears is None else uniform(shears[0], shears[1])
        both = shears is not None and len(shears) == 4
        along_y = uniform(shears[2], shears[3]) if both and shears else 0.0
        return angle, shift, scale, (along_x, along_y)

    def draw(self, img: object) -> Affine:
        size = F.get_image_size(img)
        return self.get_params(self.degrees, self.translate, self.scale, self.shear, size)

    def alter(self, img: ImageT, drawn: Affine) -> ImageT:
        return F.affine(
            img, *drawn, interpolation=self.interpolation, fill=self.fill, center=self.center
        )

    def __repr__(self) -> str:
        usual = InterpolationMode.NEAREST
        mode = None if self.interpolation is usual else self.interpolation.value
        options = {
            "translate": self.translate,
            "scale": self.scale,
            "shear": self.shear,
            "interpolation": mode,
            "fill": None if self.fill == 0 else self.fill,
            "center": self.center,
        }
        given = "".join(f", {name}={value}" for name, value in options.items() if value is not None)
        return f"{type(self).__name__}(degrees={self.degrees}{given})"


class RandomPerspective(RandomTransform):
    """Moves the corners of the image inwards at random, with probability `p`.

    A corner moves by at most `distortion_scale` of half the width and height.
    """

    def __init__(
        self,
        distortion_scale: float = 0.5,
        p: float = 0.5,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        fill: Fill = 0,
    ) -> None:
        super().__init__(p)
        self.distortion_scale = distortion_scale
        self.interpolation = F.mode_of(interpolation)
        self.fill = _checked_fill(fill)

    @staticmethod
    def get_params(
        width: int, height: int, distortion_scale: float
    ) -> tuple[list[list[int]], list[list[int]]]:
        """The corners (x, y) of an image of this size, and where they go."""
        across, down = (int(distortion_scale * (side // 2)) for side in (width, height))
        left, right = (0, across + 1), (width - across - 1, width)
        top, bottom = (0, down + 1), (height - down - 1, height)
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        moved = [[randint(*x), randint(*y)] for x, y in corners]
        return [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], moved

    def draw(self, img: object) -> Any:
        if not super().draw(img):
            return None
        height, width = F.spatial_size(img)
        return self.get_params(width, height, self.distortion_scale)

    def alter(self, img: ImageT, drawn: Any) -> ImageT:
        if drawn is None:
            return img
        start, end = drawn
        return F.perspective(img, start, end, self.interpolation, self.fill)


class ElasticTransform(ImageTransform):
    """Displaces every pixel at random, and its neighbours alike.

    alpha: the strength, or those along x and y; sigma: the standard deviations of the Gaussian
    that smooths the displacements.  Simard, Steinkraus & Platt 2003.
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 50.0,
        sigma: float | Sequence[float] = 5.0,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        fill: Fill = 0,
    ) -> None:
        super().__init__()
        self.alpha = _both("alpha", alpha)
        self.sigma = _both("sigma", sigma)
        self.interpolation = F.mode_of(interpolation)
        fills = _checked_fill(fill)
        self.fill = [float(value) for value in (fills if isinstance(fills, Sequence) else [fills])]

    @staticmethod
    def get_params(alpha: Sequence[float], sigma: Sequence[float], size: Sequence[int]) -> Tensor:
        """Random displacements (1, H, W, 2) for an image of `size`, (H, W)."""
        moves = []
        for strength, width, side in zip(alpha, sigma, (size[1], size[0]), strict=True):
            noise = from_numpy(stream(None).random((1, 1, *size), dtype=np.float32)) * 2 - 1
            if width > 0:
                noise = F.gaussian_blur(noise, int(8 * width + 1) | 1, list(sigma))
            moves.append((noise * strength / side)[0, 0].numpy())
        return from_numpy(np.stack(moves, -1)[None])

    def draw(self, img: object) -> Tensor:
        return self.get_params(self.alpha, self.sigma, F.spatial_size(img))

    def alter(self, img: ImageT, drawn: Tensor) -> ImageT:
        return F.elastic_transform(img, drawn, self.interpolation, self.fill)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(alpha={self.alpha}, sigma={self.sigma}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


def _angles(name: str, given: float | Sequence[float], sizes: Sequence[int] = (2,)) -> list[float]:
    """[min, max] of a single angle or of a sequence."""
    if isinstance(given, Real):
        if given < 0:
            raise ValueError(f"If {name} is a single number, it must be positive, got {given}.")
        return [-float(given), float(given)]
    return [float(angle) for angle in _sequence(name, given, sizes)]


def _sequence(name: str, given: Any, sizes: Sequence[int] = (2,)) -> Sequence[Any]:
    lengths = " or ".join(map(str, sizes))
    if not isinstance(given, Sequence):
        raise TypeError(f"{name} should be a sequence of length {lengths}, got {given!r}.")
    if len(given) not in sizes:
        raise ValueError(f"{name} should be a sequence of length {lengths}, got {given!r}.")
    return given


def _both(name: str, given: Any) -> list[float]:
    """Two floats, of one or of two given; integers are refused, as torchvision refuses them."""
    values = [given, given] if isinstance(given, float) else given
    if not isinstance(values, Sequence) or not all(isinstance(v, float) for v in values):
        raise TypeError(f"{name} should be float or a sequence of floats. Got {given!r}")
    if len(values) != 2:
        raise ValueError(f"If {name} is a sequence its length should be 2. Got {len(values)}")
    return list(values)


def _checked_fill(fill: Any) -> Any:
    if fill is None:
        return 0
    if not isinstance(fill, Sequence | Real) or isinstance(fill, str):
        raise TypeError(f"Fill should be either a sequence or a number, got {fill!r}.")
    return fill
