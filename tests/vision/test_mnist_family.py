"""KMNIST, EMNIST and CIFAR-100: their files, splits and classes."""

import gzip
import hashlib
import io
import zipfile

import numpy as np
import pytest

from minigrad.utils.data_files.download import Remote
from minigrad.vision import datasets, transforms
from tests.support.dataset_files import (
    idx,
    pickled_array,
    pickled_batch,
    pickled_labels,
    write_mnist,
)


@pytest.mark.parametrize("folder", ["", "KMNIST/raw", "KMNIST", "kmnist"])
def test_kmnist_is_found_in_every_layout(tmp_path, folder):
    write_mnist(tmp_path / folder, 12, packed=folder != "")
    letters = datasets.KMNIST(tmp_path)
    assert letters.data.shape == (12, 28, 28)
    assert letters.class_to_idx == {
        "o": 0, "ki": 1, "su": 2, "tsu": 3, "na": 4, "ha": 5, "ma": 6, "ya": 7, "re": 8, "wo": 9
    }  # fmt: skip


COUNTS = {"byclass": 62, "bymerge": 47, "balanced": 47, "letters": 27, "digits": 10, "mnist": 10}


def emnist_files(split, count=6):
    """The names and contents of a split's four files; labels are the last classes."""
    files = {}
    for part, extra in (("train", 0), ("test", 1)):
        images = np.arange((count + extra) * 784).reshape(-1, 28, 28)
        labels = COUNTS[split] - 1 - np.arange(count + extra)
        prefix = f"emnist-{split}-{part}"
        files[f"{prefix}-images-idx3-ubyte"] = idx(images)
        files[f"{prefix}-labels-idx1-ubyte"] = idx(labels)
    return files


@pytest.mark.parametrize("split", COUNTS)
def test_emnist_has_six_splits(tmp_path, split):
    for name, content in emnist_files(split).items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    train = datasets.EMNIST(tmp_path, split, transform=transforms.ToTensor())
    test = datasets.EMNIST(tmp_path, split=split, train=False)
    assert (len(train), len(test)) == (6, 7)
    assert len(train.classes) == COUNTS[split]
    assert train.classes == sorted(train.classes) or split == "letters"
    assert train.targets.tolist() == [COUNTS[split] - 1 - n for n in range(6)]
    assert train[0][0].shape == (1, 28, 28)
    last = {"byclass": "z", "bymerge": "t", "balanced": "t", "letters": "z"}.get(split, "9")
    assert train.classes[train[0][1]] == last
    other = "digits" if split != "digits" else "letters"
    with pytest.raises(RuntimeError, match=f"emnist-{other}-train-images-idx3-ubyte.*not found|"
                                           "EMNIST not found: looked for emnist"):  # fmt: skip
        datasets.EMNIST(tmp_path, other)


def test_the_merged_letters_look_alike_in_both_cases():
    merged = set(datasets.EMNIST.classes_split_dict["byclass"]) - set(
        datasets.EMNIST.classes_split_dict["bymerge"]
    )
    assert merged == set("cijklmopsuvwxyz")
    assert datasets.EMNIST.classes_split_dict["letters"][:3] == ["N/A", "a", "b"]
    with pytest.raises(ValueError, match="Unknown value 'words' for argument split"):
        datasets.EMNIST("anywhere", "words")


def test_emnist_is_unpacked_from_its_archive(tmp_path, monkeypatch):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("gzip/emnist-letters-mapping.txt", "1 65 97")
        archive.writestr("../outside", "")
        for split in COUNTS:
            for name, content in emnist_files(split).items():
                archive.writestr(f"gzip/{name}.gz", gzip.compress(content))
    content = packed.getvalue()

    class EMNIST(datasets.EMNIST):
        archive = Remote("gzip.zip", len(content), hashlib.md5(content).hexdigest())

    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "gzip.zip").write_bytes(content)  # complete, so nothing is transferred
    assert len(EMNIST(tmp_path, "letters", train=False, download=True)) == 7
    assert EMNIST.located(tmp_path) == raw
    assert len(list(raw.iterdir())) == 25
    assert not (tmp_path / "outside").exists()
    monkeypatch.setattr(
        EMNIST, "archive", Remote("gzip.zip", 9, hashlib.md5(b"no archiv").hexdigest())
    )
    (tmp_path / "new" / "EMNIST" / "raw").mkdir(parents=True)
    (tmp_path / "new" / "EMNIST" / "raw" / "gzip.zip").write_bytes(b"no archiv")
    with pytest.raises(ValueError, match=r"gzip\.zip is not a complete archive"):
        EMNIST(tmp_path / "new", "digits", download=True)


@pytest.mark.parametrize("folder", ["", "cifar-100-python", "CIFAR100", "cifar100"])
def test_cifar100_has_fine_labels(tmp_path, folder):
    (tmp_path / folder).mkdir(exist_ok=True)
    images = np.random.default_rng(0).integers(0, 256, (3, 3072), dtype=np.uint8)
    for name, labels in (("train", [0, 99, 42]), ("test", [5, 6, 7])):
        array = pickled_array(images.shape, images.tobytes())
        content = pickled_batch(array, pickled_labels(labels), b"fine_labels")
        (tmp_path / folder / name).write_bytes(content)
    train, test = datasets.CIFAR100(tmp_path), datasets.CIFAR100(tmp_path, train=False)
    assert train.targets == [0, 99, 42]
    assert test.targets == [5, 6, 7]
    assert [train.classes[target] for target in train.targets] == ["apple", "worm", "leopard"]
    np.testing.assert_array_equal(train.data[1].transpose(2, 0, 1).ravel(), images[1])
    assert datasets.CIFAR100.located(tmp_path) == tmp_path / folder
    (tmp_path / folder / "test").write_bytes(
        pickled_batch(pickled_array(images.shape, images.tobytes()), pickled_labels([1, 2, 3]))
    )
    with pytest.raises(ValueError, match=r"not a batch of CIFAR-100: .*list b'fine_labels'"):
        datasets.CIFAR100(tmp_path, train=False)


def test_cifar100_s_classes_are_in_alphabetical_order():
    classes = datasets.CIFAR100.classes
    assert len(set(classes)) == 100
    assert classes == sorted(classes)


@pytest.mark.parametrize("cls", [datasets.KMNIST, datasets.CIFAR100])
def test_missing_files_are_reported_with_places_and_remedies(tmp_path, cls):
    with pytest.raises(
        RuntimeError, match=rf"{cls.__name__} not found: looked for [\s\S]*download"
    ):
        cls(tmp_path)
