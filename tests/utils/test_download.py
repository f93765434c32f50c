"""Downloads: resumed, checked, complete or absent; from a server on this machine."""

import hashlib
import http.server
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minigrad.utils.data_files.download import Remote, download
from minigrad.vision import datasets
from tests.support.dataset_files import write_cifar, write_mnist


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


@pytest.mark.parametrize(
    "trouble", ["404", "416", "refused", "wrong md5", "too long", "short", "range"]
)
def test_trouble_at_one_mirror_leads_to_the_next_and_at_all_to_an_error(shop, tmp_path, trouble):
    bad = {
        "404": (shop.url + "absent", "HTTP status 404"),
        "416": (shop.url + "tiny", "HTTP status 416"),
        "refused": (f"http://127.0.0.1:{free_port()}/file.bin", "refused"),
        "wrong md5": (shop.url + "wrong", "md5 .* expected"),
        "too long": (shop.url + "long", "more than the 300000 bytes"),
        "short": (shop.url + "short", "ended after 299999 of 300000 bytes"),
        "range": (shop.url + "file.bin", "another range"),
    }
    shop.files |= {"wrong": b"y" * 300_000, "long": CONTENT + b"y", "short": CONTENT}
    shop.files |= {"file.bin": CONTENT, "good": CONTENT, "tiny": b"y"}
    shop.lies_about_ranges = trouble == "range"
    if trouble in ("range", "416"):
        (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    shop.cut_after["short"] = [299_999, 0, 0, 0, 0]  # hangs up before the last byte, every time
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
        archive.addfile(tarfile.TarInfo("elsewhere/test_batch"))
        archive.add(source / "cifar-10-batches-py", "cifar-10-batches-py")
        for name in ("cifar-10-batches-py/readme.html", "../outside", "elsewhere/readme.html"):
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
    with pytest.raises(ValueError, match=r"test_batch has the md5 .* expected 0000"):
        small(tmp_path / "root", download=True)
    small.test_list = [replace(small.test_list[0], name="other_batch")]
    with pytest.raises(ValueError, match="has no other_batch"):
        small(tmp_path / "root", download=True)
    shop.files["cifar-10-python.tar.gz"] = broken = shop.files["cifar-10-python.tar.gz"][:5000]
    small.archive = remote_of("cifar-10-python.tar.gz", broken)
    with pytest.raises(ValueError, match="not a complete archive"):
        small(tmp_path / "root", download=True)
