"""Random tone curves, sharpness and blur, and erased rectangles."""

import math
import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from minigrad.ops.generator import stream
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.base import ImageTransform, RandomTransform, randint, uniform
from minigrad.vision.transforms.functional.kinds import ImageT


class RandomInvert(RandomTransform):
    """White minus the image, with probability `p`."""

    def change(self, img: ImageT) -> ImageT:
        return F.invert(img)


class RandomPosterize(RandomTransform):
    """The image with the upper `bits` of each value, with probability `p`."""

    def __init__(self, bits: int, p: float = 0.5) -> None:
        super().__init__(p)
        self.bits = bits

    def change(self, img: ImageT) -> ImageT:
        return F.posterize(img, self.bits)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(bits={self.bits},p={self.p})"


class RandomSolarize(RandomTransform):
    """The image with all values from `threshold` on inverted, with probability `p`."""

    def __init__(self, threshold: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.threshold = threshold

    def change(self, img: ImageT) -> ImageT:
        return F.solarize(img, self.threshold)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(threshold={self.threshold},p={self.p})"


class RandomAdjustSharpness(RandomTransform):
    """The image blurred (factor 0 to 1) or sharpened (above 1), with probability `p`."""

    def __init__(self, sharpness_factor: float, p: float = 0.5) -> None:
        super().__init__(p)
        self.sharpness_factor = sharpness_factor

    def change(self, img: ImageT) -> ImageT:
        return F.adjust_sharpness(img, self.sharpness_factor)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(sharpness_factor={self.sharpness_factor},p={self.p})"


class RandomAutocontrast(RandomTransform):
    """Each channel stretched from black to white, with probability `p`."""

    def change(self, img: ImageT) -> ImageT:
        return F.autocontrast(img)


class RandomEqualize(RandomTransform):
    """Each channel's values spread evenly, with probability `p`."""

    def change(self, img: ImageT) -> ImageT:
        return F.equalize(img)


class GaussianBlur(ImageTransform):
    """Blurs with a Gaussian window of `kernel_size` (width, height), of a random deviation.

    sigma: the standard deviation in pixels, or (min, max) of it.
    """

    def __init__(
        self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)
    ) -> None:
        super().__init__()
        sizes = [kernel_size] if isinstance(kernel_size, int) else list(kernel_size)
        if len(sizes) not in (1, 2):
            raise ValueError(
                f"Kernel size should be a tuple/list of two integers, got {kernel_size}"
            )
        if any(size <= 0 or size % 2 == 0 for size in sizes):
            raise ValueError(
                f"Kernel size value should be an odd and positive number, got {kernel_size}."
            )
        self.kernel_size = (sizes[0], sizes[-1])
        if isinstance(sigma, Real):
            if sigma <= 0:
                raise ValueError(f"If sigma is a single number, it must be positive, got {sigma}.")
            self.sigma = (float(sigma), float(sigma))
        elif isinstance(sigma, Sequence) and len(sigma) == 2:
            if not 0.0 < sigma[0] <= sigma[1]:
                raise ValueError(
                    f"sigma values should be positive and of the form (min, max), got {sigma}."
                )
            self.sigma = (sigma[0], sigma[1])
        else:
            raise ValueError(
                f"sigma should be a single number or a list/tuple with length 2, got {sigma!r}."
            )

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """A random standard deviation."""
        return uniform(sigma_min, sigma_max)

    def draw(self, img: object) -> float:
        return self.get_params(*self.sigma)

    def alter(self, img: ImageT, drawn: float) -> ImageT:
        return F.gaussian_blur(img, self.kernel_size, (drawn, drawn))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"


Erased = tuple[int, int, int, int, Tensor]
"""The window (top, left, height, width) and its values."""


class RandomErasing(RandomTransform):
    """Erases a random rectangle of a Tensor (..., C, H, W), with probability `p`.

    It has a share of the area within `scale`, and a height by width within `ratio`, drawn evenly in
    the logarithm; after ten draws that do not fit nothing is erased.  value: a number, one for each
    channel, or "random" for normal noise.  Zhong et al. 2020, arXiv:1708.04896.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: float | str | Sequence[float] = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(value, Real | str | tuple | list):
            raise TypeError(
                f"Argument value should be either a number or str or a sequence, got {value!r}"
            )
        if isinstance(value, str) and value != "random":
            raise ValueError(f"If value is str, it should be 'random', got {value!r}")
        for name, pair in (("Scale", scale), ("Ratio", ratio)):
            if not isinstance(pair, Sequence):
                raise TypeError(f"{name} should be a sequence, got {pair!r}")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=2)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError(f"Scale should be between 0 and 1, got {scale}")
        if not 0 <= p <= 1:
            raise ValueError(f"Random erasing probability should be between 0 and 1, got {p}")
        self.p = p
        self.scale = scale
        self.ratio = ratio
        self.value = value
        self.inplace = inplace

    @staticmethod
    def get_params(
        img: Tensor,
        scale: Sequence[float],
        ratio: Sequence[float],
        value: Sequence[float] | None = None,
    ) -> Erased:
        """A random rectangle and its values; the whole image with its own if none fits."""
        channels, height, width = F.get_dimensions(img)
        for _ in range(10):
            area = height * width * uniform(*scale)
            shape = math.exp(uniform(math.log(ratio[0]), math.log(ratio[1])))
            rows, columns = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
            if rows >= height or columns >= width:
                continue
            if value is None:
                values = stream(None).standard_normal((channels, rows, columns), dtype=np.float32)
            else:
                values = np.array(value, np.float32).reshape(-1, 1, 1)
            top, left = randint(0, height - rows + 1), randint(0, width - columns + 1)
            return top, left, rows, columns, from_numpy(values)
        return 0, 0, height, width, img

    def draw(self, img: Any) -> Erased | None:
        if not super().draw(img):
            return None
        value: list[float] | None = None
        if not isinstance(self.value, str):
            given = self.value if isinstance(self.value, Sequence) else [self.value]
            value = [float(number) for number in given]
            channels = F.get_image_num_channels(img)
            if len(value) not in (1, channels):
                raise ValueError(
                    "If value is a sequence, it should have either a single value or "
                    f"{channels} (number of input channels), got {self.value}"
                )
        return self.get_params(img, self.scale, self.ratio, value)

    def alter(self, img: Tensor, drawn: Erased | None) -> Tensor:
        return img if drawn is None else F.erase(img, *drawn, self.inplace)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, "
            f"value={self.value}, inplace={self.inplace})"
        )
