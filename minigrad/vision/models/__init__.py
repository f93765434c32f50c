"""Networks for images."""

from minigrad.core.public_names import show_public_names
from minigrad.vision.models.cnn import DigitsCNN, LectureCNN, LeNet5
from minigrad.vision.models.mlp import MLP, LinearClassifier
from minigrad.vision.models.resnet import (
    BasicBlock,
    Bottleneck,
    ResNet,
    resnet18,
    resnet34,
    resnet50,
)

__all__ = [
    "MLP",
    "BasicBlock",
    "Bottleneck",
    "DigitsCNN",
    "LeNet5",
    "LectureCNN",
    "LinearClassifier",
    "ResNet",
    "resnet18",
    "resnet34",
    "resnet50",
]

show_public_names(__name__)
