"""The layer of two-dimensional convolution."""

import math
from typing import Any

from minigrad import creation
from minigrad.device import require_cpu
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.functional.checks import IntOrPair, pair
from minigrad.nn.functional.convolution import sides
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class Conv2d(Module):
    """Convolves images: (N, C, H, W) or (C, H, W) -> (N, F, H', W') or (F, H', W').

    C is in_channels, F out_channels; see `functional.conv2d` for the sizes.  weight
    (F, C/groups, K, L) and bias (F,) start uniform in +-1 / sqrt(C/groups K L).  padding may be
    "same" or "valid"; padding_mode "zeros", "reflect", "replicate" or "circular".

    >>> import minigrad as mg
    >>> mg.nn.Conv2d(3, 8, kernel_size=3, padding=1, stride=2)(mg.zeros(1, 3, 32, 32)).shape
    (1, 8, 16, 16)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrPair,
        stride: IntOrPair = 1,
        padding: IntOrPair | str = 0,
        dilation: IntOrPair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        require_cpu(device)
        super().__init__()
        _check_channels(in_channels, out_channels, groups)
        if padding_mode not in PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {list(PADDING_MODES)}, but got "
                f"padding_mode={padding_mode!r}"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = pair(kernel_size, "kernel_size")
        self.stride = pair(stride, "stride")
        self.padding = padding if isinstance(padding, str) else pair(padding, "padding", least=0)
        self.dilation = pair(dilation, "dilation")
        self.groups = groups
        self.padding_mode = padding_mode
        self._sides = _sides(self)
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(creation.empty(shape, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(creation.empty(out_channels, dtype=dtype)) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = math.prod(self.weight.shape[1:])
            bound = 1 / math.sqrt(fan_in) if fan_in else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Any) -> Any:
        padding: Any = self.padding
        if self.padding_mode != "zeros":
            (top, bottom), (left, right) = self._sides
            input = F.pad(input, (left, right, top, bottom), self.padding_mode)
            padding = 0
        return F.conv2d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        parts = [
            f"{self.in_channels}, {self.out_channels}",
            f"kernel_size={self.kernel_size}",
            f"stride={self.stride}",
        ]
        unusual = {
            f"padding={self.padding}": self.padding != (0, 0),
            f"dilation={self.dilation}": self.dilation != (1, 1),
            f"groups={self.groups}": self.groups != 1,
            "bias=False": self.bias is None,
            f"padding_mode={self.padding_mode}": self.padding_mode != "zeros",
        }
        return ", ".join(parts + [text for text, shown in unusual.items() if shown])


def _check_channels(in_channels: int, out_channels: int, groups: int) -> None:
    if groups <= 0:
        raise ValueError(f"groups must be a positive integer, got {groups}")
    if in_channels % groups != 0 or in_channels < 1:
        raise ValueError(
            f"in_channels must be positive and divisible by groups, got {in_channels} and {groups}"
        )
    if out_channels % groups != 0 or out_channels < 1:
        raise ValueError(
            f"out_channels must be positive and divisible by groups, got {out_channels} and "
            f"{groups}"
        )


def _sides(layer: Conv2d) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding on each side.  Raises ValueError for words that cannot be followed."""
    try:
        return sides(layer.padding, layer.kernel_size, layer.stride, layer.dilation)
    except RuntimeError as error:
        raise ValueError(str(error)) from None
