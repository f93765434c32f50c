"""Images to train on: data sets by name, and folders of users' own."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.training.choices import DATA, say_if_missing
from minigrad.training.data.preparation import (
    UnreadableImageError,
    augmented,
    erased,
    opened,
    read_pixels,
)
from minigrad.training.data.source import Source, held_out
from minigrad.training.settings import Settings, SettingsError
from minigrad.utils.data import Dataset
from minigrad.vision import transforms
from minigrad.vision.datasets.folder import is_image_file

KEPT_PIXELS = 1 << 29  # bytes of decoded images that are kept in memory
USUAL_SIZE = 64
_TEST_FOLDERS = ("val", "valid", "validation", "test")


def _transform(settings: Settings, size: int, mean: list[float], std: list[float]) -> Any:
    steps = [
        *augmented(settings.augment, size),
        transforms.ToTensor(),
        transforms.Normalize(tuple(mean), tuple(std)),
        *erased(settings.augment),
    ]
    return transforms.Compose(steps)


def named_images(settings: Settings) -> Source:
    """A data set by its name.  Raises SettingsError if files are missing or damaged."""
    named = DATA[settings.data]
    channels, height, width = named.shape
    middle = [named.middle] * channels
    more = {} if named.bundled else {"root": settings.root, "download": True}
    if not named.bundled:
        say_if_missing(named.dataset, settings)
    plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(middle, middle)])
    try:
        train = named.dataset(
            train=True, transform=_transform(settings, height, middle, middle), **more
        )
        test = named.dataset(train=False, transform=plain, **more)
    except (OSError, RuntimeError, ValueError) as error:
        raise SettingsError(str(error)) from error
    scaled = np.uint8(255 // named.white)
    return Source(
        train,
        test,
        list(train.classes),
        _sizes(channels, height, width, len(train.classes)),
        {
            "kind": "images", "size": height, "channels": channels, "mean": middle, "std": middle,
            "white": named.white,
        },
        picture=lambda i: np.asarray(test.data[i]) * scaled,
    )  # fmt: skip


def _sizes(channels: int, height: int, width: int, classes: int) -> dict[str, Any]:
    return {
        "in_channels": channels,
        "image_size": height,
        "in_features": channels * height * width,
        "num_classes": classes,
    }


class FilesOfImages(Dataset[Any]):
    """Image files with the indices of their classes; decoded pixels are kept up to a limit."""

    def __init__(self, files: list[Path], labels: list[int], channels: int, size: int) -> None:
        self.files, self.labels = files, labels
        self.channels, self.size = channels, size
        self.transform: Callable[[Any], Any] | None = None
        self._pixels: dict[int, Array] = {}
        self._kept = len(files) * size * size * channels <= KEPT_PIXELS

    def __len__(self) -> int:
        return len(self.files)

    def pixels(self, index: int) -> Array:
        """The pixels of an image, uint8."""
        found = self._pixels.get(index)
        if found is None:
            found = read_pixels(self.files[index], self.channels, self.size)
            if self._kept:
                self._pixels[index] = found
        return found

    def __getitem__(self, index: int) -> tuple[Any, int]:
        pixels = self.pixels(index)
        return (pixels if self.transform is None else self.transform(pixels)), self.labels[index]


def folder_images(settings: Settings, prepared: dict[str, Any] | None) -> Source:
    """The images in a folder: CLASS/FILE, or train/CLASS/FILE and val/CLASS/FILE.

    prepared: the description of an earlier run, whose size, mean and deviation are kept.
    Without a folder for tests, a fifth of each class is held out.
    Raises SettingsError for a folder that has no such images, or has damaged ones.
    """
    folder = Path(settings.data).expanduser()
    train, test, classes = _divided(folder, settings.data)
    try:
        channels, size = _form([*train, *test], settings, prepared)
        datasets = [
            FilesOfImages([f for f, _ in part], [label for _, label in part], channels, size)
            for part in (train, test)
        ]
        mean, std = _statistics(datasets[0], prepared)
        _read_all(datasets[1])
    except (UnreadableImageError, OSError) as error:
        raise SettingsError(f"--data {settings.data}: {error}") from error
    except ImportError as error:
        raise SettingsError("reading image files needs PIL: install minigrad[plot]") from error
    datasets[0].transform = _transform(settings, size, mean, std)
    plain = [transforms.ToTensor(), transforms.Normalize(tuple(mean), tuple(std))]
    datasets[1].transform = transforms.Compose(plain)
    description = {"kind": "images", "size": size, "channels": channels, "mean": mean, "std": std}
    return Source(
        datasets[0],
        datasets[1],
        classes,
        _sizes(channels, size, size, len(classes)),
        description,
        picture=datasets[1].pixels,
    )


_Files = list[tuple[Path, int]]


def _divided(folder: Path, data: str) -> tuple[_Files, _Files, list[str]]:
    if (folder / "train").is_dir():
        classes = _classes(folder / "train", data)
        train = _files(folder / "train", classes)
        tests = [folder / name for name in _TEST_FOLDERS if (folder / name).is_dir()]
        if tests:
            if unknown := set(_classes(tests[0], data)) - set(classes):
                names = ", ".join(sorted(unknown))
                raise SettingsError(
                    f"--data {data}: {tests[0].name}/ has the classes {names}, which train/ has not"
                )
            return train, _files(tests[0], classes), classes
    else:
        classes = _classes(folder, data)
        train = _files(folder, classes)
    few = [name for name, n in zip(classes, _counts(train, classes), strict=True) if n < 2]
    if few:
        raise SettingsError(
            f"--data {data}: the class {few[0]} has fewer than 2 images, one to train and one to "
            "test on"
        )
    kept, held = held_out(np.array([label for _, label in train]))
    return [train[i] for i in kept], [train[i] for i in held], classes


def _counts(files: _Files, classes: list[str]) -> list[int]:
    found = Counter(label for _, label in files)
    return [found[i] for i in range(len(classes))]


def _classes(folder: Path, data: str) -> list[str]:
    """The folders in a folder that have images."""
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    classes = [name for name in names if any(_images(folder / name))]
    if len(classes) < 2:
        raise SettingsError(
            f"--data {data}: expected folders of images, one for each class, in {folder}; found "
            f"images in {len(classes)} of {len(names)} folders"
        )
    return classes


def _images(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if is_image_file(p.name) and p.is_file())


def _files(folder: Path, classes: list[str]) -> _Files:
    return [(path, i) for i, name in enumerate(classes) for path in _images(folder / name)]


def _form(files: _Files, settings: Settings, prepared: dict[str, Any] | None) -> tuple[int, int]:
    """Channels and size: what was prepared, or what all images have, or 3 and the usual size."""
    if prepared is not None:
        return int(prepared["channels"]), int(prepared["size"])
    forms = set()
    for path, _ in files:
        try:
            with opened(path) as image:
                forms.add((image.mode, *image.size))
        except Exception as error:
            raise UnreadableImageError(f"{path} cannot be read as an image: {error}") from error
    grey = all(mode in ("1", "L", "LA") or mode.startswith("I") for mode, _, _ in forms)
    sides = {side for _, *both in forms for side in both}
    equal = sides.pop() if len(sides) == 1 else None
    size = settings.image_size or (equal if equal and 4 <= equal <= 256 else USUAL_SIZE)
    return (1 if grey else 3), size


def _statistics(
    dataset: FilesOfImages, prepared: dict[str, Any] | None
) -> tuple[list[float], list[float]]:
    """Mean and deviation of each channel over all training images, in [0, 1]."""
    total = np.zeros(dataset.channels)
    squares = np.zeros(dataset.channels)
    if prepared is not None:
        return list(prepared["mean"]), list(prepared["std"])
    for index in range(len(dataset)):
        pixels = dataset.pixels(index).reshape(-1, dataset.channels) / 255
        total += pixels.mean(0)
        squares += np.square(pixels).mean(0)
    mean = total / len(dataset)
    deviation = np.sqrt(np.maximum(squares / len(dataset) - np.square(mean), 1e-6))
    return mean.tolist(), deviation.tolist()


def _read_all(dataset: FilesOfImages) -> None:
    """Read all images once: a damaged one is reported before training."""
    for index in range(len(dataset)):
        dataset.pixels(index)
