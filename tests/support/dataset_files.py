"""Small files in the formats of the published data sets, and where the published ones are."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

REAL = Path(os.environ.get("MINIGRAD_DATA", Path(__file__).parents[3] / "shared" / "data"))
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
    folder.mkdir(parents=True, exist_ok=True)
    labels = np.arange(count) % 10
    for name, array in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", labels)):
        if packed:
            (folder / f"{split}-{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (folder / f"{split}-{name}").write_bytes(idx(array))


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


def pickled_batch(data: bytes, labels: bytes, key: bytes = b"labels") -> bytes:
    pairs = binstring(b"data") + data + binstring(key) + labels
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
