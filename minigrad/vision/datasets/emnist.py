"""EMNIST: handwritten letters and digits in MNIST's format, in six splits."""

import string
import zipfile
from pathlib import Path
from typing import Any, ClassVar

from minigrad.utils.data_files.download import Remote, download, write_whole
from minigrad.utils.data_files.files import find, located
from minigrad.vision.datasets.mnist import MNIST

# Letters whose upper and lower case look alike are one class, the upper case, in merged splits.
_MERGED = sorted({*string.digits, *string.ascii_letters} - set("cijklmopsuvwxyz"))


class EMNIST(MNIST):
    """Handwritten letters and digits, 28x28 grey pixels; `split` says which.

    "byclass" (62 classes, 814 255 images), "bymerge" (47 classes: letters that look alike in both
    cases are one), "balanced" (the same with 2 800 of each), "letters" (26 classes, from 1 on),
    "digits" and "mnist" (10 classes).  Pixels are stored in columns, as published: an image looks
    transposed beside MNIST's.

    As `MNIST`, with its files in `EMNIST/raw/`, `EMNIST/`, `emnist/`, `gzip/` or the root itself;
    `download` fetches the archive of all splits (562 MB) and unpacks it.  Raises ValueError for
    another split.

    Cohen, Afshar, Tapson & van Schaik 2017, arXiv:1702.05373.
    """

    mirrors: ClassVar[list[str]] = ["https://biometrics.nist.gov/cs_links/EMNIST/"]
    archive: ClassVar[Remote] = Remote("gzip.zip", 561_753_746, "58c8d27c78d21e728a6bc7b3cc06412e")
    folders: ClassVar[list[str]] = ["EMNIST/raw", "EMNIST", "emnist", "gzip", ""]
    splits: ClassVar[tuple[str, ...]] = (
        "byclass", "bymerge", "balanced", "letters", "digits", "mnist",
    )  # fmt: skip
    classes_split_dict: ClassVar[dict[str, list[str]]] = {
        "byclass": sorted(string.digits + string.ascii_letters),
        "bymerge": _MERGED,
        "balanced": _MERGED,
        "letters": ["N/A", *string.ascii_lowercase],
        "digits": list(string.digits),
        "mnist": list(string.digits),
    }

    def __init__(self, root: str | Path | None, split: str, **kwargs: Any) -> None:
        if split not in self.splits:
            raise ValueError(
                f"Unknown value {split!r} for argument split. Valid values are {self.splits}."
            )
        self.split = split
        vars(self)["classes"] = self.classes_split_dict[split]  # an attribute of this split alone
        super().__init__(root, **kwargs)

    @classmethod
    def located(cls, root: str | Path | None = None) -> Path | None:
        """The folder with the files of all splits, or None if some are missing."""
        return located(root, cls.folders, [name for split in cls.splits for name in _names(split)])

    def download(self) -> None:
        """Fetch the archive and unpack it, unless the root has the split's files."""
        if all(find(self.root, self.folders, name) for name in _names(self.split)):
            return
        folder = self.root / self.folders[0]
        path = folder / self.archive.name
        download([mirror + self.archive.name for mirror in self.mirrors], path, self.archive)
        try:
            with zipfile.ZipFile(path) as archive:
                for split in self.splits:
                    for name in _names(split):
                        write_whole(archive.read(f"gzip/{name}.gz"), folder / f"{name}.gz")
        except (zipfile.BadZipFile, KeyError) as error:
            raise ValueError(f"{path} is not a complete archive: {error}") from error

    def _prefix(self, train: bool) -> str:
        return f"emnist-{self.split}-{'train' if train else 'test'}"


def _names(split: str) -> list[str]:
    """The four files of a split."""
    return [
        f"emnist-{split}-{part}-{kind}-ubyte"
        for part in ("train", "test")
        for kind in ("images-idx3", "labels-idx1")
    ]
