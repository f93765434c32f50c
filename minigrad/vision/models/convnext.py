"""ConvNeXt: Liu et al. 2022, A ConvNet for the 2020s, arXiv:2201.03545."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from minigrad import nn
from minigrad.nn import functional as F
from minigrad.tensor import Tensor
from minigrad.tensor.creation import full
from minigrad.vision.models.published import published
from minigrad.vision.models.weights import (
    ConvNeXt_Base_Weights,
    ConvNeXt_Large_Weights,
    ConvNeXt_Small_Weights,
    ConvNeXt_Tiny_Weights,
)
from minigrad.vision.ops.misc import Conv2dNormActivation, Layer, Permute
from minigrad.vision.ops.stochastic_depth import StochasticDepth


class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of images (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """The input plus a 7x7 depthwise convolution, a norm and two linear layers over channels."""

    def __init__(
        self,
        dim: int,
        layer_scale: float,
        stochastic_depth_prob: float,
        norm_layer: Layer | None = None,
    ) -> None:
        super().__init__()
        norm = partial(nn.LayerNorm, eps=1e-6) if norm_layer is None else norm_layer
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim),
            Permute([0, 2, 3, 1]),
            norm(dim),
            nn.Linear(dim, 4 * dim),
            nn.GELU(),
            nn.Linear(4 * dim, dim),
            Permute([0, 3, 1, 2]),
        )
        self.layer_scale = nn.Parameter(full((dim, 1, 1), layer_scale))
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Tensor) -> Tensor:
        out: Tensor = self.stochastic_depth(self.layer_scale * self.block(input))
        return out + input


@dataclass
class CNBlockConfig:
    """The numbers of one stage; without `out_channels` no convolution halves the size after it."""

    input_channels: int
    out_channels: int | None
    num_layers: int


class ConvNeXt(nn.Module):
    """Scores (N, num_classes) of images (N, 3, H, W); the stages are made from their configs.

    The probability to leave out a block in training rises from 0 to `stochastic_depth_prob`.
    """

    def __init__(
        self,
        block_setting: Sequence[CNBlockConfig],
        stochastic_depth_prob: float = 0.0,
        layer_scale: float = 1e-6,
        num_classes: int = 1000,
        block: Layer | None = None,
        norm_layer: Layer | None = None,
    ) -> None:
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        if not all(isinstance(config, CNBlockConfig) for config in block_setting):
            raise TypeError(
                f"The block_setting should be List[CNBlockConfig], got {block_setting!r}"
            )
        make_block = CNBlock if block is None else block
        norm = partial(LayerNorm2d, eps=1e-6) if norm_layer is None else norm_layer
        layers: list[nn.Module] = [
            Conv2dNormActivation(
                3, block_setting[0].input_channels, 4, 4, 0,
                norm_layer=norm, activation_layer=None, bias=True,
            )
        ]  # fmt: skip
        last = max(sum(config.num_layers for config in block_setting) - 1, 1)
        done = 0
        for config in block_setting:
            width, wider = config.input_channels, config.out_channels
            layers.append(
                nn.Sequential(
                    *(
                        make_block(width, layer_scale, stochastic_depth_prob * (done + i) / last)
                        for i in range(config.num_layers)
                    )
                )
            )
            done += config.num_layers
            if wider is not None:
                halved = nn.Conv2d(width, wider, kernel_size=2, stride=2)
                layers.append(nn.Sequential(norm(width), halved))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        width = block_setting[-1].out_channels or block_setting[-1].input_channels
        self.classifier = nn.Sequential(norm(width), nn.Flatten(1), nn.Linear(width, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.classifier(self.avgpool(self.features(x)))
        return x


def _convnext(
    widths: tuple[int, int, int, int], third: int, stochastic: float, options: dict[str, Any]
) -> ConvNeXt:
    """Stages of 3, 3, `third` and 3 blocks."""
    stages = [
        CNBlockConfig(width, wider, blocks)
        for width, wider, blocks in zip(widths, (*widths[1:], None), (3, 3, third, 3), strict=True)
    ]
    return ConvNeXt(stages, **({"stochastic_depth_prob": stochastic} | options))


@published(ConvNeXt_Tiny_Weights)
def convnext_tiny(**options: Any) -> ConvNeXt:
    """ConvNeXt-T; options as the class has them."""
    return _convnext((96, 192, 384, 768), 9, 0.1, options)


@published(ConvNeXt_Small_Weights)
def convnext_small(**options: Any) -> ConvNeXt:
    """ConvNeXt-S; options as the class has them."""
    return _convnext((96, 192, 384, 768), 27, 0.4, options)


@published(ConvNeXt_Base_Weights)
def convnext_base(**options: Any) -> ConvNeXt:
    """ConvNeXt-B; options as the class has them."""
    return _convnext((128, 256, 512, 1024), 27, 0.5, options)


@published(ConvNeXt_Large_Weights)
def convnext_large(**options: Any) -> ConvNeXt:
    """ConvNeXt-L; options as the class has them."""
    return _convnext((192, 384, 768, 1536), 27, 0.5, options)
