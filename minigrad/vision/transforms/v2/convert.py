"""From PIL images and arrays to Tensors, and from one dtype to another."""

from typing import Any

from minigrad.core.dtypes import dtype as DType
from minigrad.tensor import Tensor
from minigrad.vision.transforms.base import ImageTransform
from minigrad.vision.transforms.v2 import functional as F


class ToImage(ImageTransform):
    """From a PIL image or pixels (H, W[, C]) to a Tensor (C, H, W) with the same values."""

    def alter(self, img: Any, drawn: None) -> Tensor:
        return F.to_image(img)


class ToDtype(ImageTransform):
    """From one dtype to another; with `scale` black and white stay black and white.

    White is the largest value of an integer dtype, and 1 of a floating-point one.
    """

    def __init__(self, dtype: DType, scale: bool = False) -> None:
        super().__init__()
        if not isinstance(dtype, DType):
            raise ValueError(
                f"dtype must be a dtype, got {type(dtype)} instead; a sample's images alone are "
                "converted"
            )
        self.dtype = dtype
        self.scale = scale

    def alter(self, img: Tensor, drawn: None) -> Tensor:
        return F.to_dtype(img, self.dtype, self.scale)

    def extra_repr(self) -> str:
        return f"scale={self.scale}"


class ToPureTensor(ImageTransform):
    """Changes nothing: images are Tensors here, without a class of their own."""

    def forward(self, *inputs: Any) -> Any:
        return inputs if len(inputs) > 1 else inputs[0]
