"""The preparation of images that trained weights expect; torchvision has it in `_presets`."""

from collections.abc import Sequence
from typing import Any

from minigrad import nn
from minigrad.tensor import Tensor
from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.functional import InterpolationMode

__all__ = ["ImageClassification"]


class ImageClassification(nn.Module):
    """Resizes an image, crops its centre, and normalises it in float32.

    The image is of any kind that the transforms take, or a Tensor of a batch (N, C, H, W).
    """

    def __init__(
        self,
        *,
        crop_size: int,
        resize_size: int = 256,
        mean: Sequence[float] = (0.485, 0.456, 0.406),
        std: Sequence[float] = (0.229, 0.224, 0.225),
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.crop_size = [crop_size]
        self.resize_size = [resize_size]
        self.mean = list(mean)
        self.std = list(std)
        self.interpolation = interpolation
        self.antialias = antialias

    def forward(self, img: Any) -> Tensor:
        img = F.resize(img, self.resize_size, self.interpolation, antialias=self.antialias)
        img = F.center_crop(img, self.crop_size)
        if not isinstance(img, Tensor):
            img = F.pil_to_tensor(img)
        return F.normalize(F.convert_image_dtype(img), self.mean, self.std)

    def extra_repr(self) -> str:
        names = ("crop_size", "resize_size", "mean", "std", "interpolation")
        return "\n".join(f"{name}={getattr(self, name)}" for name in names)

    def describe(self) -> str:
        """The preparation in a sentence."""
        return (
            f"Images are resized to resize_size={self.resize_size} using "
            f"interpolation={self.interpolation}, cropped to crop_size={self.crop_size}, rescaled "
            f"to [0.0, 1.0] and normalized using mean={self.mean} and std={self.std}."
        )
