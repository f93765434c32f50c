"""SqueezeNet: Iandola et al. 2016, AlexNet-level accuracy with 50x fewer parameters,
arXiv:1602.07360."""

from typing import Any

from minigrad import nn
from minigrad.ops import cat
from minigrad.tensor import Tensor
from minigrad.vision.models.published import published
from minigrad.vision.models.weights import (
    SqueezeNet1_0_Weights,
    SqueezeNet1_1_Weights,
)

# The first convolution (channels, kernel size), then each layer: "pool", or the channels of a
# Fire module after squeezing and after each expansion.
_VERSIONS: dict[str, tuple[tuple[int, int], list[tuple[int, int] | str]]] = {
    "1_0": (
        (96, 7),
        ["pool", (16, 64), (16, 64), (32, 128), "pool", (32, 128), (48, 192), (48, 192), (64, 256),
         "pool", (64, 256)],
    ),
    "1_1": (
        (64, 3),
        ["pool", (16, 64), (16, 64), "pool", (32, 128), (32, 128), "pool", (48, 192), (48, 192),
         (64, 256), (64, 256)],
    ),
}  # fmt: skip


class Fire(nn.Module):
    """A 1x1 convolution to few channels, then a 1x1 and a 3x3 one side by side, with relus."""

    def __init__(
        self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int
    ) -> None:
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze_activation(self.squeeze(x))
        small = self.expand1x1_activation(self.expand1x1(x))
        large = self.expand3x3_activation(self.expand3x3(x))
        x = cat([small, large], 1)
        return x


class SqueezeNet(nn.Module):
    """Scores (N, num_classes) of images (N, 3, H, W); ValueError for an unknown version."""

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        if version not in _VERSIONS:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        self.num_classes = num_classes
        (channels, kernel_size), plan = _VERSIONS[version]
        layers: list[nn.Module] = [
            nn.Conv2d(3, channels, kernel_size=kernel_size, stride=2),
            nn.ReLU(inplace=True),
        ]
        for step in plan:
            if isinstance(step, str):
                layers.append(nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True))
            else:
                squeezed, expanded = step
                layers.append(Fire(channels, squeezed, expanded, expanded))
                channels = 2 * expanded
        self.features = nn.Sequential(*layers)
        last = nn.Conv2d(512, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout), last, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1))
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is last:
                    nn.init.normal_(module.weight, mean=0.0, std=0.01)
                else:
                    nn.init.kaiming_uniform_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.classifier(self.features(x)).flatten(1)
        return x


@published(SqueezeNet1_0_Weights)
def squeezenet1_0(**options: Any) -> SqueezeNet:
    """SqueezeNet as published; options as the class has them."""
    return SqueezeNet("1_0", **options)


@published(SqueezeNet1_1_Weights)
def squeezenet1_1(**options: Any) -> SqueezeNet:
    """SqueezeNet with 2.4 times fewer operations; options as the class has them."""
    return SqueezeNet("1_1", **options)
