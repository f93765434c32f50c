"""MobileNet V3: Howard et al. 2019, Searching for MobileNetV3, arXiv:1905.02244."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from minigrad import nn
from minigrad.tensor import Tensor
from minigrad.vision.models.mobilenetv2 import init_mobile_weights, make_divisible
from minigrad.vision.models.published import published
from minigrad.vision.models.weights import (
    MobileNet_V3_Large_Weights,
    MobileNet_V3_Small_Weights,
)
from minigrad.vision.ops.misc import Conv2dNormActivation, Layer, SqueezeExcitation

# The rows of the paper's tables 1 and 2: input channels, kernel size, expanded channels, output
# channels, squeeze and excitation, activation, stride.  The last three make the "tail".
_LARGE: list[tuple[int, int, int, int, bool, str, int]] = [
    (16, 3, 16, 16, False, "RE", 1),
    (16, 3, 64, 24, False, "RE", 2),
    (24, 3, 72, 24, False, "RE", 1),
    (24, 5, 72, 40, True, "RE", 2),
    (40, 5, 120, 40, True, "RE", 1),
    (40, 5, 120, 40, True, "RE", 1),
    (40, 3, 240, 80, False, "HS", 2),
    (80, 3, 200, 80, False, "HS", 1),
    (80, 3, 184, 80, False, "HS", 1),
    (80, 3, 184, 80, False, "HS", 1),
    (80, 3, 480, 112, True, "HS", 1),
    (112, 3, 672, 112, True, "HS", 1),
    (112, 5, 672, 160, True, "HS", 2),
    (160, 5, 960, 160, True, "HS", 1),
    (160, 5, 960, 160, True, "HS", 1),
]
_SMALL: list[tuple[int, int, int, int, bool, str, int]] = [
    (16, 3, 16, 16, True, "RE", 2),
    (16, 3, 72, 24, False, "RE", 2),
    (24, 3, 88, 24, False, "RE", 1),
    (24, 5, 96, 40, True, "HS", 2),
    (40, 5, 240, 40, True, "HS", 1),
    (40, 5, 240, 40, True, "HS", 1),
    (40, 5, 120, 48, True, "HS", 1),
    (48, 5, 144, 48, True, "HS", 1),
    (48, 5, 288, 96, True, "HS", 2),
    (96, 5, 576, 96, True, "HS", 1),
    (96, 5, 576, 96, True, "HS", 1),
]


class InvertedResidualConfig:
    """The numbers of one block; its channels are multiplied by `width_mult`."""

    def __init__(
        self,
        input_channels: int,
        kernel: int,
        expanded_channels: int,
        out_channels: int,
        use_se: bool,
        activation: str,
        stride: int,
        dilation: int,
        width_mult: float,
    ) -> None:
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        """The multiple of 8 near to channels * width_mult."""
        return make_divisible(channels * width_mult, 8)


_NORM = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
_HARD_SQUEEZE = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)


class InvertedResidual(nn.Module):
    """A depthwise convolution between two 1x1 ones, with squeeze and excitation if `use_se`."""

    def __init__(
        self,
        cnf: InvertedResidualConfig,
        norm_layer: Layer,
        se_layer: Layer = _HARD_SQUEEZE,
    ) -> None:
        super().__init__()
        if cnf.stride not in (1, 2):
            raise ValueError(f"illegal stride value: expected 1 or 2, got {cnf.stride}")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.out_channels = cnf.out_channels
        width = cnf.expanded_channels
        activation = nn.Hardswish if cnf.use_hs else nn.ReLU
        unit = partial(Conv2dNormActivation, norm_layer=norm_layer)
        layers: list[nn.Module] = []
        if width != cnf.input_channels:
            layers.append(unit(cnf.input_channels, width, 1, activation_layer=activation))
        layers.append(
            unit(
                width,
                width,
                cnf.kernel,
                stride=1 if cnf.dilation > 1 else cnf.stride,
                dilation=cnf.dilation,
                groups=width,
                activation_layer=activation,
            )
        )
        if cnf.use_se:
            layers.append(se_layer(width, make_divisible(width // 4, 8)))
        layers.append(unit(width, cnf.out_channels, 1, activation_layer=None))
        self.block = nn.Sequential(*layers)

    def forward(self, input: Tensor) -> Tensor:
        out: Tensor = self.block(input)
        return out + input if self.use_res_connect else out


class MobileNetV3(nn.Module):
    """Scores (N, num_classes) of images (N, 3, H, W); the blocks are made from their configs."""

    def __init__(
        self,
        inverted_residual_setting: Sequence[InvertedResidualConfig],
        last_channel: int,
        num_classes: int = 1000,
        block: Layer | None = None,
        norm_layer: Layer | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if not inverted_residual_setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not all(isinstance(c, InvertedResidualConfig) for c in inverted_residual_setting):
            raise TypeError(
                "The inverted_residual_setting should be List[InvertedResidualConfig], "
                f"got {inverted_residual_setting!r}"
            )
        make_block = InvertedResidual if block is None else block
        norm = (
            partial(nn.BatchNorm2d, eps=0.001, momentum=0.01) if norm_layer is None else norm_layer
        )
        unit = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.Hardswish)
        last = inverted_residual_setting[-1].out_channels
        self.features = nn.Sequential(
            unit(3, inverted_residual_setting[0].input_channels, 3, stride=2),
            *(make_block(config, norm) for config in inverted_residual_setting),
            unit(last, 6 * last, 1),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * last, last_channel),
            nn.Hardswish(inplace=True),
            nn.Dropout(dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )
        init_mobile_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return x


def _mobilenet_v3(
    rows: list[tuple[int, int, int, int, bool, str, int]],
    last_channel: int,
    width_mult: float = 1.0,
    reduced_tail: bool = False,
    dilated: bool = False,
    **options: Any,
) -> MobileNetV3:
    """The network of these rows.  `reduced_tail` halves the tail's channels; `dilated` spreads
    its kernels instead of striding, for segmentation."""
    divider = 2 if reduced_tail else 1
    configs = []
    for i, row in enumerate(rows, start=3 - len(rows)):  # the tail's are 0, 1 and 2
        inputs, kernel, expanded, outputs, use_se, activation, stride = row
        # The first of the tail has the body's input and expansion.
        before, after = divider if i >= 1 else 1, divider if i >= 0 else 1
        configs.append(
            InvertedResidualConfig(
                inputs // before,
                kernel,
                expanded // before,
                outputs // after,
                use_se,
                activation,
                stride,
                2 if dilated and i >= 0 else 1,
                width_mult,
            )
        )
    last = InvertedResidualConfig.adjust_channels(last_channel // divider, width_mult)
    return MobileNetV3(configs, last, **options)


@published(MobileNet_V3_Large_Weights)
def mobilenet_v3_large(**options: Any) -> MobileNetV3:
    """MobileNet V3, the larger; options as the class has them, and `width_mult`,
    `reduced_tail` and `dilated`."""
    return _mobilenet_v3(_LARGE, 1280, **options)


@published(MobileNet_V3_Small_Weights)
def mobilenet_v3_small(**options: Any) -> MobileNetV3:
    """MobileNet V3, the smaller; options as the class has them, and `width_mult`,
    `reduced_tail` and `dilated`."""
    return _mobilenet_v3(_SMALL, 1024, **options)
