"""The choices of `minigrad train`: data, models and optimizers, and their combinations."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from minigrad import nn, optim, text
from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.nn import functional as F
from minigrad.text.models import GPT, CharLSTM, LanguageModel
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
TEXTS = {"tinyshakespeare": text.TinyShakespeare}


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

# How to build each model for a number of characters and the options.
TEXT_MODELS: dict[str, Callable[[int, argparse.Namespace], LanguageModel]] = {
    "lstm": lambda characters, chosen: CharLSTM(characters, chosen.width, chosen.layers),
    "gpt": lambda characters, chosen: GPT(
        characters, chosen.context, chosen.layers, chosen.heads, chosen.width
    ),
}

# What options are where they are not given, by the kind of data, then by the model.
IMAGE_DEFAULTS = {"model": "cnn", "epochs": 8, "batch_size": 64}
TEXT_DEFAULTS = {"model": "gpt", "epochs": 3, "batch_size": 12, "context": 64}
SIZES = {"lstm": {"layers": 2, "width": 256}, "gpt": {"layers": 4, "width": 128, "heads": 4}}
TEXT_OPTIONS = ("context", "layers", "width", "heads")


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


def is_text(data: str) -> bool:
    """Whether --data is a text, by name or as a file; UsageError for what is neither."""
    if data in DATA:
        return False
    if data in TEXTS or Path(data).expanduser().is_file():
        return True
    names = ", ".join([*DATA, *TEXTS])
    raise UsageError(f"--data {data} is none of {names}, and no file of that name is there")


def complete(options: argparse.Namespace) -> None:
    """Fill in what was not given; UsageError for options that cannot work together."""
    of_text = is_text(options.data)
    _fill(options, TEXT_DEFAULTS if of_text else IMAGE_DEFAULTS)
    (_check_text if of_text else _check_images)(options)


def _fill(options: argparse.Namespace, defaults: dict[str, Any]) -> None:
    for name, value in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, value)


def _check_images(options: argparse.Namespace) -> None:
    data, model = options.data, options.model
    if model in TEXT_MODELS:
        raise UsageError(
            f"--model {model} is for texts; --data {data} has images: take {_one_of(MODELS)}"
        )
    for name in TEXT_OPTIONS:
        if getattr(options, name) is not None:
            raise UsageError(f"--{name} is for texts; --data {data} has images")
    source = DATA[data]
    _, height, width = source.shape
    if source.bundled and options.root is not None:
        raise UsageError(f"--root is for data read from files; --data {data} is in the package")
    if model == "resnet18" and min(height, width) < 16:
        raise UsageError(
            f"--model resnet18 halves images three times: {height}x{width} pixels of --data {data} "
            f"are too few; take --model cnn"
        )


def _check_text(options: argparse.Namespace) -> None:
    data, model = options.data, options.model
    if model in MODELS:
        raise UsageError(
            f"--model {model} is for images; --data {data} is a text: take {_one_of(TEXT_MODELS)}"
        )
    if data not in TEXTS and options.root is not None:
        raise UsageError(f"--root is for data sets with a name; --data {data} is a file itself")
    if options.heads is not None and "heads" not in SIZES[model]:
        raise UsageError(f"--heads is for --model gpt; --model {model} has no attention")
    _fill(options, SIZES[model])
    if model == "gpt" and options.width % options.heads:
        raise UsageError(
            f"--width {options.width} is not divisible by --heads {options.heads}, "
            "among which it is shared out"
        )


def _one_of(names: dict[str, Any]) -> str:
    *others, last = names
    return f"--model {', '.join(others)} or {last}"


def load_images(data: str, root: Path | None) -> tuple[ImageDataset, ImageDataset]:
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


def load_text(data: str, root: Path | None) -> text.Corpus:
    """The text.  Raises UsageError if its file is missing or is not text."""
    with as_usage_error(OSError, RuntimeError, ValueError):
        if data in TEXTS:
            return TEXTS[data](root, download=True)
        return text.Corpus.from_file(data)
