"""Layers of adaptive pooling."""

from collections.abc import Callable
from typing import ClassVar

from minigrad.nn import functional as F
from minigrad.nn.functional.adaptive_pooling import OutputSize
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class _AdaptiveAvgPool(Module):
    function: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: OutputSize) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of output_size windows that divide the signal evenly: (N, C, L) -> (N, C, size)."""

    function = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of output_size windows that divide the image evenly: (N, C, H, W) -> (N, C, *size).

    output_size is an int or a pair, in which None keeps the input's size.
    """

    function = F.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of output_size windows that divide the volume evenly: (N, C, D, H, W).

    output_size is an int or three, in which None keeps the input's size.
    """

    function = F.adaptive_avg_pool3d


class _AdaptiveMaxPool(Module):
    function: ClassVar[Callable[..., Tensor | tuple[Tensor, Tensor]]]

    def __init__(self, output_size: OutputSize, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return type(self).function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of output_size windows that divide the signal evenly."""

    function = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of output_size windows that divide the image evenly.

    output_size is an int or a pair, in which None keeps the input's size.
    """

    function = F.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest elements of output_size windows that divide the volume evenly.

    output_size is an int or three, in which None keeps the input's size.
    """

    function = F.adaptive_max_pool3d
