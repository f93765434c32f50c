"""Images prepared for a model, in training and later from the description in its file."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.vision import transforms
from minigrad.vision.transforms.functional.kinds import pil

MOST_BYTES = 1 << 30  # of an image file
MOST_PIXELS = 100_000_000  # of an image file: 300 MB in memory


class UnreadableImageError(ValueError):
    """A file that is no image, or one that is damaged or too large."""


def read_pixels(path: str | Path, channels: int, size: int | None) -> Array:
    """The pixels (H, W) or (H, W, 3), uint8, of an image file, as a viewer shows it.

    It is turned as its camera says, 16 bits are scaled to 8, and what is transparent is white.
    size: the shorter side gets this length, and the middle is cut out, size x size.
    Raises UnreadableImageError for a file that cannot be read, ImportError without PIL.
    """
    pil()  # raises ImportError, which is not the file's fault
    try:
        with opened(path) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise ValueError(f"it has {width}x{height} pixels, more than {MOST_PIXELS:,}")
            image.draft("RGB" if channels == 3 else "L", (size or width, size or height))
            picture = as_shown(image, channels)
    except FileNotFoundError:
        raise
    except Exception as error:  # PIL's readers raise whatever a damaged file leads them to
        raise UnreadableImageError(f"{path} cannot be read as an image: {error}") from error
    if size is not None:
        picture = _fitted(picture, size)
    return np.asarray(picture)


def opened(path: str | Path) -> Any:
    """The PIL image of a file, which is read whole: a length in it that is forged takes no memory.

    Raises ValueError for a file that is too large, and what PIL's readers raise.
    """
    path = Path(path)
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"the file has more than {MOST_BYTES:,} bytes")
    return pil().open(io.BytesIO(path.read_bytes()))


def as_shown(image: Any, channels: int) -> Any:
    """A PIL image as a viewer shows it, grey or RGB.  Raises ValueError for 32 bits a pixel."""
    picture = pil("ImageOps").exif_transpose(image)
    if picture.mode.startswith("I;16") or (picture.mode == "I" and image.format == "PNG"):
        pixels = np.asarray(picture, np.float64)
        picture = pil().fromarray(np.round(pixels / 257).astype(np.uint8))
    elif picture.mode in ("I", "F"):
        raise ValueError(
            "its pixels are numbers of 32 bits, of which nobody knows which is white; save it with "
            "8 or 16 bits"
        )
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        page = pil().new("RGBA", clear.size, "white")
        picture = pil().alpha_composite(page, clear)
    return picture.convert("L" if channels == 1 else "RGB")


def _fitted(picture: Any, size: int) -> Any:
    width, height = picture.size
    if (width, height) == (size, size):
        return picture
    short = min(width, height)
    left, top = (width - short) // 2, (height - short) // 2
    box = (left, top, left + short, top + short)
    return picture.resize((size, size), pil().Resampling.BILINEAR, box=box)


class Preparation:
    """From pixels to a model's input, as the description says.

    `{"size": 8, "channels": 1, "mean": [...], "std": [...], "white": 16}`: the pixel value that
    stands for all the light is `white` in the data, and 255 in files.
    """

    def __init__(self, description: Mapping[str, Any]) -> None:
        self.size, self.channels = int(description["size"]), int(description["channels"])
        self.white = int(description.get("white", 255))
        mean, std = description["mean"], description["std"]
        if self.channels not in (1, 3) or not 1 <= self.size <= 1 << 14:
            raise ValueError(f"no images have {self.channels} channels and size {self.size}")
        self.scale = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(tuple(mean), tuple(std))]
        )

    def __call__(self, image: Any) -> Tensor:
        """The input (C, H, W) of an image: a path, a PIL image, or pixels uint8 as in a file."""
        if isinstance(image, str | Path):
            return self._scaled(read_pixels(image, self.channels, self.size))
        if isinstance(image, np.ndarray | Tensor):
            array = _pixels(np.asarray(image))
            if array.shape == (self.size, self.size, 3)[: self.channels // 2 + 2]:
                return self._scaled(array)
            image = pil().fromarray(array)
        return self._scaled(np.asarray(_fitted(as_shown(image, self.channels), self.size)))

    def _scaled(self, pixels: Array) -> Tensor:
        if self.white != 255:
            pixels = np.round(pixels * (self.white / 255)).astype(np.uint8)
        result: Tensor = self.scale(pixels)
        return result


def _pixels(array: Array) -> Array:
    """Pixels (H, W), (H, W, 3) or, with opacity, (H, W, 4).  Raises TypeError for other arrays."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype != np.uint8 or not (
        array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    ):
        raise TypeError(
            f"expected an image file, a PIL image, or pixels (H, W) or (H, W, 3) of uint8, got "
            f"{array.dtype} of shape {array.shape}"
        )
    return array


def augmented(names: str | None, size: int) -> list[Any]:
    """The transforms of these augmentations, for pixels."""
    made: dict[str, Callable[[], Any]] = {
        "crop": lambda: transforms.RandomCrop(size, padding=max(size // 8, 1)),
        "flip": transforms.RandomHorizontalFlip,
        "rotate": lambda: transforms.RandomRotation(15),
        "colour": lambda: transforms.ColorJitter(0.3, 0.3, 0.3),
    }
    chosen = (names or "").split(",")
    return [make() for name, make in made.items() if name in chosen]


def erased(names: str | None) -> list[Any]:
    """The transforms of these augmentations, for tensors."""
    return [transforms.RandomErasing()] if "erase" in (names or "").split(",") else []
