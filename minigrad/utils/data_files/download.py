"""Downloads that leave a complete file or none, and continue an interrupted transfer."""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from minigrad.core.files import missing_folders, remove_if_empty

_CHUNK = 1 << 16
_ATTEMPTS = 5  # per mirror, after errors that another attempt may not have
_SILENCE = 30  # seconds without a byte after which a connection counts as dead


@dataclass(frozen=True)
class Remote:
    """A published file: its name, its size in bytes and its md5."""

    name: str
    size: int
    md5: str


@dataclass(frozen=True)
class Member:
    """A file in a published archive: its name and its md5."""

    name: str
    md5: str


class _TryAgainError(Exception):
    """The transfer failed with an error that another attempt at the same mirror may not have."""


class _GiveUpError(Exception):
    """The mirror does not have the file, or has another file."""


def download(urls: Sequence[str], target: Path, remote: Remote) -> None:
    """Download the file to `target`, from the first of the mirrors' `urls` that has it.

    The file is named `target`.part until its size and md5 are checked; a later call continues it.
    A complete target does not change.  Raises RuntimeError with every mirror's error if none has
    the file, OSError if the directory cannot be written.
    """
    if target.is_file() and _md5(target) == remote.md5:
        return
    part = target.with_name(target.name + ".part")
    made = missing_folders(part.parent)
    _open_for_writing(part)
    failures = []
    for url in urls:
        try:
            _from_mirror(url, part, remote)
        except (_GiveUpError, _TryAgainError) as error:
            failures.append(f"  {url}: {error}")
            continue
        os.replace(part, target)
        return
    if part.stat().st_size == 0:
        part.unlink()
        remove_if_empty(made)
    raise RuntimeError(
        f"Error downloading {remote.name}:\n" + "\n".join(failures) + f"\nIf you have the file, "
        f"put it into {target.parent}, or give the directory of your data as root or in the "
        f"environment variable MINIGRAD_DATA (which counts where no root is given)"
    )


def write_checked(content: bytes, target: Path, member: Remote | Member) -> None:
    """Write a file from an archive; it gets its name when it is checked and complete."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if digest != member.md5:
        raise ValueError(f"{member.name} has the md5 {digest}; expected {member.md5}")
    write_whole(content, target)


def write_whole(content: bytes, target: Path) -> None:
    """Write a file that gets its name when it is complete."""
    part = target.with_name(target.name + ".part")
    _open_for_writing(part)
    part.write_bytes(content)
    os.replace(part, target)


def _open_for_writing(part: Path) -> None:
    """Make the file before the transfer, so that an error comes early."""
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        raise type(error)(
            error.errno,
            f"cannot write data to {part.parent} ({error.strerror}); choose another root, or set "
            "the environment variable MINIGRAD_DATA",
        ) from error


def _from_mirror(url: str, part: Path, remote: Remote) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            _transfer(url, part, remote)
            return
        except _TryAgainError:
            if attempt == _ATTEMPTS - 1:
                raise


def _transfer(url: str, part: Path, remote: Remote) -> None:
    """Fetch the missing bytes of `part` and check the whole."""
    present = part.stat().st_size
    if present < remote.size:
        request = urllib.request.Request(url, headers={"User-Agent": "minigrad"})
        if present:
            request.add_header("Range", f"bytes={present}-")
        with _connect(request) as response:
            resumed = response.status == http.client.PARTIAL_CONTENT
            if resumed and not response.headers.get("Content-Range", "").startswith(
                f"bytes {present}-"
            ):
                raise _GiveUpError("it sent another range than it was asked for")
            _append(response, part, remote, present if resumed else 0)
    _check(part, remote, resumed=present > 0)


def _connect(request: urllib.request.Request) -> Any:
    try:
        return urllib.request.urlopen(request, timeout=_SILENCE)
    except urllib.error.HTTPError as error:
        error.close()
        raise _GiveUpError(f"HTTP status {error.code}, {error.reason}") from error
    except urllib.error.URLError as error:
        raise _GiveUpError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _TryAgainError(str(error) or type(error).__name__) from error


def _append(response: Any, part: Path, remote: Remote, present: int) -> None:
    with (
        part.open("ab" if present else "wb") as file,
        tqdm(
            desc=remote.name,
            total=remote.size,
            initial=present,
            unit="B",
            unit_scale=True,
            disable=None,  # no bar where stderr is not a terminal
        ) as bar,
    ):
        for chunk in _chunks(response):
            file.write(chunk)
            bar.update(len(chunk))
            present += len(chunk)
            if present > remote.size:
                break


def _chunks(response: Any) -> Iterator[bytes]:
    """The bytes from the network; its errors are separate from those of writing to the disk."""
    while True:
        try:
            chunk = response.read(_CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _TryAgainError(str(error) or type(error).__name__) from error
        if not chunk:
            return
        yield chunk


def _check(part: Path, remote: Remote, resumed: bool) -> None:
    """Raise unless the file is complete and right; a wrong file is emptied, a short one kept."""
    size = part.stat().st_size
    if size < remote.size:
        raise _TryAgainError(f"the transfer ended after {size} of {remote.size} bytes")
    digest = _md5(part)
    if size == remote.size and digest == remote.md5:
        return
    part.write_bytes(b"")
    wrong = (
        f"it sent more than the {remote.size} bytes expected"
        if size > remote.size
        else f"the file has the md5 {digest}; expected {remote.md5}"
    )
    raise (_TryAgainError if resumed else _GiveUpError)(wrong)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
