"""DenseNet: Huang et al. 2016, Densely Connected Convolutional Networks, arXiv:1608.06993."""

from typing import Any

from minigrad import nn
from minigrad.core.types import Array
from minigrad.nn import functional as F
from minigrad.ops import cat
from minigrad.tensor import Tensor
from minigrad.utils.checkpoint import checkpoint
from minigrad.vision.models.published import published
from minigrad.vision.models.weights import (
    DenseNet121_Weights,
    DenseNet161_Weights,
    DenseNet169_Weights,
    DenseNet201_Weights,
)


class _DenseLayer(nn.Module):
    """`growth_rate` new channels from all earlier ones: a 1x1 and a 3x3 convolution."""

    def __init__(
        self,
        num_input_features: int,
        growth_rate: int,
        bn_size: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        width = bn_size * growth_rate
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, width, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, growth_rate, kernel_size=3, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def forward(self, input: Tensor | list[Tensor]) -> Tensor:
        earlier = [input] if isinstance(input, Tensor) else input
        if self.memory_efficient and any(tensor.requires_grad for tensor in earlier):
            x: Tensor = checkpoint(self._narrow, *earlier, use_reentrant=False)
        else:
            x = self._narrow(*earlier)
        x = self.conv2(self.relu2(self.norm2(x)))
        if self.drop_rate > 0:
            x = F.dropout(x, p=self.drop_rate, training=self.training)
        return x

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor | Array], prefix: str, *others: Any
    ) -> None:
        for kind in ("norm", "conv"):  # torchvision's files have `norm.1.weight` for `norm1.weight`
            for number in (1, 2):
                old, new = f"{prefix}{kind}.{number}.", f"{prefix}{kind}{number}."
                for key in [key for key in state_dict if key.startswith(old)]:
                    state_dict[new + key.removeprefix(old)] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *others)

    def _narrow(self, *earlier: Tensor) -> Any:
        return self.conv1(self.relu1(self.norm1(cat(earlier, 1))))


class _DenseBlock(nn.ModuleDict):
    """Dense layers; each reads the block's input and what all layers before it have made."""

    def __init__(
        self,
        num_layers: int,
        num_input_features: int,
        bn_size: int,
        growth_rate: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__(
            {
                f"denselayer{i + 1}": _DenseLayer(
                    num_input_features + i * growth_rate,
                    growth_rate,
                    bn_size,
                    drop_rate,
                    memory_efficient,
                )
                for i in range(num_layers)
            }
        )

    def forward(self, init_features: Tensor) -> Tensor:
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        joined: Tensor = cat(features, 1)
        return joined


class _Transition(nn.Sequential):
    """Between blocks: fewer channels by a 1x1 convolution, half the size by mean-pooling."""

    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """Scores (N, num_classes) of images (N, 3, H, W).

    `block_config` has the number of layers of each block.  With `memory_efficient` a layer's
    concatenation is computed again in backward instead of being kept.
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: tuple[int, ...] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential()
        first = nn.Conv2d(3, num_init_features, kernel_size=7, stride=2, padding=3, bias=False)
        self.features.add_module("conv0", first)
        self.features.add_module("norm0", nn.BatchNorm2d(num_init_features))
        self.features.add_module("relu0", nn.ReLU(inplace=True))
        self.features.add_module("pool0", nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
        width = num_init_features
        for i, layers in enumerate(block_config, start=1):
            block = _DenseBlock(layers, width, bn_size, growth_rate, drop_rate, memory_efficient)
            self.features.add_module(f"denseblock{i}", block)
            width += layers * growth_rate
            if i < len(block_config):
                self.features.add_module(f"transition{i}", _Transition(width, width // 2))
                width //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        assert self.classifier.bias is not None
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.features(x), inplace=True)
        x = self.classifier(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))
        return x


@published(DenseNet121_Weights)
def densenet121(**options: Any) -> DenseNet:
    """DenseNet of 121 layers; options as the class has them."""
    return DenseNet(32, (6, 12, 24, 16), 64, **options)


@published(DenseNet161_Weights)
def densenet161(**options: Any) -> DenseNet:
    """DenseNet of 161 layers, 48 channels each; options as the class has them."""
    return DenseNet(48, (6, 12, 36, 24), 96, **options)


@published(DenseNet169_Weights)
def densenet169(**options: Any) -> DenseNet:
    """DenseNet of 169 layers; options as the class has them."""
    return DenseNet(32, (6, 12, 32, 32), 64, **options)


@published(DenseNet201_Weights)
def densenet201(**options: Any) -> DenseNet:
    """DenseNet of 201 layers; options as the class has them."""
    return DenseNet(32, (6, 12, 48, 32), 64, **options)
