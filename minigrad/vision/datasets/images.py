"""What the image datasets share: samples, whole batches, and how they print."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minigrad.tensor import Tensor
from minigrad.utils.data import Columns, Dataset
from minigrad.vision.transforms import batch_form


class ImageDataset(Dataset[tuple[Any, Any]]):
    """Images `data` (N, H, W) or (N, H, W, C), uint8, with their class numbers `targets`.

    A sample is (image, target): a uint8 NumPy array (H, W) or (H, W, C) and an int, each after its
    transform.  Where every transform can take a stack of images, a DataLoader's batch is
    transformed at once, with the same result.

    PyTorch differs: torchvision hands PIL images to the transforms.
    """

    classes: ClassVar[list[str]]

    def __init__(
        self,
        data: Any,
        targets: Any,
        *,
        root: Path,
        train: bool,
        transform: Callable[[Any], Any] | None,
        target_transform: Callable[[Any], Any] | None,
    ) -> None:
        self.data = data
        self.targets = targets
        self.root = root
        self.train = train
        self.transform = transform
        self.target_transform = target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        """From a class's name to its number."""
        return {name: number for number, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = np.asarray(self.data)[index]
        if self.transform is not None:
            image = self.transform(image)
        return image, self._targets([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> Columns:
        images = np.asarray(self.data)[np.asarray(indices, dtype=np.int64)]
        return Columns(self._transformed(images), self._targets(indices))

    def _transformed(self, images: np.ndarray) -> Any:
        if self.transform is None:
            return images
        at_once = batch_form(self.transform)
        return [self.transform(image) for image in images] if at_once is None else at_once(images)

    def _targets(self, indices: Sequence[int]) -> list[Any]:
        stored = self.targets.array if isinstance(self.targets, Tensor) else self.targets
        targets = [int(stored[index]) for index in indices]
        return (
            targets if self.target_transform is None else list(map(self.target_transform, targets))
        )

    def __repr__(self) -> str:
        lines = [
            f"Dataset {type(self).__name__}",
            f"    Number of datapoints: {len(self)}",
            f"    Root location: {self.root}",
            f"    Split: {'Train' if self.train else 'Test'}",
        ]
        for title, transform in (
            ("Transform", self.transform),
            ("Target transform", self.target_transform),
        ):
            if transform is not None:
                text = repr(transform).replace("\n", "\n" + " " * (6 + len(title)))
                lines.append(f"    {title}: {text}")
        return "\n".join(lines)


def check_targets(targets: np.ndarray, images: int, classes: int, source: Path) -> None:
    """ValueError unless there is one target for each image, each the number of a class."""
    if len(targets) != images:
        raise ValueError(f"{source}: {len(targets)} labels for {images} images")
    wrong = np.flatnonzero((targets < 0) | (targets >= classes))
    if wrong.size:
        raise ValueError(
            f"{source}: label {targets[wrong[0]]} at position {wrong[0]} is out of range; "
            f"expected 0 to {classes - 1}"
        )
