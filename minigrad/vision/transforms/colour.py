"""Transforms of colour: grey images."""

from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.ops.generator import stream
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms import functional as F

_PIL_GREY = np.array([19595, 38470, 7471])  # 0.299, 0.587, 0.114 of red, green, blue, times 2**16


class Grayscale:
    """The brightness of a colour image, as 1 channel or as 3 equal ones.

    An array (H, W, 3) becomes (H, W), or stays (H, W, 3); a grey one is kept, or repeated.
    Raises ValueError for another number of channels.
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        if num_output_channels not in (1, 3):
            raise ValueError(
                f"num_output_channels should be either 1 or 3, got {num_output_channels}"
            )
        self.num_output_channels = num_output_channels

    def __call__(self, image: Any) -> Any:
        F.spatial_size(image)
        if F.is_pil(image):
            grey = image.convert("L")
            return grey if self.num_output_channels == 1 else grey.convert("RGB")
        if isinstance(image, Tensor):
            planes = np.moveaxis(image.detach().numpy(), -3, -1)
            grey_planes = _brightness(planes)[..., None, :, :]
            return from_numpy(np.repeat(grey_planes, self.num_output_channels, axis=-3))
        pixels = _brightness(image) if image.ndim == 3 else image
        return pixels if self.num_output_channels == 1 else np.stack([pixels] * 3, axis=-1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class RandomGrayscale:
    """`Grayscale` with probability `p`, with as many channels as the image had."""

    def __init__(self, p: float = 0.1) -> None:
        if not 0 <= p <= 1:
            raise ValueError(f"RandomGrayscale expects p in [0, 1], got {p}")
        self.p = p

    def __call__(self, image: Any) -> Any:
        if stream(None).random() >= self.p:
            return image
        channels = F.to_tensor(image).shape[0] if not isinstance(image, Tensor) else image.shape[-3]
        return Grayscale(3 if channels == 3 else 1)(image)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


def _brightness(pixels: Array) -> Array:
    """(..., 1 or 3) -> (...): for uint8 in PIL's arithmetic, rounded once."""
    if pixels.shape[-1] == 1:
        return pixels[..., 0]
    if pixels.shape[-1] != 3:
        raise ValueError(f"Grayscale expects 1 or 3 channels, got {pixels.shape[-1]}")
    if pixels.dtype == np.uint8:
        total: Array = (pixels.astype(np.int64) @ _PIL_GREY + 0x8000) >> 16
        return total.astype(np.uint8)
    weighed: Array = pixels @ (_PIL_GREY / 2**16)
    return weighed.astype(pixels.dtype)
