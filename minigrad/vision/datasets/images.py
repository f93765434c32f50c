"""ImageDataset: the base of image datasets, with samples, whole batches and printing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.utils.data import Columns, Dataset
from minigrad.vision.transforms import batch_form
from minigrad.vision.transforms.compose import Transform


class ImageDataset(Dataset[tuple[Any, Any]]):
    """Images `data` (N, H, W) or (N, H, W, C), uint8, with their class indices `targets`.

    A sample is (image, target): a uint8 NumPy array (H, W) or (H, W, C) and an int, each after its
    transform.  If every transform has a form for a stack of images, a DataLoader's batch is
    transformed at once, with the same result.

    PyTorch differs: transforms get NumPy arrays here, PIL images in torchvision.
    """

    classes: ClassVar[list[str]]

    def __init__(
        self,
        data: Tensor | Array,
        targets: Tensor | list[int],
        *,
        root: Path,
        train: bool,
        transform: Transform | None,
        target_transform: Callable[[int], Any] | None,
    ) -> None:
        self.data = data
        self.targets = targets
        self.root = root
        self.train = train
        self.transform = transform
        self.target_transform = target_transform

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The class indices by name."""
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

    def _transformed(self, images: Array) -> Any:
        if self.transform is None:
            return images
        on_batch = batch_form(self.transform)
        return [self.transform(image) for image in images] if on_batch is None else on_batch(images)

    def _targets(self, indices: Sequence[int]) -> list[Any]:
        stored: Any = self.targets.array if isinstance(self.targets, Tensor) else self.targets
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


def check_targets(targets: Array, images: int, classes: int, source: Path) -> None:
    """Raise ValueError unless there is one target for each image, each a class index."""
    if len(targets) != images:
        raise ValueError(f"{source}: {len(targets)} labels for {images} images")
    wrong = np.flatnonzero((targets < 0) | (targets >= classes))
    if wrong.size:
        raise ValueError(
            f"{source}: label {targets[wrong[0]]} at position {wrong[0]} is out of range; "
            f"expected 0 to {classes - 1}"
        )
