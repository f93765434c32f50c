"""EfficientNet: Tan & Le 2019, Rethinking Model Scaling for CNNs, arXiv:1905.11946."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from minigrad import nn
from minigrad.tensor import Tensor
from minigrad.vision.models.mobilenetv2 import make_divisible
from minigrad.vision.models.published import published
from minigrad.vision.models.weights import (
    EfficientNet_B0_Weights,
    EfficientNet_B1_Weights,
    EfficientNet_B2_Weights,
    EfficientNet_B3_Weights,
    EfficientNet_B4_Weights,
    EfficientNet_B5_Weights,
    EfficientNet_B6_Weights,
    EfficientNet_B7_Weights,
)
from minigrad.vision.ops.misc import Conv2dNormActivation, Layer, SqueezeExcitation
from minigrad.vision.ops.stochastic_depth import StochasticDepth

# The rows of the paper's table 1: expansion, kernel size, stride, input channels, output channels,
# number of blocks.
_STAGES = (
    (1, 3, 1, 32, 16, 1),
    (6, 3, 2, 16, 24, 2),
    (6, 5, 2, 24, 40, 2),
    (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4),
    (6, 3, 1, 192, 320, 1),
)
_LARGE_NORM = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)


@dataclass
class MBConvConfig:
    """The numbers of one stage; the stage's first block has its input channels and its stride."""

    expand_ratio: float
    kernel: int
    stride: int
    input_channels: int
    out_channels: int
    num_layers: int

    @staticmethod
    def scaled(row: tuple[int, ...], width_mult: float, depth_mult: float) -> "MBConvConfig":
        """A row of the table, its channels times `width_mult` and its blocks times `depth_mult`."""
        expand_ratio, kernel, stride, inputs, outputs, layers = row
        return MBConvConfig(
            expand_ratio,
            kernel,
            stride,
            make_divisible(inputs * width_mult, 8),
            make_divisible(outputs * width_mult, 8),
            math.ceil(layers * depth_mult),
        )


class MBConv(nn.Module):
    """A depthwise convolution with squeeze and excitation between two 1x1 convolutions."""

    def __init__(
        self,
        cnf: MBConvConfig,
        stochastic_depth_prob: float,
        norm_layer: Layer,
        se_layer: Layer = SqueezeExcitation,
    ) -> None:
        super().__init__()
        if cnf.stride not in (1, 2):
            raise ValueError(f"illegal stride value: expected 1 or 2, got {cnf.stride}")
        inputs, width = cnf.input_channels, make_divisible(cnf.input_channels * cnf.expand_ratio, 8)
        unit = partial(Conv2dNormActivation, norm_layer=norm_layer)
        layers: list[nn.Module] = []
        if width != inputs:
            layers.append(unit(inputs, width, 1, activation_layer=nn.SiLU))
        layers += [
            unit(
                width, width, cnf.kernel, stride=cnf.stride, groups=width, activation_layer=nn.SiLU
            ),
            se_layer(width, max(1, inputs // 4), activation=partial(nn.SiLU, inplace=True)),
            unit(width, cnf.out_channels, 1, activation_layer=None),
        ]
        self.use_res_connect = cnf.stride == 1 and inputs == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        out: Tensor = self.block(input)
        return self.stochastic_depth(out) + input if self.use_res_connect else out


class EfficientNet(nn.Module):
    """Scores (N, num_classes) of images (N, 3, H, W); the blocks are made from their configs.

    The probability to leave out a block in training rises from 0 to `stochastic_depth_prob`.
    """

    def __init__(
        self,
        inverted_residual_setting: Sequence[MBConvConfig],
        dropout: float,
        stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000,
        norm_layer: Layer | None = None,
        last_channel: int | None = None,
    ) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(config, MBConvConfig) for config in inverted_residual_setting):
            raise TypeError(
                "The inverted_residual_setting should be List[MBConvConfig], "
                f"got {inverted_residual_setting!r}"
            )
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        unit = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.SiLU)
        last = inverted_residual_setting[-1].out_channels
        width = 4 * last if last_channel is None else last_channel
        self.features = nn.Sequential(
            unit(3, inverted_residual_setting[0].input_channels, 3, stride=2),
            *_stages(inverted_residual_setting, stochastic_depth_prob, norm),
            unit(last, width, 1),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout, inplace=True), nn.Linear(width, num_classes)
        )
        self.apply(_init_weights)

    def forward(self, x: Tensor) -> Tensor:
        x = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return x


def _stages(
    configs: Sequence[MBConvConfig], stochastic_depth_prob: float, norm: Layer
) -> list[nn.Sequential]:
    total = sum(config.num_layers for config in configs)
    stages, done = [], 0
    for config in configs:
        later = replace(config, input_channels=config.out_channels, stride=1)
        stages.append(
            nn.Sequential(
                *(
                    MBConv(later if i else config, stochastic_depth_prob * (done + i) / total, norm)
                    for i in range(config.num_layers)
                )
            )
        )
        done += config.num_layers
    return stages


def _init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
    elif isinstance(module, nn.Linear):
        reach = 1.0 / math.sqrt(module.out_features)
        nn.init.uniform_(module.weight, -reach, reach)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _efficientnet(
    width_mult: float, depth_mult: float, dropout: float, options: dict[str, Any]
) -> EfficientNet:
    configs = [MBConvConfig.scaled(row, width_mult, depth_mult) for row in _STAGES]
    return EfficientNet(configs, **({"dropout": dropout} | options))


@published(EfficientNet_B0_Weights)
def efficientnet_b0(**options: Any) -> EfficientNet:
    """EfficientNet-B0; options as the class has them."""
    return _efficientnet(1.0, 1.0, 0.2, options)


@published(EfficientNet_B1_Weights)
def efficientnet_b1(**options: Any) -> EfficientNet:
    """EfficientNet-B1; options as the class has them."""
    return _efficientnet(1.0, 1.1, 0.2, options)


@published(EfficientNet_B2_Weights)
def efficientnet_b2(**options: Any) -> EfficientNet:
    """EfficientNet-B2; options as the class has them."""
    return _efficientnet(1.1, 1.2, 0.3, options)


@published(EfficientNet_B3_Weights)
def efficientnet_b3(**options: Any) -> EfficientNet:
    """EfficientNet-B3; options as the class has them."""
    return _efficientnet(1.2, 1.4, 0.3, options)


@published(EfficientNet_B4_Weights)
def efficientnet_b4(**options: Any) -> EfficientNet:
    """EfficientNet-B4; options as the class has them."""
    return _efficientnet(1.4, 1.8, 0.4, options)


@published(EfficientNet_B5_Weights)
def efficientnet_b5(**options: Any) -> EfficientNet:
    """EfficientNet-B5; options as the class has them."""
    return _efficientnet(1.6, 2.2, 0.4, {"norm_layer": _LARGE_NORM} | options)


@published(EfficientNet_B6_Weights)
def efficientnet_b6(**options: Any) -> EfficientNet:
    """EfficientNet-B6; options as the class has them."""
    return _efficientnet(1.8, 2.6, 0.5, {"norm_layer": _LARGE_NORM} | options)


@published(EfficientNet_B7_Weights)
def efficientnet_b7(**options: Any) -> EfficientNet:
    """EfficientNet-B7; options as the class has them."""
    return _efficientnet(2.0, 3.1, 0.5, {"norm_layer": _LARGE_NORM} | options)
