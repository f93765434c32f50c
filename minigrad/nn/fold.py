"""Layers of windows of images: Unfold and Fold."""

from minigrad.nn import functional as F
from minigrad.nn.functional.arguments import IntOrSequence
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class Unfold(Module):
    """Each window of the images as a column: (N, C, H, W) -> (N, C * K * L, windows)."""

    def __init__(
        self,
        kernel_size: IntOrSequence,
        dilation: IntOrSequence = 1,
        padding: IntOrSequence = 0,
        stride: IntOrSequence = 1,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )


class Fold(Module):
    """The adjoint of Unfold, summing columns: (N, C * K * L, windows) -> (N, C, *output_size)."""

    def __init__(
        self,
        output_size: IntOrSequence,
        kernel_size: IntOrSequence,
        dilation: IntOrSequence = 1,
        padding: IntOrSequence = 0,
        stride: IntOrSequence = 1,
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(
            input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
            f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}"
        )
