"""VisionDataset: the base of users' datasets, under torchvision's name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from minigrad.utils.data import Dataset

Transforms = Callable[..., Any]


class VisionDataset(Dataset[Any]):
    """The base of datasets of images: where they are, and what is done to a sample.

    transforms: a function of (image, target); or transform and target_transform, one function for
    each.  Raises ValueError if both ways are given.  `extra_repr` adds lines to what is printed.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        transforms: Transforms | None = None,
        transform: Transforms | None = None,
        target_transform: Transforms | None = None,
    ) -> None:
        self.root: Any = Path(root).expanduser() if isinstance(root, str) else root
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError(
                "Only transforms or transform/target_transform can be passed as argument"
            )
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__ of its own")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__ of its own")

    def extra_repr(self) -> str:
        """Further lines for `repr`."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        if self.transforms is not None:
            lines.append(repr(self.transforms))
        return "\n".join([f"Dataset {type(self).__name__}", *(f"    {line}" for line in lines)])


class StandardTransform:
    """A function of (image, target) from one of the image and one of the target."""

    def __init__(
        self, transform: Transforms | None = None, target_transform: Transforms | None = None
    ) -> None:
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, input: Any, target: Any) -> tuple[Any, Any]:
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def __repr__(self) -> str:
        lines = [type(self).__name__]
        for title, transform in (
            ("Transform: ", self.transform),
            ("Target transform: ", self.target_transform),
        ):
            if transform is not None:
                lines.append(title + repr(transform).replace("\n", "\n" + " " * len(title)))
        return "\n".join(lines)
