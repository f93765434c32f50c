"""Digits: small images of handwritten digits, part of the package."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.utils.data_files.files import read_idx
from minigrad.vision.datasets.images import ImageDataset, check_targets
from minigrad.vision.transforms.compose import Transform

_FOLDER = Path(__file__).parent.parent / "data"


class Digits(ImageDataset):
    """1 797 handwritten digits, 8x8 pixels with values 0 to 16: 1 437 to train, 360 to test.

    Part of the package: there is no download, and `root` is accepted and not used.  The split is
    fixed: the digits are sorted by class, each class in the file's order, and every fifth is a
    test image.  So a fifth of each class, +-1, is in the test.  The file has no writers, so the
    same writer may be in both parts.  `ToTensor` divides by 255, so values are up to 16/255;
    `Normalize` can scale them.

    Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository
    1998, doi:10.24432/C50P49, CC BY 4.0 (its test set).

    >>> from minigrad.vision.datasets import Digits
    >>> image, target = Digits(train=False)[0]
    >>> image.shape, target
    ((8, 8), 0)
    """

    data: Tensor
    targets: Tensor
    classes: ClassVar[list[str]] = [str(digit) for digit in range(10)]

    def __init__(
        self,
        root: str | Path | None = None,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ) -> None:
        images = read_idx(_FOLDER / "digits-images-idx3-ubyte.gz", ndim=3)
        labels = read_idx(_FOLDER / "digits-labels-idx1-ubyte.gz", ndim=1)
        check_targets(labels, len(images), len(self.classes), _FOLDER)
        chosen = split_every_fifth(labels, train)
        super().__init__(
            from_numpy(images[chosen]),
            from_numpy(labels[chosen].astype(np.int64)),
            root=_FOLDER if root is None else Path(root),
            train=train,
            transform=transform,
            target_transform=target_transform,
        )


def split_every_fifth(labels: Array, train: bool) -> Array:
    """Indices, in the file's order, of the training or test images."""
    by_class = np.argsort(labels, kind="stable")
    is_test = np.zeros(len(labels), dtype=bool)
    is_test[by_class[::5]] = True
    return np.flatnonzero(is_test != train)
