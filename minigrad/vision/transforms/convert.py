"""From pixels to the input of a network, and back to pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.dtypes import dtype as DType
from minigrad.core.dtypes import float32
from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.base import ImageTransform


class ToTensor(ImageTransform):
    """From pixels (H, W), (H, W, C) or a PIL image to a Tensor (C, H, W).

    uint8 becomes the default dtype in [0, 1], by division by 255; arrays of other types keep their
    values.  Raises TypeError for what is not an image, ValueError for an array that has not 2 or 3
    dimensions.
    """

    def alter(self, img: object, drawn: None) -> Tensor:
        return F.to_tensor(img)

    def batch(self, images: Array) -> Tensor:
        """The same for a stack (N, H, W) or (N, H, W, C) of arrays."""
        if not isinstance(images, np.ndarray):
            raise TypeError(f"pics should be a stack of ndarrays. Got {type(images)}")
        return from_numpy(F.channels_first(images, stacked=True))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor(ImageTransform):
    """From a PIL image or pixels (H, W[, C]) to a Tensor (C, H, W) with the same values."""

    def alter(self, img: object, drawn: None) -> Tensor:
        return F.pil_to_tensor(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ToPILImage(ImageTransform):
    """From a Tensor ([C,] H, W) or pixels (H, W[, C]) to a PIL image.

    Floating-point values are taken for 0 to 1.  `mode` is PIL's name of the colours; by default
    "RGB" for three channels, "RGBA" for four, "LA" for two, and for one that of the dtype.  Raises
    ValueError for another mode or shape, TypeError for other kinds and dtypes, ImportError without
    PIL.
    """

    def __init__(self, mode: str | None = None) -> None:
        super().__init__()
        self.mode = mode

    def alter(self, img: object, drawn: None) -> Any:
        return F.to_pil_image(img, self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class ConvertImageDtype(ImageTransform):
    """From one dtype to another, black and white staying black and white.

    White is the largest value of an integer dtype, and 1 of a floating-point one.
    """

    def __init__(self, dtype: DType) -> None:
        super().__init__()
        self.dtype = dtype

    def alter(self, img: Tensor, drawn: None) -> Tensor:
        return F.convert_image_dtype(img, self.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Normalize(ImageTransform):
    """Subtracts the channels' `mean` and divides by their `std`: (..., C, H, W) in and out.

    Raises TypeError for anything but a floating-point Tensor, ValueError for one without channels
    or for a zero `std`, RuntimeError if the number of channels does not fit.

    >>> import minigrad as mg
    >>> from minigrad.vision.transforms import Normalize
    >>> Normalize((0.5,), (0.5,))(mg.ones(1, 2, 2))
    tensor([[[1., 1.],
             [1., 1.]]])
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def alter(self, img: Tensor, drawn: None) -> Tensor:
        return F.normalize(img, self.mean, self.std, self.inplace)

    def batch(self, tensors: Tensor) -> Tensor:
        """The same for a stack (N, C, H, W)."""
        return F.normalize(tensors, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class LinearTransformation(ImageTransform):
    """(image - mean_vector) @ transformation_matrix of the flattened Tensor (..., C, H, W).

    For whitening: the matrix is (D, D) and the vector (D,), with D = C H W.  Raises ValueError for
    other shapes or for two dtypes.
    """

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor) -> None:
        super().__init__()
        matrix, vector = tuple(transformation_matrix.shape), tuple(mean_vector.shape)
        if len(matrix) != 2 or matrix[0] != matrix[1]:
            raise ValueError(
                f"transformation_matrix should be square. Got {matrix} rectangular matrix."
            )
        if vector != matrix[:1]:
            raise ValueError(
                f"mean_vector should have the same length {vector} as any one of the dimensions "
                f"of the transformation_matrix [{matrix}]"
            )
        if transformation_matrix.dtype != mean_vector.dtype:
            raise ValueError(
                "Input tensors should have the same dtype. "
                f"Got {transformation_matrix.dtype} and {mean_vector.dtype}"
            )
        self.transformation_matrix = transformation_matrix
        self.mean_vector = mean_vector

    def alter(self, img: Tensor, drawn: None) -> Tensor:
        sizes = img.shape[-3:]
        if sizes.numel() != len(self.mean_vector):
            raise ValueError(
                "Input tensor and transformation matrix have incompatible shape."
                f"[{' x '.join(map(str, sizes))}] != {len(self.mean_vector)}"
            )
        values = img if img.is_floating_point() else img.to(float32)
        centred = values.reshape(-1, len(self.mean_vector)) - self.mean_vector
        whitened: Tensor = centred @ self.transformation_matrix.to(centred.dtype)
        return whitened.reshape(img.shape)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(transformation_matrix={self.transformation_matrix.tolist()}, "
            f"mean_vector={self.mean_vector.tolist()})"
        )
