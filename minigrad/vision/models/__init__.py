"""Networks for images."""

from minigrad.vision.models.cnn import DigitsCNN, LectureCNN
from minigrad.vision.models.mlp import MLP, LinearClassifier
from minigrad.vision.models.resnet import BasicBlock, ResNet, resnet18, resnet34

__all__ = [
    "MLP",
    "BasicBlock",
    "DigitsCNN",
    "LectureCNN",
    "LinearClassifier",
    "ResNet",
    "resnet18",
    "resnet34",
]
