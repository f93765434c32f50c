"""Image datasets read from their original files, under the names of `torchvision.datasets`."""

from minigrad.core.public_names import show_public_names
from minigrad.vision.datasets.cifar import CIFAR10, CIFAR100
from minigrad.vision.datasets.digits import Digits
from minigrad.vision.datasets.emnist import EMNIST
from minigrad.vision.datasets.folder import DatasetFolder, FakeData, ImageFolder
from minigrad.vision.datasets.images import ImageDataset
from minigrad.vision.datasets.mnist import KMNIST, MNIST, FashionMNIST
from minigrad.vision.datasets.vision import VisionDataset

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "EMNIST",
    "KMNIST",
    "MNIST",
    "DatasetFolder",
    "Digits",
    "FakeData",
    "FashionMNIST",
    "ImageDataset",
    "ImageFolder",
    "VisionDataset",
]

show_public_names(__name__)
