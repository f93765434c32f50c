"""MobileNet V2: Sandler et al. 2018, Inverted Residuals and Linear Bottlenecks,
arXiv:1801.04381."""

from collections.abc import Sequence
from typing import Any

from minigrad import nn
from minigrad.tensor import Tensor
from minigrad.vision.models.published import published
from minigrad.vision.models.weights import MobileNet_V2_Weights
from minigrad.vision.ops.misc import Conv2dNormActivation, Layer

# Of each stage: the expansion, the channels, the number of blocks, the stride of the first.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def make_divisible(value: float, divisor: int, min_value: int | None = None) -> int:
    """The multiple of `divisor` near to `value`, at least `min_value` and 90 % of it."""
    lowest = divisor if min_value is None else min_value
    rounded = max(lowest, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def init_mobile_weights(model: nn.Module) -> None:
    """Set the convolutions by kaiming_normal_ of fan_out, the linear layers by normal_ of 0.01."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


class InvertedResidual(nn.Module):
    """A wide depthwise convolution between two 1x1 ones; the input is added where it fits."""

    def __init__(
        self, inp: int, oup: int, stride: int, expand_ratio: float, norm_layer: Layer | None = None
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        hidden = round(inp * expand_ratio)
        self.stride = stride
        self.use_res_connect = stride == 1 and inp == oup
        self.out_channels = oup
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(
                Conv2dNormActivation(inp, hidden, 1, norm_layer=norm, activation_layer=nn.ReLU6)
            )
        layers.append(
            Conv2dNormActivation(
                hidden,
                hidden,
                stride=stride,
                groups=hidden,
                norm_layer=norm,
                activation_layer=nn.ReLU6,
            )
        )
        layers += [nn.Conv2d(hidden, oup, 1, bias=False), norm(oup)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return x + out if self.use_res_connect else out


class MobileNetV2(nn.Module):
    """Scores (N, num_classes) of images (N, 3, H, W).

    `width_mult` multiplies the channels, rounded to multiples of `round_nearest`;
    `inverted_residual_setting` has rows of expansion, channels, blocks and stride.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: Sequence[Sequence[int]] | None = None,
        round_nearest: int = 8,
        block: Layer | None = None,
        norm_layer: Layer | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        make_block = InvertedResidual if block is None else block
        norm = nn.BatchNorm2d if norm_layer is None else norm_layer
        stages = _STAGES if inverted_residual_setting is None else inverted_residual_setting
        if len(stages) == 0 or any(len(stage) != 4 for stage in stages):
            raise ValueError(
                "inverted_residual_setting should be non-empty or a 4-element list, "
                f"got {inverted_residual_setting}"
            )
        channels = make_divisible(32 * width_mult, round_nearest)
        self.last_channel = make_divisible(1280 * max(1.0, width_mult), round_nearest)
        layers: list[nn.Module] = [
            Conv2dNormActivation(3, channels, stride=2, norm_layer=norm, activation_layer=nn.ReLU6)
        ]
        for expansion, base_width, blocks, stride in stages:
            width = make_divisible(base_width * width_mult, round_nearest)
            for i in range(blocks):
                layers.append(
                    make_block(
                        channels,
                        width,
                        stride if i == 0 else 1,
                        expand_ratio=expansion,
                        norm_layer=norm,
                    )
                )
                channels = width
        layers.append(
            Conv2dNormActivation(
                channels, self.last_channel, 1, norm_layer=norm, activation_layer=nn.ReLU6
            )
        )
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(self.last_channel, num_classes)
        )
        init_mobile_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = self.classifier(nn.functional.adaptive_avg_pool2d(x, (1, 1)).flatten(1))
        return x


@published(MobileNet_V2_Weights)
def mobilenet_v2(**options: Any) -> MobileNetV2:
    """MobileNet V2; options as the class has them."""
    return MobileNetV2(**options)
