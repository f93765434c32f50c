"""CIFAR-10 and CIFAR-100, from the batches of their "python versions"."""

import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minigrad.core.types import Array
from minigrad.utils.data_files.download import Member, Remote, download, write_checked
from minigrad.utils.data_files.files import MOST_BYTES, data_root, find, located, not_found, read
from minigrad.vision.datasets.images import ImageDataset, check_targets
from minigrad.vision.datasets.unpickle import unpickle
from minigrad.vision.transforms.compose import Transform

_ROW = 3 * 32 * 32


class CIFAR10(ImageDataset):
    """60 000 colour photographs, 32x32 pixels, of ten classes: 50 000 to train, 10 000 to test.

    `root` (default: `MINIGRAD_DATA`, then the user's cache directory) has the batches, gzipped or
    not, in `cifar-10-batches-py/` as torchvision keeps them, in `CIFAR10/`, `cifar10/` or itself;
    `download` fetches the archive (170 MB) and unpacks it.  `data` is a uint8 array (N, 32, 32, 3),
    `targets` a list of ints.  The batches are pickles; the reader accepts only bytes, numbers,
    lists, dicts and one uint8 array in them.  Raises RuntimeError if files are missing or cannot be
    downloaded, ValueError if they are damaged or contain anything else.

    Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.

    PyTorch differs: images reach the transform as NumPy arrays, and batches.meta is not needed.
    """

    mirrors: ClassVar[list[str]] = ["https://www.cs.toronto.edu/~kriz/"]
    archive: ClassVar[Remote] = Remote(
        "cifar-10-python.tar.gz", 170_498_071, "c58f30108f718f92721af3b95e74349a"
    )
    base_folder: ClassVar[str] = "cifar-10-batches-py"
    label_key: ClassVar[bytes] = b"labels"
    train_list: ClassVar[list[Remote | Member]] = [
        Remote("data_batch_1", 31_035_704, "c99cafc152244af753f735de768cd75f"),
        Remote("data_batch_2", 31_035_320, "d4bba439e000b95fd0a9bffe97cbabec"),
        Remote("data_batch_3", 31_035_999, "54ebc095f3ab1f0389bbae665268c751"),
        Remote("data_batch_4", 31_035_696, "634d18415352ddfa80567beed471001a"),
        Remote("data_batch_5", 31_035_623, "482c414d41f54cd18b22e5b47cb7c3cb"),
    ]
    test_list: ClassVar[list[Remote | Member]] = [
        Remote("test_batch", 31_035_526, "40351d587109b95175f43aff81a1287e"),
    ]
    meta: ClassVar[Remote | Member] = Remote(
        "batches.meta", 158, "5ff9c542aee3614f3951f8cda6e48888"
    )
    folders: ClassVar[list[str]] = ["cifar-10-batches-py", "CIFAR10", "cifar10", ""]
    data: Array
    targets: list[int]
    classes: ClassVar[list[str]] = [
        "airplane", "automobile", "bird", "cat", "deer",
        "dog", "frog", "horse", "ship", "truck",
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
        names = [remote.name for remote in (self.train_list if train else self.test_list)]
        batches = [self._read_batch(self._file(name)) for name in names]
        planes = np.concatenate([images for images, _ in batches]).reshape(-1, 3, 32, 32)
        super().__init__(
            planes.transpose(0, 2, 3, 1),
            [label for _, labels in batches for label in labels],
            root=self.root,
            train=train,
            transform=transform,
            target_transform=target_transform,
        )

    @classmethod
    def located(cls, root: str | Path | None = None) -> Path | None:
        """The folder with the batches, or None if some are missing."""
        names = [remote.name for remote in [*cls.train_list, *cls.test_list]]
        return located(root, cls.folders, names)

    def download(self) -> None:
        """Fetch the archive and unpack its batches, unless the root has them all."""
        members = {member.name: member for member in [*self.train_list, *self.test_list, self.meta]}
        if all(find(self.root, self.folders, name) for name in members):
            return
        archive = self.root / self.archive.name
        download([mirror + self.archive.name for mirror in self.mirrors], archive, self.archive)
        try:
            with tarfile.open(archive, "r:gz") as opened:
                for member in opened:
                    folder, _, name = member.name.partition("/")
                    if member.size > MOST_BYTES:
                        raise ValueError(f"{archive} has a member of {member.size:,} bytes")
                    content = opened.extractfile(member)
                    if folder == self.base_folder and name in members and content is not None:
                        target = self.root / self.base_folder / name
                        write_checked(content.read(), target, members.pop(name))
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise ValueError(f"{archive} is not a complete archive: {error}") from error
        if members:
            raise ValueError(f"{archive} has no {', '.join(sorted(members))}")

    def _file(self, name: str) -> Path:
        path = find(self.root, self.folders, name)
        if path is None:
            raise not_found(type(self).__name__, name, self.root, self.folders)
        return path

    def _read_batch(self, path: Path) -> tuple[Array, list[int]]:
        """(N, 3072) uint8 pixels, each row a red, a green and a blue plane, and N labels."""
        refused = f"{path} is not a batch of {type(self).__name__.replace('CIFAR', 'CIFAR-')}"
        try:
            batch = unpickle(read(path))
        except ValueError as error:
            raise ValueError(f"{refused}: {error}") from error
        images = batch.get(b"data") if isinstance(batch, dict) else None
        labels = batch.get(self.label_key) if isinstance(batch, dict) else None
        if not isinstance(images, np.ndarray) or not isinstance(labels, list):
            raise ValueError(f"{refused}: expected an array b'data' and a list {self.label_key!r}")
        if images.ndim != 2 or images.shape[1] != _ROW:
            raise ValueError(f"{path}: expected data of shape (N, {_ROW}), got {images.shape}")
        if not all(type(label) is int for label in labels):
            raise ValueError(f"{path}: expected labels that are integers")
        check_targets(np.array(labels, dtype=np.int64), len(images), len(self.classes), path)
        return images, labels


class CIFAR100(CIFAR10):
    """60 000 colour photographs, 32x32 pixels, of a hundred classes: 500 + 100 of each.

    As `CIFAR10`, with its files in `cifar-100-python/` as torchvision keeps them, in `CIFAR100/`,
    `cifar100/` or the root itself.  Targets are the fine labels.

    Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
    """

    archive: ClassVar[Remote] = Remote(
        "cifar-100-python.tar.gz", 169_001_437, "eb9058c3a382ffc7106e4002c42a8d85"
    )
    base_folder: ClassVar[str] = "cifar-100-python"
    label_key: ClassVar[bytes] = b"fine_labels"
    train_list: ClassVar[list[Remote | Member]] = [
        Member("train", "16019d7e3df5f24257cddd939b257f8d")
    ]
    test_list: ClassVar[list[Remote | Member]] = [
        Member("test", "f0ef6b0ae62326f3e7ffdfab6717acfc")
    ]
    meta: ClassVar[Remote | Member] = Member("meta", "7973b15100ade9c7d40fb424638fde48")
    folders: ClassVar[list[str]] = ["cifar-100-python", "CIFAR100", "cifar100", ""]
    classes: ClassVar[list[str]] = [
        "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle",
        "bottle", "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle",
        "caterpillar", "cattle", "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch",
        "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish", "forest", "fox",
        "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard",
        "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse",
        "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck",
        "pine_tree", "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray",
        "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail",
        "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
        "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle",
        "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
    ]  # fmt: skip
