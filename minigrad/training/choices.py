"""What a run can be made of: data and models by name, their defaults, and what goes together."""

from pathlib import Path
from typing import Any, NamedTuple

from minigrad import text
from minigrad.core.files import missing_folders, remove_if_empty
from minigrad.training.output import Output
from minigrad.training.own_code import is_own_code
from minigrad.training.settings import Settings, SettingsError
from minigrad.utils.data_files.files import data_root
from minigrad.vision import datasets


class NamedImages(NamedTuple):
    """A data set: its images are scaled to [-1, 1] by (pixel - middle) / middle.

    `white` is the value of a pixel that has all the light.
    """

    dataset: type[Any]
    shape: tuple[int, int, int]  # C, H, W
    middle: float
    white: int = 255
    bundled: bool = False  # inside the package, so it needs no root


DATA = {
    "digits": NamedImages(datasets.Digits, (1, 8, 8), 8 / 255, white=16, bundled=True),
    "mnist": NamedImages(datasets.MNIST, (1, 28, 28), 0.5),
    "fashion-mnist": NamedImages(datasets.FashionMNIST, (1, 28, 28), 0.5),
    "cifar10": NamedImages(datasets.CIFAR10, (3, 32, 32), 0.5),
}
TEXTS = {"tinyshakespeare": text.TinyShakespeare}
TABLE_SUFFIXES = (".csv", ".npz", ".parquet")

# What settings are where they are not given, by the kind of data, then by the model.
DEFAULTS: dict[str, dict[str, Any]] = {
    "images": {"model": "cnn", "epochs": 8, "batch_size": 64},
    "folder": {"model": "cnn", "epochs": 8, "batch_size": 64},
    "table": {"model": "mlp", "epochs": 20, "batch_size": 64},
    "text": {"model": "gpt", "epochs": 3, "batch_size": 12, "context": 64, "clip": 1.0},
}
SHARDS = 8  # of a batch, with --distributed
SIZES = {"lstm": {"layers": 2, "width": 256}, "gpt": {"layers": 4, "width": 128, "heads": 4}}
IMAGE_MODELS = ("linear", "mlp", "cnn", "resnet18")
TABLE_MODELS = ("linear", "mlp")
TEXT_MODELS = ("lstm", "gpt")
MODELS_OF = {
    "images": IMAGE_MODELS,
    "folder": IMAGE_MODELS,
    "table": TABLE_MODELS,
    "text": TEXT_MODELS,
}
_ONLY_FOR = {
    "context": ("text",), "layers": ("text",), "width": ("text",), "heads": ("text",),
    "target": ("table",), "task": ("table",), "image_size": ("folder",),
    "augment": ("images", "folder"), "label_smoothing": ("images", "folder", "table"),
}  # fmt: skip
_FOR = {"text": "texts", "table": "tables", "folder": "folders of images", "images": "images"}


def kind_of(data: str) -> str:
    """The kind of the data: images, folder, table or text; SettingsError for what is none."""
    if data in DATA:
        return "images"
    if data in TEXTS:
        return "text"
    path = Path(data).expanduser()
    if path.suffix.lower() in TABLE_SUFFIXES and path.is_file():
        return "table"
    if path.is_file():
        return "text"
    if path.is_dir():
        return "folder"
    names = ", ".join([*DATA, *TEXTS])
    raise SettingsError(
        f"--data {data} is none of {names}, and no file or folder of that name is there"
    )


def complete(settings: Settings) -> str:
    """Fill in what was not given, and return the kind of the data.

    Raises SettingsError for settings that cannot work together.
    """
    kind = kind_of(settings.data)
    _fill(settings, DEFAULTS[kind])
    _fill_shards(settings)
    assert settings.model is not None
    _check_model(settings.model, settings.data, kind)
    for name, kinds in _ONLY_FOR.items():
        if kind not in kinds and getattr(settings, name) not in (None, 0.0):
            named = f"--{name.replace('_', '-')}"
            there = " and ".join(_FOR[k] for k in kinds)
            data = f"--data {settings.data}"
            raise SettingsError(f"{named} is for {there}; {data} {_has(kind)}")
    {"images": _check_images, "folder": _check_path, "table": _check_path, "text": _check_text}[
        kind
    ](settings)
    return kind


def _fill(settings: Settings, defaults: dict[str, Any]) -> None:
    for name, value in defaults.items():
        if getattr(settings, name) is None:
            setattr(settings, name, value)


def _fill_shards(settings: Settings) -> None:
    if settings.distributed:
        _fill(settings, {"shard_size": -(-(settings.batch_size or 1) // SHARDS)})
    elif settings.shard_size is not None:
        raise SettingsError("--shard-size goes with --distributed")


def _check_model(model: str, data: str, kind: str) -> None:
    if is_own_code(model) or model in MODELS_OF[kind]:
        return
    for other, models_of in MODELS_OF.items():
        if model in models_of:
            *first, last = MODELS_OF[kind]
            raise SettingsError(
                f"--model {model} is for {_FOR[other]}; --data {data} {_has(kind)}: take --model "
                f"{', '.join(first)} or {last}"
            )
    raise SettingsError(
        f"--model {model} is none of {', '.join([*IMAGE_MODELS, *TEXT_MODELS])}, and no file.py:Net"
    )


def _has(kind: str) -> str:
    return {"text": "is a text", "table": "is a table"}.get(kind, "has images")


def _check_images(settings: Settings) -> None:
    source = DATA[settings.data]
    _, height, width = source.shape
    if source.bundled and settings.root is not None:
        raise SettingsError(
            f"--root is for data read from files; --data {settings.data} is in the package"
        )
    if source.bundled or settings.root is None:
        pass
    elif not Path(settings.root).expanduser().is_dir():
        _refuse_root(settings)
    if settings.model == "resnet18" and min(height, width) < 16:
        raise SettingsError(
            f"--model resnet18 halves images three times: {height}x{width} pixels of --data "
            f"{settings.data} are too few; take --model cnn"
        )


def say_if_missing(dataset: Any, settings: Settings) -> None:
    """Say where the files of a data set were looked for, before they are downloaded there."""
    if dataset.located(settings.root) is None:
        root = data_root(settings.root)
        Output().warn(f"{settings.data} was not found in {root}: it is downloaded there")


def _refuse_root(settings: Settings) -> None:
    """Leave a folder that is not there to the download, if it can be made."""
    assert settings.root is not None
    folder = Path(settings.root).expanduser()
    made = missing_folders(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"--root {settings.root}: no files of {settings.data} are there, and the folder cannot "
            f"be made to download them: {error.strerror or error}"
        ) from error
    finally:
        remove_if_empty(made)  # the download makes them again


def _check_path(settings: Settings) -> None:
    if settings.root is not None:
        raise SettingsError(
            f"--root is for data sets with a name; --data {settings.data} is a file or folder "
            "itself"
        )


def _check_text(settings: Settings) -> None:
    data, model = settings.data, settings.model
    if data in TEXTS:
        if settings.root is not None and not Path(settings.root).expanduser().is_dir():
            _refuse_root(settings)
    else:
        _check_path(settings)
    if model not in SIZES:
        return
    if settings.heads is not None and "heads" not in SIZES[model]:
        raise SettingsError(f"--heads is for --model gpt; --model {model} has no attention")
    _fill(settings, SIZES[model])
    if model == "gpt" and settings.width % settings.heads:  # type: ignore[operator]
        raise SettingsError(
            f"--width {settings.width} is not divisible by --heads {settings.heads}, "
            "among which it is shared out"
        )
