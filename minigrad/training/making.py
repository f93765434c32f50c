"""Models and optimizers, made by a name or from a user's file."""

from collections.abc import Callable
from typing import Any, NamedTuple

from minigrad import nn, optim, text
from minigrad.training.own_code import call_with_known, find_own_code, is_own_code
from minigrad.training.settings import SettingsError
from minigrad.vision import models


class ModelChoice(NamedTuple):
    """How a model is made: by a name here or in a user's file, with arguments.

    `file` and `sha256` are those of the user's file.
    """

    name: str
    arguments: dict[str, Any]
    file: str | None = None
    sha256: str | None = None


def _image_model(name: str, size: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class and arguments of a model of images: channels, image_size and classes given."""
    channels, side, classes = size["in_channels"], size["image_size"], size["num_classes"]
    pixels = {"in_features": size["in_features"], "num_classes": classes}
    images = {"in_channels": channels, "image_size": side, "num_classes": classes}
    if name == "linear":
        return "LinearClassifier", pixels
    if name == "mlp":
        hidden = {"hidden": [64, 64]} if side is None else {"dropout": 0.2}
        return "MLP", pixels | hidden
    if name == "cnn":
        return ("DigitsCNN" if side < 16 else "LectureCNN"), images
    return "resnet18", {
        "num_classes": classes,
        "in_channels": channels,
        "stem": "cifar" if side <= 64 else "imagenet",
    }


def choose_model(name: str, sizes: dict[str, Any]) -> ModelChoice:
    """The model of a setting, for `in_channels`, `image_size`, `in_features`, `num_classes`.

    A user's model gets those of these arguments that it takes.  Raises SettingsError if its file
    cannot be run.
    """
    if not is_own_code(name):
        return ModelChoice(*_image_model(name, sizes))
    own = find_own_code(name, "--model")
    return ModelChoice(own.name, call_with_known(own.made, sizes), str(own.file), own.sha256)


_CLASSES = ("LinearClassifier", "MLP", "DigitsCNN", "LectureCNN", "resnet18")
_LANGUAGE_MODELS = {"lstm": text.models.CharLSTM, "gpt": text.models.GPT}


def make_model(choice: ModelChoice) -> nn.Module:
    """The model with new weights.  Raises SettingsError if it cannot be made."""
    if choice.file is not None:
        made: Callable[..., Any] = find_own_code(f"{choice.file}:{choice.name}", "--model").made
    elif choice.name in _LANGUAGE_MODELS:
        made = _LANGUAGE_MODELS[choice.name]
    elif choice.name in _CLASSES:
        made = getattr(models, choice.name)
    else:
        raise SettingsError(f"there is no model {choice.name!r:.60}")
    try:
        model = made(**choice.arguments)
    except Exception as error:
        if choice.file is None and not isinstance(error, ValueError | TypeError):
            raise
        given = ", ".join(f"{n}={v}" for n, v in choice.arguments.items())
        raise SettingsError(
            f"--model: {choice.name}({given}) raises {type(error).__name__}: {error}"
        ) from error
    if not isinstance(model, nn.Module):
        raise SettingsError(f"--model: {choice.name} makes no Module but {type(model).__name__}")
    return model


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
    rate = {} if lr is None else {"lr": lr}
    if not is_own_code(name):
        if name not in OPTIMIZERS:
            raise SettingsError(
                f"--optimizer {name} is none of {', '.join(OPTIMIZERS)}, and no file.py:Rule"
            )
        kind, settings = OPTIMIZERS[name]
        return kind(parameters, **settings, **rate)
    own = find_own_code(name, "--optimizer")
    try:
        made = own.made(parameters, **rate)
    except Exception as error:
        raise SettingsError(
            f"--optimizer {name}: {own.name}(parameters"
            f"{''.join(f', {n}={v}' for n, v in rate.items())}) raises {type(error).__name__}: "
            f"{error}"
        ) from error
    if not isinstance(made, optim.Optimizer):
        raise SettingsError(f"--optimizer {name}: {own.name} makes no Optimizer")
    return made
