"""Layers of pooling and unpooling."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from minigrad.nn import functional as F
from minigrad.nn.functional.arguments import IntOrSequence, single_int, sizes
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class _MaxPool(Module):
    function: ClassVar[Callable[..., Tensor | tuple[Tensor, Tensor]]]

    def __init__(
        self,
        kernel_size: IntOrSequence,
        stride: IntOrSequence | None = None,
        padding: IntOrSequence = 0,
        dilation: IntOrSequence = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of each window: (N, C, L) -> (N, C, L').

    stride is kernel_size by default.  With return_indices=True also the elements' indices in L.
    """

    function = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest element of each window: (N, C, H, W) -> (N, C, H', W').

    stride is kernel_size by default.  With return_indices=True also the elements' indices in the
    flattened H * W.
    """

    function = F.max_pool2d


class MaxPool3d(_MaxPool):
    """The largest element of each window: (N, C, D, H, W) -> (N, C, D', H', W').

    stride is kernel_size by default.  With return_indices=True also the elements' indices in the
    flattened D * H * W.
    """

    function = F.max_pool3d


class AvgPool1d(Module):
    """The mean of each window: (N, C, L) -> (N, C, L'); stride is kernel_size by default.

    count_include_pad: padding counts in the mean.
    """

    def __init__(
        self,
        kernel_size: IntOrSequence,
        stride: IntOrSequence | None = None,
        padding: IntOrSequence = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = (single_int(kernel_size, "kernel_size"),)
        self.stride = self.kernel_size if stride is None else (single_int(stride, "stride"),)
        self.padding = (single_int(padding, "padding", least=0),)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        kernel_size: IntOrSequence,
        stride: IntOrSequence | None = None,
        padding: IntOrSequence = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window: (N, C, H, W) -> (N, C, H', W'); stride is kernel_size by default.

    count_include_pad: padding counts in the mean.  divisor_override: the divisor of each sum, in
    place of the number of elements.
    """

    function = F.avg_pool2d


class AvgPool3d(_AvgPool):
    """The mean of each window: (N, C, D, H, W) -> (N, C, D', H', W'); see AvgPool2d."""

    function = F.avg_pool3d


class _LPPool(Module):
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        norm_type: float,
        kernel_size: IntOrSequence,
        stride: IntOrSequence | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """sum(input^p)^(1/p) over each window, p = norm_type: (N, C, L) -> (N, C, L')."""

    function = F.lp_pool1d


class LPPool2d(_LPPool):
    """sum(input^p)^(1/p) over each window, p = norm_type: (N, C, H, W) -> (N, C, H', W')."""

    function = F.lp_pool2d


class LPPool3d(_LPPool):
    """sum(input^p)^(1/p) over each window, p = norm_type: (N, C, D, H, W) -> ... D', H', W'."""

    function = F.lp_pool3d


class _MaxUnpool(Module):
    function: ClassVar[Callable[..., Tensor]]
    dimensions: ClassVar[int]

    def __init__(
        self,
        kernel_size: IntOrSequence,
        stride: IntOrSequence | None = None,
        padding: IntOrSequence = 0,
    ) -> None:
        super().__init__()
        count = self.dimensions
        self.kernel_size = sizes(kernel_size, "kernel_size", count)
        self.stride = self.kernel_size if stride is None else sizes(stride, "stride", count)
        self.padding = sizes(padding, "padding", count, least=0)

    def forward(
        self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None
    ) -> Tensor:
        return type(self).function(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """The partial inverse of MaxPool1d: zeros, with each element at its index."""

    function, dimensions = F.max_unpool1d, 1


class MaxUnpool2d(_MaxUnpool):
    """The partial inverse of MaxPool2d: zeros, with each element at its index."""

    function, dimensions = F.max_unpool2d, 2


class MaxUnpool3d(_MaxUnpool):
    """The partial inverse of MaxPool3d: zeros, with each element at its index."""

    function, dimensions = F.max_unpool3d, 3
