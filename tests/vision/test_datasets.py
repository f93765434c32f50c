"""vision.datasets: their content, their samples and batches, and how damage is reported."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from minigrad.kernels.compiler.cache import cache_dir
from minigrad.ops.generator import Generator, default_generator
from minigrad.tensor import Tensor
from minigrad.utils.data import DataLoader, Subset, TensorDataset
from minigrad.utils.data_files.files import data_root, find, read_idx
from minigrad.vision import datasets, transforms
from minigrad.vision.transforms import Compose, Lambda, Normalize, ToTensor
from tests.support.dataset_files import (
    REAL,
    idx,
    needs_cifar,
    needs_mnist,
    write_cifar,
    write_mnist,
)

# --- Digits ---


def test_digits_are_the_published_set():
    train, test = datasets.Digits(train=True), datasets.Digits(train=False)
    assert (len(train), len(test)) == (1437, 360)
    images = np.concatenate([train.data.array, test.data.array])
    labels = np.concatenate([train.targets.array, test.targets.array])
    assert images.shape == (1797, 8, 8)
    assert images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, 16)
    # The class counts that UCI's description of the set states for its 1 797 test images.
    published = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(labels).tolist() == published
    shares = np.bincount(test.targets.array) / published
    assert np.all(np.abs(shares - 0.2) < 1 / 170)
    assert len(np.unique(images.reshape(1797, 64), axis=0)) == 1797  # no image in both parts
    # The first image of the published set, a zero, and its row sums.
    assert images.reshape(-1, 64).tolist().count(
        [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0,
         0, 8, 8, 0, 0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0,
         0, 6, 13, 10, 0, 0, 0]
    ) == 1  # fmt: skip


def test_nearest_neighbours_classify_digits():
    """Images and labels belong together: 1-NN is known to reach about 98 % on this set."""
    train, test = datasets.Digits(), datasets.Digits(train=False)
    a, b = (d.data.array.reshape(len(d), 64).astype(float) for d in (train, test))
    distances = (b**2).sum(1)[:, None] - 2 * b @ a.T + (a**2).sum(1)
    found = train.targets.array[distances.argmin(1)]
    assert (found == test.targets.array).mean() > 0.97


def test_a_dataset_says_what_it_is():
    digits = datasets.Digits(train=False, transform=Compose([ToTensor()]))
    text = repr(digits)
    assert text.startswith("Dataset Digits\n    Number of datapoints: 360\n    Root location: ")
    assert "Split: Test\n    Transform: Compose(\n                   ToTensor()\n" in text
    assert digits.class_to_idx["7"] == 7
    image, target = datasets.Digits()[0]
    assert isinstance(image, np.ndarray)
    assert image.shape == (8, 8)
    assert type(target) is int


def test_the_digits_files_are_small_and_attributed():
    folder = Path(datasets.__file__).parent.parent / "data"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 100_000
    attribution = (folder / "ATTRIBUTION.md").read_text()
    assert all(words in attribution for words in ("Alpaydin", "Kaynak", "10.24432/C50P49", "CC BY"))


# --- samples and batches ---

PIPELINES = {
    "none": None,
    "tensor": ToTensor(),
    "normalized": Compose([ToTensor(), Normalize((0.13,), (0.31,))]),
    "nested": Compose([Compose([ToTensor()]), Compose([])]),
    "lambda": Compose([Lambda(lambda image: image / 16), ToTensor()]),
    "function": lambda image: image.astype(np.float32).sum(),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_batch_is_the_stack_of_its_samples(name):
    digits = datasets.Digits(transform=PIPELINES[name], target_transform=lambda t: t + 100)
    indices = [3, 1436, 0, 3]
    images, targets = next(iter(DataLoader(digits, batch_sampler=[indices])))
    singles = [digits[index] for index in indices]
    stacked = np.stack([np.asarray(image) for image, _ in singles])
    assert isinstance(images, Tensor)
    assert images.array.dtype == stacked.dtype
    np.testing.assert_array_equal(images.array, stacked)
    assert targets.tolist() == [target for _, target in singles]


def test_a_batch_is_transformed_at_once_where_it_can_be():
    calls = []

    class Recorded(ToTensor):
        def __call__(self, image):
            calls.append(image.shape)
            return super().__call__(image)

        def batch(self, images):
            calls.append(images.shape)
            return super().batch(images)

    digits = datasets.Digits(transform=Compose([Recorded()]))
    next(iter(DataLoader(digits, batch_size=5)))
    assert calls == [(5, 8, 8)]
    assert digits[0][0].shape == (1, 8, 8)
    assert calls == [(5, 8, 8), (8, 8)]


def test_a_transform_overridden_for_one_image_holds_for_a_batch():
    class Halved(Normalize):
        def __call__(self, tensor):
            return super().__call__(tensor) * 0.5

    digits = datasets.Digits(transform=Compose([ToTensor(), Halved((0.0,), (1.0,))]))
    images, _ = next(iter(DataLoader(digits, batch_size=2)))
    np.testing.assert_array_equal(images.array[1, 0], digits.data.array[1] / np.float32(255) / 2)


def test_data_and_targets_may_be_replaced():
    digits = datasets.Digits()
    digits.data, digits.targets = digits.data[5:8], digits.targets[5:8].tolist()
    images, targets = next(iter(DataLoader(digits, batch_size=10)))
    assert images.shape == (3, 8, 8)
    assert targets.tolist() == digits.targets


def test_random_transforms_follow_the_seed_for_any_number_of_workers():
    flip = Compose([transforms.RandomCrop(8, padding=2), transforms.RandomHorizontalFlip()])
    digits = Subset(datasets.Digits(transform=flip), range(100))

    def epoch(workers):
        generator = Generator().manual_seed(3)
        loader = DataLoader(digits, 16, shuffle=True, num_workers=workers, generator=generator)
        return np.concatenate([images.array for images, _ in loader])

    plain = epoch(0)
    np.testing.assert_array_equal(epoch(2), plain)
    default_generator.manual_seed(11)
    one = [digits[i][0].tolist() for i in range(20)]
    default_generator.manual_seed(11)
    assert [digits[i][0].tolist() for i in range(20)] == one


# --- where files are looked for ---


def test_the_root_is_the_argument_then_the_variable_then_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path / "variable"))
    assert data_root(tmp_path) == tmp_path
    assert data_root(None) == tmp_path / "variable"
    monkeypatch.delenv("MINIGRAD_DATA")
    assert data_root(None) == cache_dir() / "data"
    assert data_root("~/data") == Path.home() / "data"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("folder", ["", "MNIST/raw", "MNIST", "mnist"])
def test_mnist_is_found_in_every_layout(tmp_path, folder, packed):
    write_mnist(tmp_path / folder, 12, packed=packed)
    mnist = datasets.MNIST(tmp_path)
    np.testing.assert_array_equal(mnist.data.array.ravel(), np.arange(12 * 784, dtype=np.uint8))
    assert mnist.targets.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert mnist.class_to_idx["3 - three"] == 3


def test_the_environment_s_root_is_used(monkeypatch, tmp_path):
    write_mnist(tmp_path, 4, "t10k")
    monkeypatch.setenv("MINIGRAD_DATA", str(tmp_path))
    assert len(datasets.MNIST(train=False)) == 4


@pytest.mark.parametrize("cls", [datasets.MNIST, datasets.FashionMNIST, datasets.CIFAR10])
def test_missing_files_are_reported_with_places_and_remedies(tmp_path, cls):
    with pytest.raises(RuntimeError) as caught:
        cls(tmp_path)
    message = str(caught.value)
    for words in (cls.__name__, str(tmp_path / cls.folders[0]), "download=True", "MINIGRAD_DATA"):
        assert words in message


def test_a_directory_of_the_file_s_name_is_not_taken_for_it(tmp_path):
    (tmp_path / "data").mkdir()
    assert find(tmp_path, [""], "data") is None


@needs_mnist
def test_fashion_is_not_taken_for_mnist(tmp_path):
    with pytest.raises(ValueError, match="MNIST's file of this name, not FashionMNIST's"):
        datasets.FashionMNIST(REAL / "mnist")
    for path in (REAL / "mnist").iterdir():
        (tmp_path / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    with pytest.raises(ValueError, match="MNIST's file of this name, not FashionMNIST's"):
        datasets.FashionMNIST(tmp_path, train=False)


# --- damaged files ---


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "too short: 0 bytes"),
        (b"\0\0\x08\x03\0\0", "too short: 6 bytes"),
        (idx(np.zeros(5)), "magic number 2049; expected 2051"),
        (b"\0\0\x0d\x03" + bytes(12), "magic number 3331; expected 2051"),
        (idx(np.zeros((5, 28, 28)))[:-1], r"3919 bytes .* \(5, 28, 28\), promises 3920"),
        (idx(np.zeros((5, 28, 28))) + b"\0", "3921 bytes .* promises 3920"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "0 bytes .* promises"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_damaged_idx_file_is_refused(tmp_path, content, message, packed):
    path = tmp_path / ("images.gz" if packed else "images")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(ValueError, match=message):
        read_idx(path, ndim=3)


def test_a_damaged_gzip_file_is_refused(tmp_path):
    whole = gzip.compress(idx(np.arange(3000) % 251))
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for content in (whole[:-9], whole[:5], b"<html>not found</html>", bytes(flipped)):
        path = tmp_path / "labels.gz"
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a complete gzip file"):
            read_idx(path, ndim=1)


def test_labels_that_do_not_fit_are_refused(tmp_path):
    write_mnist(tmp_path, 5)
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx(np.zeros(4))))
    with pytest.raises(ValueError, match="4 labels for 5 images"):
        datasets.MNIST(tmp_path)
    labels.write_bytes(gzip.compress(idx(np.array([0, 1, 10, 3, 4]))))
    with pytest.raises(ValueError, match="label 10 at position 2 is out of range; expected 0 to 9"):
        datasets.MNIST(tmp_path)


# --- CIFAR-10 ---


@pytest.mark.parametrize("folder", ["", "cifar-10-batches-py", "cifar10"])
def test_cifar_s_planes_become_pixels(tmp_path, folder):
    images = write_cifar(tmp_path / folder)
    train, test = datasets.CIFAR10(tmp_path), datasets.CIFAR10(tmp_path, train=False)
    assert train.data.shape == (15, 32, 32, 3)
    assert test.targets == [5, 4, 3]
    assert train.targets == [0, 9, 3, 1, 8, 3, 2, 7, 3, 3, 6, 3, 4, 5, 3]
    second = images["data_batch_2"][1]
    assert train.data[4, 7, 11].tolist() == [second[p * 1024 + 7 * 32 + 11] for p in range(3)]


def test_a_gzipped_batch_is_read_as_well(tmp_path):
    write_cifar(tmp_path)
    plain = datasets.CIFAR10(tmp_path, train=False).data
    content = (tmp_path / "test_batch").read_bytes()
    (tmp_path / "test_batch").unlink()
    (tmp_path / "test_batch.gz").write_bytes(gzip.compress(content))
    np.testing.assert_array_equal(datasets.CIFAR10(tmp_path, train=False).data, plain)


# --- the published data ---


@needs_mnist
@pytest.mark.parametrize(
    ("train", "counts", "first"),
    [
        (True, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], [5, 0, 4, 1, 9]),
        (False, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], [7, 2, 1, 0, 4]),
    ],
)
def test_mnist_is_the_published_set(train, counts, first):
    mnist = datasets.MNIST(REAL, train=train)
    assert mnist.data.shape == (sum(counts), 28, 28)
    assert np.bincount(mnist.targets.array).tolist() == counts
    assert mnist.targets.tolist()[:5] == first
    if train:  # the constants of everybody's Normalize
        assert abs(mnist.data.array.mean() / 255 - 0.1307) < 5e-5
        assert abs(mnist.data.array.std() / 255 - 0.3081) < 5e-5


@needs_mnist
def test_mnist_through_the_loader_is_exact_and_complete():
    pipeline = Compose([ToTensor(), Normalize((0.5,), (0.5,))])
    mnist = datasets.MNIST(REAL, train=False, transform=pipeline)
    loader = DataLoader(mnist, 64, shuffle=True, generator=Generator().manual_seed(0))
    images = np.concatenate([batch.array for batch, _ in loader])
    exact = (mnist.data.array.astype(np.float64) / 255 - 0.5) / 0.5
    assert images.shape == (10_000, 1, 28, 28)
    by_sum = lambda stack: np.sort(stack.reshape(len(stack), -1).sum(1, dtype=np.float64))  # noqa: E731
    np.testing.assert_allclose(by_sum(images), by_sum(exact), atol=1e-4)
    image, label = mnist[17]
    np.testing.assert_allclose(image.array[0], exact[17], atol=1e-7)
    assert label == int(mnist.targets[17])


@needs_cifar
def test_cifar_is_the_published_set():
    test = datasets.CIFAR10(REAL, train=False)
    assert test.data.shape == (10_000, 32, 32, 3)
    assert test.targets[:8] == [3, 8, 8, 0, 6, 6, 1, 6]
    assert np.bincount(test.targets).tolist() == [1000] * 10


def test_tensor_datasets_of_a_whole_set_are_easy():
    digits = datasets.Digits(transform=ToTensor())
    images, targets = next(iter(DataLoader(digits, batch_size=len(digits))))
    assert len(TensorDataset(images, targets)) == 1437
