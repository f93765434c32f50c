"""The choices of `minigrad train`: data sets, models and optimizers, and their combinations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from minigrad import nn, optim
from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.nn import functional as F
from minigrad.vision import datasets, models, transforms
from minigrad.vision.datasets import ImageDataset


class Source(NamedTuple):
    """A data set: its images are scaled to [-1, 1] by (pixel - middle) / middle."""

    dataset: type[Any]
    shape: tuple[int, int, int]  # C, H, W
    middle: float
    bundled: bool = False  # inside the package, so it needs no root


DATA = {
    "digits": Source(datasets.Digits, (1, 8, 8), 8 / 255, bundled=True),
    "mnist": Source(datasets.MNIST, (1, 28, 28), 0.5),
    "fashion-mnist": Source(datasets.FashionMNIST, (1, 28, 28), 0.5),
    "cifar10": Source(datasets.CIFAR10, (3, 32, 32), 0.5),
}


def _cnn(channels: int, height: int, width: int) -> nn.Module:
    if height < 16:
        return models.DigitsCNN(channels, height)
    return models.LectureCNN(channels, height)


# How to build each model for images of (C, H, W).
MODELS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "linear": lambda c, h, w: models.LinearClassifier(c * h * w),
    "mlp": lambda c, h, w: models.MLP(c * h * w, dropout=0.2),
    "cnn": _cnn,
    "resnet18": lambda c, h, w: models.resnet18(num_classes=10, in_channels=c, stem="cifar"),
}


def loss_of(output: Any, labels: Any) -> Any:
    """Cross-entropy of scores, or of log-probabilities, whose log-softmax is themselves."""
    return F.cross_entropy(output, labels)


# Each optimizer's class, and its settings where they are not the defaults.
OPTIMIZERS: dict[str, tuple[Callable[..., optim.Optimizer], dict[str, Any]]] = {
    "adadelta": (optim.Adadelta, {}),
    "adagrad": (optim.Adagrad, {}),
    "adam": (optim.Adam, {}),
    "adamw": (optim.AdamW, {}),
    "lion": (optim.Lion, {}),
    "nadam": (optim.NAdam, {}),
    "nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "radam": (optim.RAdam, {}),
    "rmsprop": (optim.RMSprop, {}),
    "sgd": (optim.SGD, {"momentum": 0.9}),
}


def make_optimizer(name: str, parameters: Any, lr: float | None) -> optim.Optimizer:
    """The optimizer, with its own learning rate if none is given."""
    kind, settings = OPTIMIZERS[name]
    return kind(parameters, **settings, **({} if lr is None else {"lr": lr}))


def check_combination(data: str, model: str, root: Path | None) -> None:
    """Raise UsageError for choices that cannot work together."""
    source = DATA[data]
    _, height, width = source.shape
    if source.bundled and root is not None:
        raise UsageError(f"--root is for data read from files; --data {data} is in the package")
    if model == "resnet18" and min(height, width) < 16:
        raise UsageError(
            f"--model resnet18 halves images three times: {height}x{width} pixels of --data {data} "
            f"are too few; take --model cnn"
        )


def load_data(data: str, root: Path | None) -> tuple[ImageDataset, ImageDataset]:
    """The training and the test images.  Raises UsageError if files are missing or damaged."""
    source = DATA[data]
    middle = (source.middle,) * source.shape[0]
    scale = transforms.Compose([transforms.ToTensor(), transforms.Normalize(middle, middle)])
    more = {} if source.bundled else {"root": root, "download": True}
    with as_usage_error(OSError, RuntimeError, ValueError):
        return (
            source.dataset(train=True, transform=scale, **more),
            source.dataset(train=False, transform=scale, **more),
        )
