"""The files of datasets: their directories, and reading them."""

import gzip
import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minigrad.core.types import Array
from minigrad.kernels.compiler.cache import cache_dir

MOST_BYTES = 1 << 30
"""Of a file's content: the largest data set has half of it, and 1 MB of gzip can unpack to 1 GB."""
_PART = 1 << 20  # bytes read at a time
_UNSIGNED_BYTE = 8  # the idx format's number for this element type


def data_root(root: str | Path | None) -> Path:
    """The directory of the datasets: the argument, else `MINIGRAD_DATA`, else the user's cache."""
    if root is not None:
        return Path(root).expanduser()
    if given := os.environ.get("MINIGRAD_DATA"):
        return Path(given).expanduser()
    return cache_dir() / "data"


def find(root: Path, folders: Sequence[str], name: str) -> Path | None:
    """The file `name`, or `name`.gz, in the first of the root's folders that has it."""
    for folder in folders:
        for candidate in (root / folder / name, root / folder / f"{name}.gz"):
            if candidate.is_file():
                return candidate
    return None


def located(root: str | Path | None, folders: Sequence[str], names: Sequence[str]) -> Path | None:
    """The folder of the first of these files, if all of them are there; nothing is read."""
    found = [find(data_root(root), folders, name) for name in names]
    return found[0].parent if found[0] is not None and None not in found else None


def not_found(dataset: str, name: str, root: Path, folders: Sequence[str]) -> RuntimeError:
    """The error for a missing file, with the paths that were tried and the ways to get it."""
    paths = "\n".join(f"  {root / folder}" for folder in folders)
    return RuntimeError(
        f"{dataset} not found: looked for {name} or {name}.gz in\n{paths}\n"
        "Use download=True to download it, or give the directory of your data as root or in "
        "the environment variable MINIGRAD_DATA"
    )


def read(path: Path) -> bytes:
    """The content of a file, decompressed if it ends in .gz; ValueError if it cannot be.

    A file that would unpack to more than `MOST_BYTES` is refused, when it has come so far.
    """
    content = _beginning(path, MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"{path} has more than {MOST_BYTES:,} bytes")
    return content


def _beginning(path: Path, count: int) -> bytes:
    """At most so many bytes of a file's content, decompressed if it ends in .gz."""
    parts = []
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            while count > 0 and (part := file.read(min(count, _PART))):
                parts.append(part)
                count -= len(part)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is not a complete gzip file: {error}") from error
    return b"".join(parts)


def read_idx(path: Path, ndim: int) -> Array:
    """The uint8 array of `ndim` dimensions in a file of the idx format, gzipped or not.

    The format, big-endian: a magic number (two zero bytes, the element type, the number of
    dimensions), the sizes as int32, the elements.  Raises ValueError for another format.
    """
    start = 4 + 4 * ndim
    content = _beginning(path, start)
    magic = int.from_bytes(content[:4], "big")
    expected = _UNSIGNED_BYTE << 8 | ndim
    if len(content) >= 4 and magic != expected:
        raise ValueError(f"{path} has the magic number {magic}; expected {expected}")
    if len(content) < start:
        raise ValueError(f"{path} is too short: {len(content)} bytes, its header alone has {start}")
    shape = [int(size) for size in np.frombuffer(content, ">u4", ndim, offset=4)]
    promised = math.prod(shape)
    content = _beginning(path, start + min(promised, MOST_BYTES) + 1)
    if (found := len(content) - start) != promised:
        least = "at least " if found > min(promised, MOST_BYTES) else ""
        raise ValueError(
            f"{path} has {least}{found} bytes of data where its header, {tuple(shape)}, "
            f"promises {promised}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
