"""VGG: Simonyan & Zisserman 2014, Very Deep Convolutional Networks, arXiv:1409.1556."""

from typing import Any

from minigrad import nn
from minigrad.tensor import Tensor
from minigrad.vision.models.published import published
from minigrad.vision.models.weights import (
    VGG11_BN_Weights,
    VGG11_Weights,
    VGG13_BN_Weights,
    VGG13_Weights,
    VGG16_BN_Weights,
    VGG16_Weights,
    VGG19_BN_Weights,
    VGG19_Weights,
)

# For each depth, the number of convolutions before each of the five max-pools.
_CONVOLUTIONS = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
_WIDTHS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """Scores (N, num_classes) of images (N, 3, H, W): `features`, pooled to 7x7, and 3 layers."""

    def __init__(
        self,
        features: nn.Module,
        num_classes: int = 1000,
        init_weights: bool = True,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            self.apply(_init_weights)

    def forward(self, x: Tensor) -> Tensor:
        x = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return x


def _init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def _vgg(depth: int, batch_norm: bool, options: dict[str, Any]) -> VGG:
    layers: list[nn.Module] = []
    channels = 3
    for width, convolutions in zip(_WIDTHS, _CONVOLUTIONS[depth], strict=True):
        for _ in range(convolutions):
            layers.append(nn.Conv2d(channels, width, kernel_size=3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
            channels = width
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return VGG(nn.Sequential(*layers), **options)


@published(VGG11_Weights)
def vgg11(**options: Any) -> VGG:
    """VGG of 11 layers; options as the class has them."""
    return _vgg(11, False, options)


@published(VGG11_BN_Weights)
def vgg11_bn(**options: Any) -> VGG:
    """VGG of 11 layers with batch normalisation; options as the class has them."""
    return _vgg(11, True, options)


@published(VGG13_Weights)
def vgg13(**options: Any) -> VGG:
    """VGG of 13 layers; options as the class has them."""
    return _vgg(13, False, options)


@published(VGG13_BN_Weights)
def vgg13_bn(**options: Any) -> VGG:
    """VGG of 13 layers with batch normalisation; options as the class has them."""
    return _vgg(13, True, options)


@published(VGG16_Weights)
def vgg16(**options: Any) -> VGG:
    """VGG of 16 layers; options as the class has them."""
    return _vgg(16, False, options)


@published(VGG16_BN_Weights)
def vgg16_bn(**options: Any) -> VGG:
    """VGG of 16 layers with batch normalisation; options as the class has them."""
    return _vgg(16, True, options)


@published(VGG19_Weights)
def vgg19(**options: Any) -> VGG:
    """VGG of 19 layers; options as the class has them."""
    return _vgg(19, False, options)


@published(VGG19_BN_Weights)
def vgg19_bn(**options: Any) -> VGG:
    """VGG of 19 layers with batch normalisation; options as the class has them."""
    return _vgg(19, True, options)
