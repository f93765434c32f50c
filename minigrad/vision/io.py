"""Image files as Tensors and back, under the names of torchvision.io; by PIL."""

import io
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.core.dtypes import uint8
from minigrad.core.public_names import show_public_names
from minigrad.core.types import DeviceLike
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms.functional import pil_to_tensor, to_pil_image
from minigrad.vision.transforms.functional.kinds import pil

__all__ = [
    "ImageReadMode", "decode_image", "decode_jpeg", "decode_png", "encode_jpeg", "encode_png",
    "read_file", "read_image", "write_file", "write_jpeg", "write_png",
]  # fmt: skip


class ImageReadMode(Enum):
    """The channels that an image is read with; UNCHANGED are those of the file."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4
    RGBA = RGB_ALPHA


_PIL_MODES = {
    ImageReadMode.GRAY: "L",
    ImageReadMode.GRAY_ALPHA: "LA",
    ImageReadMode.RGB: "RGB",
    ImageReadMode.RGB_ALPHA: "RGBA",
}


def read_file(path: str | Path) -> Tensor:
    """The bytes of a file, uint8 (N,)."""
    return from_numpy(np.frombuffer(Path(path).read_bytes(), np.uint8).copy())


def write_file(filename: str | Path, data: Tensor) -> None:
    """Write the bytes of a uint8 Tensor (N,) to a file."""
    Path(filename).write_bytes(_bytes_of(data))


def decode_image(
    input: Tensor | str | Path,
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:
    """An image file, by its path or as its bytes (N,), as a Tensor (C, H, W), uint8.

    mode: the channels that are wanted, or their name.  With `apply_exif_orientation` the image is
    turned as the camera says.  Raises ImportError without PIL, RuntimeError for other files.
    """
    wanted = _mode_named(mode) if isinstance(mode, str) else mode
    source = io.BytesIO(_bytes_of(input)) if isinstance(input, Tensor) else input
    try:
        with pil().open(source) as picture:
            turned = pil("ImageOps").exif_transpose(picture) if apply_exif_orientation else picture
            return pil_to_tensor(_converted(turned, wanted))
    except pil().UnidentifiedImageError as error:
        raise RuntimeError(
            f"Unsupported image file: {error}. Only formats that PIL reads are supported."
        ) from error


def _converted(picture: Any, mode: ImageReadMode) -> Any:
    """A PIL image with the wanted channels; palettes and black and white become grey or colours."""
    if mode is not ImageReadMode.UNCHANGED:
        return picture.convert(_PIL_MODES[mode])
    if picture.mode == "P":
        return picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    return picture.convert("L") if picture.mode == "1" else picture


def _mode_named(name: str) -> ImageReadMode:
    if name.upper() not in ImageReadMode.__members__:
        raise ValueError(f"mode should be one of {list(ImageReadMode.__members__)}, got {name!r}")
    return ImageReadMode[name.upper()]


def read_image(
    path: str | Path,
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:
    """An image file as a Tensor (C, H, W), uint8; see `decode_image`."""
    return decode_image(path, mode, apply_exif_orientation)


def decode_png(
    input: Tensor,
    mode: ImageReadMode = ImageReadMode.UNCHANGED,
    apply_exif_orientation: bool = False,
) -> Tensor:
    """The bytes of a PNG file as a Tensor (C, H, W), uint8; see `decode_image`."""
    return decode_image(input, mode, apply_exif_orientation)


def decode_jpeg(
    input: Tensor | list[Tensor],
    mode: ImageReadMode = ImageReadMode.UNCHANGED,
    device: DeviceLike = "cpu",
    apply_exif_orientation: bool = False,
) -> Tensor | list[Tensor]:
    """The bytes of a JPEG file, or of several, as Tensors (C, H, W), uint8; see `decode_image`."""
    if str(device) != "cpu":
        raise RuntimeError(f"minigrad computes on the CPU only, got device={device!r}")
    if isinstance(input, list):
        return [decode_image(one, mode, apply_exif_orientation) for one in input]
    return decode_image(input, mode, apply_exif_orientation)


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """A uint8 Tensor (1 or 3, H, W) as the bytes of a PNG file, (N,)."""
    return _encoded(input, "PNG", compress_level=compression_level)


def encode_jpeg(input: Tensor, quality: int = 75) -> Tensor:
    """A uint8 Tensor (1 or 3, H, W) as the bytes of a JPEG file, (N,); quality is 1 to 100."""
    if not 1 <= quality <= 100:
        raise ValueError(
            f"Image quality should be a positive number between 1 and 100, got {quality}"
        )
    return _encoded(input, "JPEG", quality=quality)


def write_png(input: Tensor, filename: str | Path, compression_level: int = 6) -> None:
    """Write a uint8 Tensor (1 or 3, H, W) to a PNG file."""
    write_file(filename, encode_png(input, compression_level))


def write_jpeg(input: Tensor, filename: str | Path, quality: int = 75) -> None:
    """Write a uint8 Tensor (1 or 3, H, W) to a JPEG file; quality is 1 to 100."""
    write_file(filename, encode_jpeg(input, quality))


def _encoded(image: Tensor, format: str, **options: int) -> Tensor:
    if image.dtype != uint8:
        raise RuntimeError(f"Input tensor dtype should be uint8, got {image.dtype}")
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise RuntimeError(
            "The number of channels should be 1 or 3 in a tensor (C, H, W), got shape "
            f"{tuple(image.shape)}"
        )
    memory = io.BytesIO()
    to_pil_image(image).save(memory, format=format, **options)
    return from_numpy(np.frombuffer(memory.getvalue(), np.uint8).copy())


def _bytes_of(data: Tensor) -> bytes:
    if data.dtype != uint8 or data.ndim != 1:
        raise RuntimeError(
            f"expected a uint8 tensor (N,) of a file's bytes, got {data.dtype} of shape "
            f"{tuple(data.shape)}"
        )
    return bytes(data.numpy().tobytes())


show_public_names(__name__)
