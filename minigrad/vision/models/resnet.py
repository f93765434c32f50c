"""Residual networks: He et al. 2015, Deep residual learning, arXiv:1512.03385.

The names of the parts, and so the keys of the state, are torchvision's.
"""

from collections.abc import Sequence
from typing import TypedDict, Unpack

from minigrad import nn
from minigrad.tensor import Tensor
from minigrad.vision.models.published import published
from minigrad.vision.models.weights import (
    ResNet18_Weights,
    ResNet34_Weights,
    ResNet50_Weights,
    ResNet101_Weights,
    ResNet152_Weights,
)

STEMS = ("imagenet", "cifar")


class BasicBlock(nn.Module):
    """relu(x + two 3x3 convolutions of x); `downsample` gives x another shape if needed."""

    expansion = 1

    def __init__(
        self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out = self.relu(out + (x if self.downsample is None else self.downsample(x)))
        return out


class Bottleneck(nn.Module):
    """relu(x + a 1x1, a 3x3 and a 1x1 convolution of x), the last to 4 * planes channels.

    The 3x3 convolution has the stride, as in torchvision; the paper gives it to the first.
    """

    expansion = 4

    def __init__(
        self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.relu = nn.ReLU()
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out = self.relu(out + (x if self.downsample is None else self.downsample(x)))
        return out


Block = type[BasicBlock] | type[Bottleneck]


class ResNetOptions(TypedDict, total=False):
    """Keyword arguments of `ResNet`."""

    zero_init_residual: bool
    in_channels: int
    stem: str


class ResNet(nn.Module):
    """Scores (N, num_classes) of images (N, in_channels, H, W): a stem and four layers of blocks.

    stem "imagenet" is a 7x7 convolution of stride 2 and a max-pool, for images of 224x224; "cifar"
    a 3x3 convolution alone, for images of 32x32.  With zero_init_residual every block starts as
    the identity.  Raises ValueError for another stem.
    """

    def __init__(
        self,
        block: Block,
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        *,
        in_channels: int = 3,
        stem: str = "imagenet",
    ) -> None:
        super().__init__()
        if stem not in STEMS:
            raise ValueError(f"stem must be one of {list(STEMS)}, got {stem!r}")
        self.inplanes = 64
        if stem == "imagenet":
            self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        else:
            self.conv1 = nn.Conv2d(in_channels, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if stem == "imagenet" else nn.Identity()
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2)
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2)
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        self._init_weights(zero_init_residual)

    def _make_layer(self, block: Block, planes: int, blocks: int, stride: int = 1) -> nn.Sequential:
        outplanes = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != outplanes:
            downsample = nn.Sequential(
                nn.Conv2d(self.inplanes, outplanes, 1, stride=stride, bias=False),
                nn.BatchNorm2d(outplanes),
            )
        first = block(self.inplanes, planes, stride, downsample)
        self.inplanes = outplanes
        return nn.Sequential(first, *(block(outplanes, planes) for _ in range(1, blocks)))

    def _init_weights(self, zero_init_residual: bool) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if zero_init_residual and isinstance(module, BasicBlock | Bottleneck):
                last = module.bn3 if isinstance(module, Bottleneck) else module.bn2
                nn.init.zeros_(last.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        x = self.fc(self.avgpool(x).flatten(1))
        return x


@published(ResNet18_Weights)
def resnet18(num_classes: int = 1000, **options: Unpack[ResNetOptions]) -> ResNet:
    """ResNet of 18 layers; options as `ResNet` has them, among them stem="cifar".

    PyTorch differs: torchvision downloads `weights`; here FileNotFoundError says which file to put
    where.
    """
    return ResNet(BasicBlock, [2, 2, 2, 2], num_classes, **options)


@published(ResNet34_Weights)
def resnet34(num_classes: int = 1000, **options: Unpack[ResNetOptions]) -> ResNet:
    """ResNet of 34 layers; options as `ResNet` has them."""
    return ResNet(BasicBlock, [3, 4, 6, 3], num_classes, **options)


@published(ResNet50_Weights)
def resnet50(num_classes: int = 1000, **options: Unpack[ResNetOptions]) -> ResNet:
    """ResNet of 50 layers, of bottleneck blocks; options as `ResNet` has them."""
    return ResNet(Bottleneck, [3, 4, 6, 3], num_classes, **options)


@published(ResNet101_Weights)
def resnet101(num_classes: int = 1000, **options: Unpack[ResNetOptions]) -> ResNet:
    """ResNet of 101 layers, of bottleneck blocks; options as `ResNet` has them."""
    return ResNet(Bottleneck, [3, 4, 23, 3], num_classes, **options)


@published(ResNet152_Weights)
def resnet152(num_classes: int = 1000, **options: Unpack[ResNetOptions]) -> ResNet:
    """ResNet of 152 layers, of bottleneck blocks; options as `ResNet` has them."""
    return ResNet(Bottleneck, [3, 8, 36, 3], num_classes, **options)
