"""Random sizes, larger and smaller."""

from collections.abc import Sequence

from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.base import ImageTransform, RandomTransform, randint, uniform
from minigrad.vision.transforms.functional import InterpolationMode
from minigrad.vision.transforms.functional.kinds import ImageT


class _RandomSize(ImageTransform):
    """The base of transforms that resize to what they draw: (H, W) or the shorter side."""

    def __init__(self, interpolation: InterpolationMode, antialias: bool) -> None:
        super().__init__()
        self.interpolation = F.mode_of(interpolation)
        self.antialias = antialias

    def alter(self, img: ImageT, drawn: Sequence[int]) -> ImageT:
        return F.resize(img, drawn, self.interpolation, antialias=self.antialias)


class RandomResize(_RandomSize):
    """Resizes so that the shorter side is random: min_size <= n < max_size."""

    def __init__(
        self,
        min_size: int,
        max_size: int,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool = True,
    ) -> None:
        super().__init__(interpolation, antialias)
        self.min_size = min_size
        self.max_size = max_size

    def draw(self, img: object) -> Sequence[int]:
        return [randint(self.min_size, self.max_size)]

    def extra_repr(self) -> str:
        return (
            f"min_size={self.min_size}, max_size={self.max_size}, "
            f"interpolation={self.interpolation}, antialias={self.antialias}"
        )


class RandomShortestSize(_RandomSize):
    """Resizes so that the shorter side is one of `min_size`, and the longer at most `max_size`."""

    def __init__(
        self,
        min_size: int | Sequence[int],
        max_size: int | None = None,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool = True,
    ) -> None:
        super().__init__(interpolation, antialias)
        self.min_size = [min_size] if isinstance(min_size, int) else list(min_size)
        self.max_size = max_size

    def draw(self, img: object) -> Sequence[int]:
        sides = F.spatial_size(img)
        scale = self.min_size[randint(0, len(self.min_size))] / min(sides)
        if self.max_size is not None:
            scale = min(scale, self.max_size / max(sides))
        return [int(side * scale) for side in sides]

    def extra_repr(self) -> str:
        return (
            f"min_size={self.min_size}, max_size={self.max_size}, "
            f"interpolation={self.interpolation}, antialias={self.antialias}"
        )


class ScaleJitter(_RandomSize):
    """Resizes to fit into `target_size` times a random factor within `scale_range`."""

    def __init__(
        self,
        target_size: tuple[int, int],
        scale_range: tuple[float, float] = (0.1, 2.0),
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool = True,
    ) -> None:
        super().__init__(interpolation, antialias)
        self.target_size = target_size
        self.scale_range = scale_range

    def draw(self, img: object) -> Sequence[int]:
        height, width = F.spatial_size(img)
        fitting = min(self.target_size[1] / height, self.target_size[0] / width)
        scale = fitting * uniform(*self.scale_range)
        return [int(height * scale), int(width * scale)]

    def extra_repr(self) -> str:
        return (
            f"target_size={self.target_size}, scale_range={self.scale_range}, "
            f"interpolation={self.interpolation}, antialias={self.antialias}"
        )


class RandomZoomOut(RandomTransform):
    """Puts the image at a random place on a larger canvas, with probability `p`.

    Its sides are those of the image times a random factor within `side_range`.
    """

    def __init__(
        self,
        fill: float | Sequence[float] = 0,
        side_range: Sequence[float] = (1.0, 4.0),
        p: float = 0.5,
    ) -> None:
        super().__init__(p)
        if len(side_range) != 2 or not 1.0 <= side_range[0] <= side_range[1]:
            raise ValueError(f"Invalid side range provided {side_range}.")
        self.fill = fill
        self.side_range = side_range

    def draw(self, img: object) -> list[int] | None:
        if not super().draw(img):
            return None
        scale = uniform(self.side_range[0], self.side_range[1])
        more = [int(side * scale) - side for side in F.get_image_size(img)]
        left, top = (int(extra * uniform(0, 1)) for extra in more)
        return [left, top, more[0] - left, more[1] - top]

    def alter(self, img: ImageT, drawn: list[int] | None) -> ImageT:
        return img if drawn is None else F.pad(img, drawn, self.fill)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, fill={self.fill}, side_range={self.side_range})"
