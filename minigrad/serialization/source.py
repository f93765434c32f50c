"""The bytes of a file, read where they are asked for and never more than there are."""

import io
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minigrad.core.types import Array


class Source:
    """A file from its present position to its end; offsets count from there.

    `array` and `read` raise ValueError, before anything is allocated, for bytes that the file does
    not have.  With `path`, arrays are parts of a private memory map of that file.
    """

    def __init__(self, file: BinaryIO, path: Path | None = None) -> None:
        self._file = file
        self._start = file.tell()
        self.size = max(file.seek(0, os.SEEK_END) - self._start, 0)
        self._map = None
        if path is not None and self.size:
            self._map = np.memmap(path, np.uint8, mode="c").view(np.ndarray)

    def read(self, offset: int, count: int) -> bytes:
        """These bytes."""
        self._seek(offset, count)
        content = self._file.read(count)
        if len(content) != count:
            raise ValueError("it ended while it was read")
        return content

    def array(self, offset: int, count: int) -> Array:
        """These bytes, in memory that may be written."""
        if self._map is not None and 0 <= offset <= self.size - count:
            return self._map[offset : offset + count]
        self._seek(offset, count)
        content: Array = np.empty(count, np.uint8)
        view, done = memoryview(content.data), 0
        while done < count:
            read = _read_into(self._file, view[done:])
            if not read:
                raise ValueError("it ended while it was read")
            done += read
        return content

    def stream(self, offset: int) -> "ClippedStream":
        """A stream from `offset`, that reads no more than there is."""
        self._seek(offset, 0)
        return ClippedStream(self._file, self._start, self.size)

    def finish(self, offset: int) -> None:
        """Leave the file at `offset`, where something else may follow."""
        self._file.seek(self._start + offset)

    def _seek(self, offset: int, count: int) -> None:
        if offset < 0 or count < 0 or offset > self.size - count:
            raise ValueError(
                f"it should have {count} bytes at byte {offset}, and has {self.size} in all"
            )
        self._file.seek(self._start + offset)


class ClippedStream(io.RawIOBase):
    """A file's bytes from its present position: a request for more than are left gets these.

    A buffered file would allocate what is asked for before it looks how much there is.
    """

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self._size = file, start, size

    def tell(self) -> int:
        """The position, counted as `Source` does."""
        return self._file.tell() - self._start

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a position, counted from the start, from here or from the end."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        return self._file.seek(self._start + max(base + offset, 0)) - self._start

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes."""
        left = max(self._size - self.tell(), 0)
        return self._file.read(left if size is None or size < 0 else min(size, left))

    def readline(self, size: int | None = -1, /) -> bytes:
        """The bytes up to the end of the line, or of the file."""
        return self._file.readline(-1 if size is None else size)


def _read_into(file: Any, view: memoryview) -> int:
    """Fill a part of the view and return its length, also from files that cannot do that."""
    if hasattr(file, "readinto"):
        return file.readinto(view) or 0
    content = file.read(len(view))
    view[: len(content)] = content
    return len(content)
