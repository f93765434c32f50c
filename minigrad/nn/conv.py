"""Layers of convolution and of its transpose, in one, two and three dimensions."""

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

from minigrad.core.device import require_cpu
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.functional.arguments import IntOrSequence, single_int, sizes
from minigrad.nn.functional.conv import padding_sides
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor, creation

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """A layer with a kernel's geometry, in tuples, a weight and a bias.

    Its arguments are those of torch's class, so that convolutions of users can be made of it.
    """

    dimensions: ClassVar[int]
    bias: Parameter  # or None; declared as in torch, so that `init.zeros_(layer.bias)` has its type

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...] | str,
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        require_cpu(device)
        _require_channels(in_channels, out_channels, groups)
        _require_mode(padding_mode, ("zeros",) if transposed else PADDING_MODES)
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        shape = (first, second // groups, *kernel_size)
        self.weight = Parameter(creation.empty(shape, dtype=dtype))
        self.register_parameter(
            "bias", Parameter(creation.empty(out_channels, dtype=dtype)) if bias else None
        )
        if not transposed:
            self._reversed_padding_repeated_twice = self._padding_sides()
        self.reset_parameters()

    def _padding_sides(self) -> list[int]:
        """(before, after) of the last dimension, the second-to-last one, ..., as for F.pad.

        Raises ValueError for unknown padding strings, and for "same" with a stride.
        """
        try:
            found = padding_sides(self.padding, self.kernel_size, self.stride, self.dilation)
        except RuntimeError as error:
            raise ValueError(str(error)) from None
        return [size for pads in found[::-1] for size in pads]

    def _sizes(self, value: IntOrSequence, name: str, least: int = 1) -> tuple[int, ...]:
        if self.dimensions == 1:
            return (single_int(value, name, least),)
        return sizes(value, name, self.dimensions, least)

    def reset_parameters(self) -> None:
        """Draw weight and bias again."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in = math.prod(self.weight.shape[1:])
            bound = 1 / math.sqrt(fan_in) if fan_in else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        parts = [
            f"{self.in_channels}, {self.out_channels}",
            f"kernel_size={self.kernel_size}",
            f"stride={self.stride}",
        ]
        zeros, ones = (0,) * len(self.kernel_size), (1,) * len(self.kernel_size)
        optional = {
            f"padding={self.padding}": self.padding != zeros,
            f"dilation={self.dilation}": self.dilation != ones,
            f"output_padding={self.output_padding}": self.output_padding != zeros,
            f"groups={self.groups}": self.groups != 1,
            "bias=False": self.bias is None,
            f"padding_mode={self.padding_mode}": self.padding_mode != "zeros",
        }
        return ", ".join(parts + [text for text, shown in optional.items() if shown])


class _Conv(_ConvNd):
    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrSequence,
        stride: IntOrSequence = 1,
        padding: IntOrSequence | str = 0,
        dilation: IntOrSequence = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, self._sizes(kernel_size, "kernel_size"),
            self._sizes(stride, "stride"),
            padding if isinstance(padding, str) else self._sizes(padding, "padding", least=0),
            self._sizes(dilation, "dilation"), False, (0,) * self.dimensions, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution with another weight and bias; torch's name, which subclasses call."""
        input, padding = self._padded(input)
        return type(self).function(
            input, weight, bias, self.stride, padding, self.dilation, self.groups
        )

    def _padded(self, input: Tensor) -> tuple[Tensor, IntOrSequence | str]:
        """The input, padded by padding_mode, and the padding with zeros that is left to do."""
        if self.padding_mode == "zeros":
            return input, self.padding
        return F.pad(input, self._reversed_padding_repeated_twice, self.padding_mode), 0


class Conv1d(_Conv):
    """Convolution of signals: (N, C, L) or (C, L) -> (N, F, L') or (F, L').

    C is in_channels, F out_channels; see `functional.conv1d` for the sizes.  weight
    (F, C/groups, K) and bias (F,) start uniform in +-1 / sqrt(C/groups K).  padding may be
    "same" or "valid"; padding_mode "zeros", "reflect", "replicate" or "circular".
    """

    dimensions = 1
    function = F.conv1d


class Conv2d(_Conv):
    """Convolution of images: (N, C, H, W) or (C, H, W) -> (N, F, H', W') or (F, H', W').

    C is in_channels, F out_channels; see `functional.conv2d` for the sizes.  weight
    (F, C/groups, K, L) and bias (F,) start uniform in +-1 / sqrt(C/groups K L).  padding may be
    "same" or "valid"; padding_mode "zeros", "reflect", "replicate" or "circular".

    >>> import minigrad as mg
    >>> mg.nn.Conv2d(3, 8, kernel_size=3, padding=1, stride=2)(mg.zeros(1, 3, 32, 32)).shape
    minigrad.Size([1, 8, 16, 16])
    """

    dimensions = 2
    function = F.conv2d


class Conv3d(_Conv):
    """Convolution of volumes: (N, C, D, H, W) or (C, D, H, W) -> (N, F, D', H', W') or the same.

    C is in_channels, F out_channels; see `functional.conv3d` for the sizes.  weight
    (F, C/groups, J, K, L) and bias (F,) start uniform in +-1 / sqrt(C/groups J K L).  padding may
    be "same" or "valid"; padding_mode "zeros", "reflect", "replicate" or "circular".

    >>> import minigrad as mg
    >>> mg.nn.Conv3d(1, 8, kernel_size=3, padding=1, stride=2)(mg.zeros(1, 1, 8, 16, 16)).shape
    minigrad.Size([1, 8, 4, 8, 8])
    """

    dimensions = 3
    function = F.conv3d


class _ConvTransposeNd(_ConvNd):
    padding: tuple[int, ...]  # never a string

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: IntOrSequence,
        stride: IntOrSequence = 1,
        padding: IntOrSequence = 0,
        output_padding: IntOrSequence = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: IntOrSequence = 1,
        padding_mode: str = "zeros",
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, self._sizes(kernel_size, "kernel_size"),
            self._sizes(stride, "stride"), self._sizes(padding, "padding", least=0),
            self._sizes(dilation, "dilation"), True,
            self._sizes(output_padding, "output_padding", least=0), groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """The output padding that gives `output_size`.  Raises ValueError if there is none."""
        if output_size is None:
            return self.output_padding
        requested = tuple(output_size)[-self.dimensions :]
        given = input.shape[-self.dimensions :]
        smallest = [
            (given[i] - 1) * self.stride[i] - 2 * self.padding[i]
            + self.dilation[i] * (self.kernel_size[i] - 1) + 1
            for i in range(self.dimensions)
        ]  # fmt: skip
        added = tuple(requested[i] - smallest[i] for i in range(len(requested)))
        if len(requested) != self.dimensions or not all(
            0 <= extra < step for extra, step in zip(added, self.stride, strict=True)
        ):
            largest = [size + step - 1 for size, step in zip(smallest, self.stride, strict=True)]
            raise ValueError(
                f"requested an output size of {list(requested)}, but valid sizes range from "
                f"{smallest} to {largest} (for an input of {list(given)})"
            )
        return added


class ConvTranspose1d(_ConvTransposeNd):
    """The transpose of Conv1d: (N, C, L) or (C, L) -> (N, F, L') or (F, L').

    See `functional.conv_transpose1d` for the sizes; output_size, in the call, chooses one of the
    sizes that a convolution with this stride maps to the input's size.  weight is (C, F/groups, K),
    bias (F,).
    """

    dimensions = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return F.conv_transpose1d(
            input, self.weight, self.bias, self.stride, self.padding,
            self._output_padding(input, output_size), self.groups, self.dilation,
        )  # fmt: skip


class ConvTranspose2d(_ConvTransposeNd):
    """The transpose of Conv2d: (N, C, H, W) or (C, H, W) -> (N, F, H', W') or (F, H', W').

    See `functional.conv_transpose2d` for the sizes; output_size, in the call, chooses one of the
    sizes that a convolution with this stride maps to the input's size.  weight is (C, F/groups, K,
    L), bias (F,).
    """

    dimensions = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return F.conv_transpose2d(
            input, self.weight, self.bias, self.stride, self.padding,
            self._output_padding(input, output_size), self.groups, self.dilation,
        )  # fmt: skip


class ConvTranspose3d(_ConvTransposeNd):
    """The transpose of Conv3d: (N, C, D, H, W) or (C, D, H, W) -> (N, F, D', H', W') or the same.

    See `functional.conv_transpose3d` for the sizes; output_size, in the call, chooses one of the
    sizes that a convolution with this stride maps to the input's size.  weight is (C, F/groups, J,
    K, L), bias (F,).
    """

    dimensions = 3

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return F.conv_transpose3d(
            input, self.weight, self.bias, self.stride, self.padding,
            self._output_padding(input, output_size), self.groups, self.dilation,
        )  # fmt: skip


def _require_mode(padding_mode: str, known: tuple[str, ...]) -> None:
    if padding_mode not in known:
        raise ValueError(
            f"padding_mode must be one of {list(known)}, but got padding_mode={padding_mode!r}"
        )


def _require_channels(in_channels: int, out_channels: int, groups: int) -> None:
    if groups <= 0:
        raise ValueError(f"groups must be a positive integer, got {groups}")
    if in_channels % groups != 0 or in_channels < 1:
        raise ValueError(
            f"in_channels must be divisible by groups, and positive, got {in_channels} and {groups}"
        )
    if out_channels % groups != 0 or out_channels < 1:
        raise ValueError(
            f"out_channels must be divisible by groups, and positive, got {out_channels} and "
            f"{groups}"
        )
