"""vision.datasets: real files, damaged files, hostile files, and downloads from a local server."""

import gzip
import hashlib
import http.server
import io
import os
import pickle
import socket
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minigrad.generator import Generator, default_generator
from minigrad.kernels.build import cache_dir
from minigrad.tensor import Tensor
from minigrad.utils.data import DataLoader, Subset, TensorDataset
from minigrad.vision import datasets, transforms
from minigrad.vision.datasets.download import Remote, download
from minigrad.vision.datasets.files import data_root, find, read_idx
from minigrad.vision.datasets.unpickle import unpickle
from minigrad.vision.transforms import Compose, Lambda, Normalize, ToTensor

REAL = Path(
    os.environ.get("MINIGRAD_DATA", Path(__file__).parent.parent.parent / "shared" / "data")
)
needs_mnist = pytest.mark.skipif(
    not (REAL / "mnist").is_dir(), reason=f"MNIST's files are not in {REAL / 'mnist'}"
)
needs_cifar = pytest.mark.skipif(
    not (REAL / "cifar10").is_dir(), reason=f"CIFAR-10's files are not in {REAL / 'cifar10'}"
)


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, count: int = 5, split: str = "train", packed: bool = True) -> None:
    images = np.arange(count * 28 * 28, dtype=np.uint8).reshape(count, 28, 28)
    write = {True: lambda path, content: path.with_suffix(".gz").write_bytes(gzip.compress(content)),
             False: lambda path, content: path.write_bytes(content)}[packed]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / f"{split}-images-idx3-ubyte", idx(images))
    write(folder / f"{split}-labels-idx1-ubyte", idx(np.arange(count) % 10))


# A CIFAR batch is a pickle of Python 2, which Python 3 cannot write: it is put together by hand.


def binstring(content: bytes) -> bytes:
    return b"T" + len(content).to_bytes(4, "little") + content


def binint(number: int) -> bytes:
    return b"J" + number.to_bytes(4, "little", signed=True)


DTYPE = b"cnumpy\ndtype\n" + binstring(b"u1") + b"K\x00K\x01\x87R"
DTYPE_STATE = b"(K\x03" + binstring(b"|") + b"NNN" + binint(-1) + binint(-1) + b"K\x00tb"
NEW_ARRAY = (
    b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + binstring(b"b") + b"\x87R"
)


def pickled_array(
    shape: tuple[int, ...], content: bytes, dtype: bytes = DTYPE + DTYPE_STATE
) -> bytes:
    sizes = b"(" + b"".join(map(binint, shape)) + b"t"
    return NEW_ARRAY + b"(K\x01" + sizes + dtype + b"\x89" + binstring(content) + b"tb"


def pickled_batch(data: bytes, labels: bytes) -> bytes:
    pairs = binstring(b"data") + data + binstring(b"labels") + labels
    return b"\x80\x02}(" + pairs + b"u."


def pickled_labels(labels: list[int]) -> bytes:
    return b"](" + b"".join(map(binint, labels)) + b"e"


def cifar_batch(images: np.ndarray, labels: list[int]) -> bytes:
    return pickled_batch(pickled_array(images.shape, images.tobytes()), pickled_labels(labels))


def write_cifar(folder: Path, seed: int = 0) -> dict[str, np.ndarray]:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    images = {name: rng.integers(0, 256, (3, 3072), dtype=np.uint8) for name in names}
    for number, name in enumerate(names):
        labels = [number, 9 - number, 3]
        (folder / name).write_bytes(cifar_batch(images[name], labels))
    (folder / "batches.meta").write_bytes(b"\x80\x02}.")
    return images


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


def test_digits_can_be_told_apart_by_their_nearest_neighbour():
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


ROW = np.zeros((2, 3072), np.uint8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a batch of CIFAR-10"),
        (cifar_batch(ROW, [0, 1])[:-3000], "not a batch of CIFAR-10"),
        (b"<html>", "not a batch of CIFAR-10"),
        (b"\x80\x02}.", "expected an array b'data'"),
        (b"\x80\x02].", "expected an array b'data'"),
        (pickled_batch(pickled_labels([1]), pickled_labels([1])), "expected an array b'data'"),
        (pickled_batch(NEW_ARRAY, pickled_labels([1])), "expected an array b'data'"),
        (cifar_batch(ROW[:, 1:], [0, 1]), r"expected data of shape \(N, 3072\), got \(2, 3071\)"),
        (cifar_batch(ROW, [0]), "1 labels for 2 images"),
        (cifar_batch(ROW, [0, 10]), "label 10 at position 1 is out of range"),
        (cifar_batch(ROW, [-1, 0]), "label -1 at position 0 is out of range"),
        (
            pickled_batch(
                pickled_array((2, 3072), ROW.tobytes()), b"](" + binstring(b"x") * 2 + b"e"
            ),
            "expected labels that are integers",
        ),
    ],
)
def test_a_damaged_batch_is_refused(tmp_path, content, message):
    write_cifar(tmp_path)
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.CIFAR10(tmp_path, train=False)
    assert str(tmp_path / "test_batch") in str(caught.value)


def test_the_reader_agrees_with_python_s_on_what_it_reads():
    images = np.random.default_rng(0).integers(0, 256, (3, 3072), dtype=np.uint8)
    content = cifar_batch(images, [1, 2, 3])
    ours, theirs = unpickle(content), pickle.loads(content, encoding="bytes")
    assert ours.keys() == theirs.keys()
    np.testing.assert_array_equal(ours[b"data"], theirs[b"data"])
    assert ours[b"labels"] == theirs[b"labels"]


@needs_cifar
def test_the_reader_agrees_with_python_s_on_the_published_files():
    for name in ("batches.meta", "test_batch"):
        content = (REAL / "cifar10" / name).read_bytes()
        ours, theirs = unpickle(content), pickle.loads(content, encoding="bytes")
        assert ours.keys() == theirs.keys()
        for key in theirs:
            np.testing.assert_array_equal(ours[key], theirs[key])
    meta = unpickle((REAL / "cifar10" / "batches.meta").read_bytes())
    assert [name.decode() for name in meta[b"label_names"]] == datasets.CIFAR10.classes


class Evil:
    """What a pickle may ask of Python's own unpickler."""

    fired: list[str] = []  # noqa: RUF012  the marks of whatever ran

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def fire(*arguments):
    Evil.fired.append("fired")


HOSTILE = {
    "own function": pickle.dumps(Evil(fire), 2),
    "os.system": pickle.dumps(Evil(os.system, "echo hostile"), 2),
    "os.system in protocol 0": b"cos\nsystem\n(S'echo hostile'\ntR.",
    "os.system by INST": b"(S'echo hostile'\nios\nsystem\n.",
    "os.system by OBJ": b"(cos\nsystem\nS'echo hostile'\no.",
    "builtins.eval": pickle.dumps(Evil(eval, "__import__('os').abort()"), 2),
    "protocol 4": pickle.dumps(Evil(fire), 4),
    "protocol 5": pickle.dumps(Evil(fire), 5),
    "nested": pickle.dumps({"data": [{"deep": (Evil(fire),)}]}, 2),
    "in a batch": pickled_batch(b"c" + fire.__module__.encode() + b"\nfire\n)R", b"]"),
    "hidden behind STOP": b"\x80\x02}." + pickle.dumps(Evil(fire), 2),
    "persistent id": b"Pfile\n.",
    "extension": b"\x82\x01.",
    "numpy object array": pickle.dumps(np.array([Evil(fire)], dtype=object), 2),
    "numpy.load": b"cnumpy\nload\n" + binstring(b"x") + b"\x85R.",
    "numpy attribute": b"cnumpy\nndarray.dump\n.",
    "reconstruct of a list": b"cnumpy.core.multiarray\n_reconstruct\nc__builtin__\nlist\n)R.",
    "reconstruct of a dtype": b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\0\x85"
    + binstring(b"b") + b"\x87R.",
    "reconstruct of odd size": b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x09\x85"
    + binstring(b"b") + b"\x87R.",
    "dtype of objects": b"cnumpy\ndtype\n" + binstring(b"O8") + b"K\0K\1\x87R.",
    "dtype with odd state": DTYPE + b"(K\x03" + binstring(b"|") + b"N}Nt" + b"b.",
    "ndarray called": b"cnumpy\nndarray\n(K\1tR.",
    "state for a name": b"cnumpy\nndarray\n}b.",
    "state for a dict": b"}}b.",
    "array of another dtype": pickled_array((1, 8), bytes(8), dtype=binstring(b"O")) + b".",
    "array longer than its content": pickled_array((10, 3072), b"") + b".",
    "array of negative size": pickled_array((-1, -1), b"x") + b".",
    "array of three sizes": pickled_array((1, 1, 1), b"x") + b".",
    "array filled twice": pickled_array((1, 1), b"x") + b"(K\1tb.",
    "call of a call": DTYPE + b"(tR.",
    "unhashable key": b"}(]K\1u.",
    "odd number of items": b"}(" + binstring(b"a") + b"u.",
    "items without a dict": b"](" + binstring(b"a") + b"K\1u.",
    "values without a list": b"}(K\1e.",
    "no mark": b"]K\1e.",
    "empty stack": b"R.",
    "mark for a value": b"(\x85.",
    "nothing remembered": b"h\x05.",
    "left over": b"K\1K\2.",
    "no STOP": b"K\1",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_run_nothing(tmp_path, capfd, name):
    (tmp_path / "test_batch").write_bytes(HOSTILE[name])
    with pytest.raises(ValueError, match="test_batch"):
        datasets.CIFAR10(tmp_path, train=False)
    assert not Evil.fired
    assert "hostile" not in capfd.readouterr().out


def test_the_hostile_pickles_are_hostile():
    pickle.loads(HOSTILE["own function"])
    assert Evil.fired.pop() == "fired"


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


# --- downloads ---


class Shop:
    """What the local server sells, and how badly."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.cut_after: dict[str, list[int]] = {}  # bytes after which it hangs up, per request
        self.ranges = True
        self.lies_about_ranges = False
        self.url = ""


def handler_of(shop: Shop) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            shop.requests.append((self.path, wanted))
            content = shop.files.get(self.path.lstrip("/"))
            if content is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
            if start and start >= len(content):
                self.send_error(416)
                return
            start = start if shop.ranges else 0
            self.send_response(206 if start else 200)
            if start:
                claimed = start + shop.lies_about_ranges
                self.send_header(
                    "Content-Range", f"bytes {claimed}-{len(content) - 1}/{len(content)}"
                )
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            cuts = shop.cut_after.get(self.path.lstrip("/"))
            end = start + cuts.pop(0) if cuts else len(content)
            self.wfile.write(content[start:end])

        def log_message(self, *arguments):
            pass

    return Handler


@pytest.fixture
def shop(monkeypatch) -> Iterator[Shop]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    shop = Shop()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(shop))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    shop.url = f"http://127.0.0.1:{server.server_port}/"
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


CONTENT = np.random.default_rng(0).bytes(300_000)
FILE = Remote("file.bin", len(CONTENT), hashlib.md5(CONTENT).hexdigest())


def test_a_file_arrives_checked_and_is_not_fetched_again(shop, tmp_path):
    shop.files["file.bin"] = CONTENT
    target = tmp_path / "new" / "folder" / "file.bin"
    for _ in range(2):
        download([shop.url + "file.bin"], target, FILE)
        assert target.read_bytes() == CONTENT
    assert shop.requests == [("/file.bin", None)]
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]


def test_a_broken_off_transfer_is_taken_up_where_it_ended(shop, tmp_path):
    shop.files["file.bin"] = CONTENT
    shop.cut_after["file.bin"] = [100_000, 50_000]
    download([shop.url + "file.bin"], tmp_path / "file.bin", FILE)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert [wanted for _, wanted in shop.requests] == [None, "bytes=100000-", "bytes=150000-"]


def test_an_earlier_call_s_part_is_taken_up(shop, tmp_path):
    shop.files["file.bin"] = CONTENT
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:123_456])
    download([shop.url + "file.bin"], tmp_path / "file.bin", FILE)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert shop.requests == [("/file.bin", "bytes=123456-")]
    assert not (tmp_path / "file.bin.part").exists()


def test_a_complete_part_needs_no_transfer(shop, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    download([shop.url + "file.bin"], tmp_path / "file.bin", FILE)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert shop.requests == []


@pytest.mark.parametrize("rubbish", [b"x" * 1000, b"x" * 300_000, b"x" * 400_000])
def test_a_part_of_another_file_is_replaced(shop, tmp_path, rubbish):
    shop.files["file.bin"] = CONTENT
    (tmp_path / "file.bin.part").write_bytes(rubbish)
    download([shop.url + "file.bin"], tmp_path / "file.bin", FILE)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_starts_over(shop, tmp_path):
    shop.files["file.bin"] = CONTENT
    shop.ranges = False
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    download([shop.url + "file.bin"], tmp_path / "file.bin", FILE)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_damaged_target_is_replaced(shop, tmp_path):
    shop.files["file.bin"] = CONTENT
    (tmp_path / "file.bin").write_bytes(CONTENT[:-1])
    download([shop.url + "file.bin"], tmp_path / "file.bin", FILE)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def free_port() -> int:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return closed.getsockname()[1]


@pytest.mark.parametrize("trouble", ["404", "refused", "wrong md5", "too long", "short", "range"])
def test_trouble_at_one_mirror_leads_to_the_next_and_at_all_to_an_error(shop, tmp_path, trouble):
    bad = {
        "404": (shop.url + "absent", "HTTP status 404"),
        "refused": (f"http://127.0.0.1:{free_port()}/file.bin", "refused"),
        "wrong md5": (shop.url + "wrong", "md5 .* expected"),
        "too long": (shop.url + "long", "more than the 300000 bytes"),
        "short": (shop.url + "short", "ended after 299999 of 300000 bytes"),
        "range": (shop.url + "file.bin", "another range"),
    }
    shop.files |= {"wrong": b"y" * 300_000, "long": CONTENT + b"y", "short": CONTENT[:-1]}
    shop.files |= {"file.bin": CONTENT, "good": CONTENT}
    if trouble == "range":
        shop.lies_about_ranges = True
        (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    if trouble == "short":  # there is a file of this length, and no more of it
        shop.cut_after["short"] = [299_999] * 9
        shop.files["short"] = CONTENT
        shop.cut_after["short"] = [299_999, 0, 0, 0, 0]
    url, reason = bad[trouble]
    with pytest.raises(RuntimeError, match=f"Error downloading file.bin:\n  {url}: .*{reason}"):
        download([url], tmp_path / "file.bin", FILE)
    assert not (tmp_path / "file.bin").exists()
    shop.lies_about_ranges = False
    download([url, shop.url + "good"] if trouble != "short" else [shop.url + "good"],
             tmp_path / "file.bin", FILE)  # fmt: skip
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_place_that_cannot_be_written_is_reported_before_the_transfer(shop, tmp_path):
    (tmp_path / "taken").write_text("a file where a directory should be")
    with pytest.raises(OSError, match=r"cannot write data to .*taken.*choose another root"):
        download([shop.url + "file.bin"], tmp_path / "taken" / "file.bin", FILE)
    assert shop.requests == []


def remote_of(name: str, content: bytes) -> Remote:
    return Remote(name, len(content), hashlib.md5(content).hexdigest())


def small_mnist(shop: Shop, source: Path) -> type[datasets.MNIST]:
    """MNIST's class with small files and the local server in the place of the published."""
    write_mnist(source, 6, "train")
    write_mnist(source, 3, "t10k")
    shop.files |= {path.name: path.read_bytes() for path in source.iterdir()}

    class MNIST(datasets.MNIST):
        mirrors = [shop.url + "down/", shop.url]  # noqa: RUF012
        resources = [remote_of(name, content) for name, content in shop.files.items()]  # noqa: RUF012

    return MNIST


def test_mnist_is_downloaded_where_torchvision_keeps_it(shop, tmp_path):
    small = small_mnist(shop, tmp_path / "source")
    root = tmp_path / "root"
    with pytest.raises(RuntimeError, match="download=True"):
        small(root)
    assert len(small(root, download=True)) == 6
    assert sorted(path.name for path in (root / "MNIST" / "raw").iterdir()) == sorted(shop.files)
    asked = len(shop.requests)
    assert len(small(root, train=False, download=True)) == 3
    assert len(shop.requests) == asked


def test_only_what_is_missing_or_damaged_is_downloaded(shop, tmp_path):
    small = small_mnist(shop, tmp_path / "source")
    root = tmp_path / "root"
    write_mnist(root / "mnist", 6, "train", packed=False)
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "t10k-images-idx3-ubyte.gz").write_bytes(b"damaged")
    assert len(small(root, train=False, download=True)) == 3
    assert {path for path, _ in shop.requests if "down" not in path} == {
        "/t10k-images-idx3-ubyte.gz", "/t10k-labels-idx1-ubyte.gz"
    }  # fmt: skip


def small_cifar(shop: Shop, source: Path) -> type[datasets.CIFAR10]:
    write_cifar(source / "cifar-10-batches-py")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(source / "cifar-10-batches-py", "cifar-10-batches-py")
        for name in ("cifar-10-batches-py/readme.html", "../outside", "/tmp/test_batch"):
            archive.addfile(tarfile.TarInfo(name))
    shop.files["cifar-10-python.tar.gz"] = packed.getvalue()

    def published(remote: Remote) -> Remote:
        return remote_of(remote.name, (source / "cifar-10-batches-py" / remote.name).read_bytes())

    class CIFAR10(datasets.CIFAR10):
        mirrors = [shop.url]  # noqa: RUF012
        archive = remote_of("cifar-10-python.tar.gz", packed.getvalue())
        train_list = [published(remote) for remote in datasets.CIFAR10.train_list]  # noqa: RUF012
        test_list = [published(remote) for remote in datasets.CIFAR10.test_list]  # noqa: RUF012
        meta = published(datasets.CIFAR10.meta)

    return CIFAR10


def test_cifar_is_downloaded_and_unpacked(shop, tmp_path):
    small = small_cifar(shop, tmp_path / "source")
    root = tmp_path / "root"
    assert len(small(root, download=True)) == 15
    assert len(small(root, train=False, download=True)) == 3
    assert len(shop.requests) == 1
    unpacked = sorted(path.name for path in (root / "cifar-10-batches-py").iterdir())
    assert unpacked == ["batches.meta", *(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]
    assert sorted(path.name for path in root.iterdir()) == [
        "cifar-10-batches-py", "cifar-10-python.tar.gz"
    ]  # fmt: skip
    assert not (tmp_path / "outside").exists()


def test_an_archive_without_its_batches_is_refused(shop, tmp_path):
    small = small_cifar(shop, tmp_path / "source")
    small.test_list = [Remote("test_batch", 1, "0" * 32)]
    with pytest.raises(ValueError, match="test_batch has the md5 .* expected 0000"):
        small(tmp_path / "root", download=True)
    small.test_list = [replace(small.test_list[0], name="other_batch")]
    with pytest.raises(ValueError, match="has no other_batch"):
        small(tmp_path / "root", download=True)
    shop.files["cifar-10-python.tar.gz"] = broken = shop.files["cifar-10-python.tar.gz"][:5000]
    small.archive = remote_of("cifar-10-python.tar.gz", broken)
    with pytest.raises(ValueError, match="not a complete archive"):
        small(tmp_path / "root", download=True)


def test_tensor_datasets_of_a_whole_set_are_easy():
    digits = datasets.Digits(transform=ToTensor())
    images, targets = next(iter(DataLoader(digits, batch_size=len(digits))))
    assert len(TensorDataset(images, targets)) == 1437
