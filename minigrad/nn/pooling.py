"""Layers of pooling, and of its way back."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from minigrad.nn import functional as F
from minigrad.nn.functional.arguments import IntOrSequence, pair, single_int
from minigrad.nn.module import Module


class _MaxPool(Module):
    pooled: ClassVar[Callable[..., Any]]

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

    def forward(self, input: Any) -> Any:
        return type(self).pooled(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode,
            self.return_indices,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of each window: (N, C, L) -> (N, C, L'); stride is kernel_size by
    default.

    With return_indices also its place in L.
    """

    pooled = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest element of each window: (N, C, H, W) -> (N, C, H', W'); stride is kernel_size
    by default.

    With return_indices also its place in the flattened H * W.
    """

    pooled = F.max_pool2d


class AvgPool1d(Module):
    """The mean of each window: (N, C, L) -> (N, C, L'); stride is kernel_size by default.

    count_include_pad says whether padding counts in the mean.
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

    def forward(self, input: Any) -> Any:
        return F.avg_pool1d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(Module):
    """The mean of each window: (N, C, H, W) -> (N, C, H', W'); stride is kernel_size by default.

    count_include_pad says whether padding counts in the mean; divisor_override is divided by
    instead.
    """

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

    def forward(self, input: Any) -> Any:
        return F.avg_pool2d(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode,
            self.count_include_pad, self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _LPPool(Module):
    pooled: ClassVar[Callable[..., Any]]

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

    def forward(self, input: Any) -> Any:
        return type(self).pooled(
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """The norm_type-norm of each window: (N, C, L) -> (N, C, L')."""

    pooled = F.lp_pool1d


class LPPool2d(_LPPool):
    """The norm_type-norm of each window: (N, C, H, W) -> (N, C, H', W')."""

    pooled = F.lp_pool2d


class _AdaptiveAvgPool(Module):
    pooled: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: int | Sequence[int | None]) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        return type(self).pooled(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of output_size windows that share the signal evenly: (N, C, L) -> (N, C, size)."""

    pooled = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of output_size windows that share the image evenly: (N, C, H, W) -> (N, C, *size).

    output_size is an int or a pair, in which None keeps the input's size.
    """

    pooled = F.adaptive_avg_pool2d


class _AdaptiveMaxPool(Module):
    pooled: ClassVar[Callable[..., Any]]

    def __init__(
        self, output_size: int | Sequence[int | None], return_indices: bool = False
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Any) -> Any:
        return type(self).pooled(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest elements of output_size windows that share the signal evenly."""

    pooled = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest elements of output_size windows that share the image evenly.

    output_size is an int or a pair, in which None keeps the input's size.
    """

    pooled = F.adaptive_max_pool2d


class _MaxUnpool(Module):
    unpooled: ClassVar[Callable[..., Any]]
    sizes: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: IntOrSequence,
        stride: IntOrSequence | None = None,
        padding: IntOrSequence = 0,
    ) -> None:
        super().__init__()
        sizes = type(self).sizes
        self.kernel_size = sizes(kernel_size, "kernel_size")
        self.stride = self.kernel_size if stride is None else sizes(stride, "stride")
        self.padding = sizes(padding, "padding", least=0)

    def forward(self, input: Any, indices: Any, output_size: Sequence[int] | None = None) -> Any:
        return type(self).unpooled(
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


def _one(value: IntOrSequence, name: str, least: int = 1) -> tuple[int]:
    return (single_int(value, name, least),)


class MaxUnpool1d(_MaxUnpool):
    """Zeros, with each element of the input at the place that MaxPool1d found it."""

    unpooled, sizes = F.max_unpool1d, _one


class MaxUnpool2d(_MaxUnpool):
    """Zeros, with each element of the input at the place that MaxPool2d found it."""

    unpooled, sizes = F.max_unpool2d, pair
