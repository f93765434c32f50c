"""Blocks of image networks: normalised convolutions, squeeze and excitation, MLP, Permute."""

from collections.abc import Callable, Sequence
from typing import Any

from minigrad import nn
from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import ones, zeros

Layer = Callable[..., nn.Module]
"""A class of modules, or a function that makes one."""


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation whose statistics, scale and shift are buffers that nothing changes.

    State of `BatchNorm2d` loads into it: its `num_batches_tracked` is left out.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", ones(num_features))
        self.register_buffer("bias", zeros(num_features))
        self.register_buffer("running_mean", zeros(num_features))
        self.register_buffer("running_var", ones(num_features))

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor | Array], prefix: str, *others: Any
    ) -> None:
        state_dict.pop(prefix + "num_batches_tracked", None)
        super()._load_from_state_dict(state_dict, prefix, *others)

    def forward(self, x: Tensor) -> Tensor:
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.weight.shape[0]}, eps={self.eps})"


class Conv2dNormActivation(nn.Sequential):
    """A convolution, a normalisation and an activation, in this order.

    `norm_layer` and `activation_layer` are left out where they are None.  Without `padding`, a
    convolution of stride 1 keeps the size; without `bias`, there is one where no norm follows.

    >>> import minigrad as mg
    >>> from minigrad.vision.ops import Conv2dNormActivation
    >>> Conv2dNormActivation(3, 8, stride=2)(mg.zeros(1, 3, 16, 16)).shape
    minigrad.Size([1, 8, 8, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str | None = None,
        groups: int = 1,
        norm_layer: Layer | None = nn.BatchNorm2d,
        activation_layer: Layer | None = nn.ReLU,
        dilation: int | tuple[int, int] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size,
                stride,
                _same_padding(kernel_size, dilation) if padding is None else padding,
                dilation=dilation,
                groups=groups,
                bias=norm_layer is None if bias is None else bias,
            )
        ]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**({} if inplace is None else {"inplace": inplace})))
        super().__init__(*layers)
        self.out_channels = out_channels


def _same_padding(
    kernel_size: int | tuple[int, int], dilation: int | tuple[int, int]
) -> tuple[int, int]:
    """The padding with which a convolution of stride 1 and an odd kernel keeps the size."""
    kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    spread = (dilation, dilation) if isinstance(dilation, int) else dilation
    return (kernel[0] - 1) // 2 * spread[0], (kernel[1] - 1) // 2 * spread[1]


class SqueezeExcitation(nn.Module):
    """The input, each channel scaled by what two 1x1 convolutions make of all channels' means.

    Hu, Shen & Sun 2018, Squeeze-and-Excitation Networks, arXiv:1709.01507.
    """

    def __init__(
        self,
        input_channels: int,
        squeeze_channels: int,
        activation: Layer = nn.ReLU,
        scale_activation: Layer = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def forward(self, input: Tensor) -> Tensor:
        squeezed = self.activation(self.fc1(self.avgpool(input)))
        scale: Tensor = self.scale_activation(self.fc2(squeezed))
        return scale * input


class MLP(nn.Sequential):
    """Linear layers of `hidden_channels`, each but the last with norm, activation and dropout.

    Dropout also follows the last one.  `inplace` goes to the activations and to the dropout.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: Sequence[int],
        norm_layer: Layer | None = None,
        activation_layer: Layer | None = nn.ReLU,
        inplace: bool | None = None,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        if not hidden_channels:
            raise ValueError("MLP expects at least one number in hidden_channels, got none")
        options = {} if inplace is None else {"inplace": inplace}
        layers: list[nn.Module] = []
        for width in hidden_channels[:-1]:
            layers.append(nn.Linear(in_channels, width, bias=bias))
            if norm_layer is not None:
                layers.append(norm_layer(width))
            if activation_layer is not None:
                layers.append(activation_layer(**options))
            layers.append(nn.Dropout(dropout, **options))
            in_channels = width
        layers.append(nn.Linear(in_channels, hidden_channels[-1], bias=bias))
        layers.append(nn.Dropout(dropout, **options))
        super().__init__(*layers)


class Permute(nn.Module):
    """A view with the dimensions in the order `dims`."""

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)
