"""Datasets of files in folders, one folder for each class."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.vision.datasets.vision import VisionDataset
from minigrad.vision.transforms.compose import Transform

IMG_EXTENSIONS = (
    ".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp",
)  # fmt: skip


def has_file_allowed_extension(filename: str, extensions: str | Sequence[str]) -> bool:
    """True if the name ends in one of the extensions, in upper or lower case."""
    endings = (extensions,) if isinstance(extensions, str) else tuple(extensions)
    return filename.lower().endswith(tuple(ending.lower() for ending in endings))


def is_image_file(filename: str) -> bool:
    """True if the name ends as one of an image file."""
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def pil_loader(path: str | Path) -> Any:
    """The image file as a PIL image with the colours RGB.  Raises ImportError without PIL."""
    try:
        from PIL import Image  # noqa: PLC0415  optional
    except ImportError as error:
        raise ImportError("reading image files needs PIL: install minigrad[plot]") from error
    with Image.open(path) as image:
        return image.convert("RGB")


def default_loader(path: str | Path) -> Any:
    """The pixels (H, W, 3), uint8, of an image file.  Raises ImportError without PIL."""
    return np.array(pil_loader(path))


class DatasetFolder(VisionDataset):
    """Files root/CLASS/.../NAME, read by `loader`, with the index of their class.

    Classes and files are in alphabetical order.  Files count by their `extensions` or by
    `is_valid_file`, of which exactly one is given.  Raises FileNotFoundError for a root without
    folders, or for a class without files unless `allow_empty`.
    """

    def __init__(
        self,
        root: str | Path,
        loader: Callable[[str], Any],
        extensions: Sequence[str] | None = None,
        transform: Transform | None = None,
        target_transform: Callable[[int], Any] | None = None,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        if (extensions is None) == (is_valid_file is None):
            raise ValueError(
                "Both extensions and is_valid_file cannot be None or not None at the same time"
            )
        super().__init__(
            Path(root).expanduser(), transform=transform, target_transform=target_transform
        )
        self.loader = loader
        self.extensions = extensions
        endings = tuple(ending.lower() for ending in extensions or ())
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples: list[tuple[str, int]] = []
        for name, index in self.class_to_idx.items():
            files = sorted(str(p) for p in (self.root / name).rglob("*") if p.is_file())
            valid = [
                file
                for file in files
                if (
                    is_valid_file(file)
                    if is_valid_file
                    else has_file_allowed_extension(file, endings)
                )
            ]
            if not valid and not allow_empty:
                raise FileNotFoundError(
                    f"Found no valid file for the classes {name}. "
                    f"Supported extensions are: {', '.join(endings) or 'those of is_valid_file'}"
                )
            self.samples += [(file, index) for file in valid]
        self.targets = [index for _, index in self.samples]

    def find_classes(self, directory: str | Path) -> tuple[list[str], dict[str, int]]:
        """The names of the folders in `directory`, sorted, and their indices."""
        classes = sorted(entry.name for entry in Path(directory).iterdir() if entry.is_dir())
        if not classes:
            raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
        return classes, {name: index for index, name in enumerate(classes)}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        sample = self.loader(path)
        if self.transform is not None:
            sample = self.transform(sample)
        return sample, target if self.target_transform is None else self.target_transform(target)


class ImageFolder(DatasetFolder):
    """Images root/CLASS/.../NAME with the index of their class; see `DatasetFolder`.

    PyTorch differs: images reach the transform as NumPy arrays (H, W, 3); with
    loader=`pil_loader` as PIL images.
    """

    def __init__(
        self,
        root: str | Path,
        transform: Transform | None = None,
        target_transform: Callable[[int], Any] | None = None,
        loader: Callable[[str], Any] = default_loader,
        is_valid_file: Callable[[str], bool] | None = None,
        allow_empty: bool = False,
    ) -> None:
        super().__init__(
            root,
            loader,
            IMG_EXTENSIONS if is_valid_file is None else None,
            transform,
            target_transform,
            is_valid_file,
            allow_empty,
        )
        self.imgs = self.samples


class FakeData(VisionDataset):
    """Random images with random classes, the same for each index; `random_offset` is the seed.

    PyTorch differs: images are NumPy arrays (H, W, C) of evenly distributed pixels, uint8.
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Transform | None = None,
        target_transform: Callable[[int], Any] | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.image_size = image_size
        self.num_classes = num_classes
        self.random_offset = random_offset

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if not 0 <= index < self.size:
            raise IndexError(f"FakeData index out of range: {index} of {self.size}")
        random = np.random.default_rng(index + self.random_offset)
        channels, height, width = self.image_size
        image: Any = random.integers(0, 256, (height, width, channels), dtype=np.uint8)
        target: Any = int(random.integers(self.num_classes))
        if self.transform is not None:
            image = self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)
