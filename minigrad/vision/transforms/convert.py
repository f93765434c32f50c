"""From pixels to the input of a network."""

from collections.abc import Sequence

import numpy as np

from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms import functional as F


class ToTensor:
    """From pixels (H, W), (H, W, C) or a PIL image to a Tensor (C, H, W).

    uint8 becomes float32 in [0, 1], by division by 255; arrays of other types keep their values.
    Raises TypeError for what is not an image, ValueError for an array that has not 2 or 3
    dimensions.
    """

    def __call__(self, image: object) -> Tensor:
        return F.to_tensor(image)

    def batch(self, images: Array) -> Tensor:
        """The same for a stack (N, H, W) or (N, H, W, C) of arrays."""
        if not isinstance(images, np.ndarray):
            raise TypeError(f"pics should be a stack of ndarrays. Got {type(images)}")
        return from_numpy(F.channels_first(images, stacked=True))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Normalize:
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
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, tensor: Tensor) -> Tensor:
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def batch(self, tensors: Tensor) -> Tensor:
        """The same for a stack (N, C, H, W)."""
        return F.normalize(tensors, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"
