"""MNIST and FashionMNIST, from their idx files."""

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.utils.data_files.download import Remote, download
from minigrad.utils.data_files.files import data_root, find, located, not_found, read_idx
from minigrad.vision.datasets.images import ImageDataset, check_targets
from minigrad.vision.transforms.compose import Transform


class MNIST(ImageDataset):
    """70 000 handwritten digits, 28x28 grey pixels: 60 000 to train, 10 000 to test.

    `root` (default: `MINIGRAD_DATA`, then the user's cache directory) has the four published
    files, gzipped or not, in `MNIST/raw/` as torchvision keeps them, in `MNIST/`, `mnist/` or
    itself; `download` fetches those that are missing.  `data` is a uint8 Tensor (N, 28, 28),
    `targets` an int64 Tensor (N,).  Raises RuntimeError if files are missing or cannot be
    downloaded, ValueError if they are damaged.

    LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document recognition.

    PyTorch differs: images reach the transform as NumPy arrays; the files are read from where
    they are, without unpacking them.
    """

    mirrors: ClassVar[list[str]] = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ]
    resources: ClassVar[list[Remote]] = [
        Remote("train-images-idx3-ubyte.gz", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        Remote("train-labels-idx1-ubyte.gz", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        Remote("t10k-images-idx3-ubyte.gz", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        Remote("t10k-labels-idx1-ubyte.gz", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    folders: ClassVar[list[str]] = ["MNIST/raw", "MNIST", "mnist", ""]
    data: Tensor
    targets: Tensor
    classes: ClassVar[list[str]] = [
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four",
        "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine",
    ]  # fmt: skip

    def __init__(
        self,
        root: str | Path | None = None,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Callable[[int], Any] | None = None,
        download: bool = False,
    ) -> None:
        self.root = data_root(root)
        if download:
            self.download()
        prefix = self._prefix(train)
        images_file = self._file(f"{prefix}-images-idx3-ubyte")
        labels_file = self._file(f"{prefix}-labels-idx1-ubyte")
        _refuse_other_dataset(labels_file, type(self).__name__)
        images, labels = read_idx(images_file, ndim=3), read_idx(labels_file, ndim=1)
        check_targets(labels, len(images), len(self.classes), labels_file)
        super().__init__(
            from_numpy(images),
            from_numpy(labels.astype(np.int64)),
            root=self.root,
            train=train,
            transform=transform,
            target_transform=target_transform,
        )

    @classmethod
    def located(cls, root: str | Path | None = None) -> Path | None:
        """The folder with the files, or None if some are missing."""
        names = [remote.name.removesuffix(".gz") for remote in cls.resources]
        return located(root, cls.folders, names)

    @property
    def train_data(self) -> Tensor:
        """The old name of `data`."""
        warnings.warn("train_data has been renamed data", stacklevel=2)
        return self.data

    @property
    def test_data(self) -> Tensor:
        """The old name of `data`."""
        warnings.warn("test_data has been renamed data", stacklevel=2)
        return self.data

    @property
    def train_labels(self) -> Tensor:
        """The old name of `targets`."""
        warnings.warn("train_labels has been renamed targets", stacklevel=2)
        return self.targets

    @property
    def test_labels(self) -> Tensor:
        """The old name of `targets`."""
        warnings.warn("test_labels has been renamed targets", stacklevel=2)
        return self.targets

    def download(self) -> None:
        """Fetch the published files that the root does not have, or has incomplete."""
        for remote in self.resources:
            target = self.root / self.folders[0] / remote.name
            if find(self.root, self.folders, remote.name.removesuffix(".gz")) in (None, target):
                download([mirror + remote.name for mirror in self.mirrors], target, remote)

    def _prefix(self, train: bool) -> str:
        """How the names of the files with the training or the test part begin."""
        return "train" if train else "t10k"

    def _file(self, name: str) -> Path:
        path = find(self.root, self.folders, name)
        if path is None:
            raise not_found(type(self).__name__, name, self.root, self.folders)
        return path


class FashionMNIST(MNIST):
    """70 000 pictures of clothes in MNIST's format: 28x28 grey pixels, 60 000 + 10 000.

    As `MNIST`, with its files in `FashionMNIST/raw/`, `FashionMNIST/`, `fashion-mnist/` or the
    root itself.

    Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747.
    """

    mirrors: ClassVar[list[str]] = [
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ]
    resources: ClassVar[list[Remote]] = [
        Remote("train-images-idx3-ubyte.gz", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        Remote("train-labels-idx1-ubyte.gz", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
        Remote("t10k-images-idx3-ubyte.gz", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
        Remote("t10k-labels-idx1-ubyte.gz", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    folders: ClassVar[list[str]] = ["FashionMNIST/raw", "FashionMNIST", "fashion-mnist", ""]
    classes: ClassVar[list[str]] = [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ]  # fmt: skip


class KMNIST(MNIST):
    """70 000 handwritten hiragana in MNIST's format: 28x28 grey pixels, 60 000 + 10 000.

    As `MNIST`, with its files in `KMNIST/raw/`, `KMNIST/`, `kmnist/` or the root itself.

    Clanuwat, Bober-Irizar, Kitamoto, Lamb, Yamamoto & Ha 2018, arXiv:1812.01718.
    """

    mirrors: ClassVar[list[str]] = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources: ClassVar[list[Remote]] = [
        Remote("train-images-idx3-ubyte.gz", 18_165_135, "bdb82020997e1d708af4cf47b453dcf7"),
        Remote("train-labels-idx1-ubyte.gz", 29_497, "e144d726b3acfaa3e44228e80efcd344"),
        Remote("t10k-images-idx3-ubyte.gz", 3_041_136, "5c965bf0a639b31b8f53240b1b52f4d7"),
        Remote("t10k-labels-idx1-ubyte.gz", 5_120, "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    folders: ClassVar[list[str]] = ["KMNIST/raw", "KMNIST", "kmnist", ""]
    classes: ClassVar[list[str]] = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]


# The datasets' files have the same names, so the files of one may be in the root of the other.
_LABELS_OF = {
    remote.md5: dataset.__name__
    for dataset in (MNIST, FashionMNIST, KMNIST)
    for remote in dataset.resources
    if "labels" in remote.name
} | {
    "a25bea736e30d166cdddb491f175f624": "MNIST",  # decompressed
    "27ae3e4e09519cfbb04c329615203637": "MNIST",
}


def _refuse_other_dataset(labels_file: Path, wanted: str) -> None:
    owner = _LABELS_OF.get(hashlib.md5(labels_file.read_bytes(), usedforsecurity=False).hexdigest())
    if owner is not None and wanted in _LABELS_OF.values() and owner != wanted:
        raise ValueError(f"{labels_file} is {owner}'s file of this name, not {wanted}'s")
