"""Numba's cache files with checksums: what is damaged is ignored and compiled again.

Numba's own files are bare pickles.  One of them cut short, changed or exchanged for another would
raise whatever unpickling it raises, or run as other code.
"""

import contextlib
import hashlib
import os
import pickle
import uuid
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from numba.core import caching

from minigrad.kernels.compiler.cache import kernel_cache_dir
from minigrad.kernels.compiler.cache_folder import others_can_write, say_once
from minigrad.kernels.compiler.cache_limit import note_use, trim_at_exit

_HEAD = b"minigrad kernel\n"
_PROCESS = uuid.uuid4().hex[:8]


class _CheckedFiles(caching.IndexDataCacheFile):
    """The index of a function's machine code, and a file for each of its signatures.

    A file is a mark, a hash, a line with the versions of Numba and of the sources, and the content.
    The hash covers the file's name too, so that a file under another's name is found out.  The CPU
    and its features are part of the key that is looked up in the index.

    Numba numbers the files by the function's index.  If two processes add to it at once, the index
    may lose one entry; with equal names, the code of one would be found for the types of the other.
    Therefore their names contain this process.
    """

    def __init__(self, cache_path: str, filename_base: str, source_stamp: Any) -> None:
        super().__init__(cache_path, filename_base, source_stamp)
        self._versions = f"{self._version} {self._source_stamp!r}\n".encode()
        self._data_name_pattern: str = f"{filename_base}.{_PROCESS}-{{number:d}}.nbc"

    def load(self, key: Any) -> Any:
        """Return what was saved for `key`, or None if nothing was or if it is damaged."""
        name = self._load_index().get(key)
        content = None if name is None else self._read(name)
        return None if content is None else pickle.loads(content)

    def save(self, key: Any, data: Any) -> None:
        """Save `data` for `key`, and then the index that names it.  Raises OSError."""
        names = self._load_index()
        if key in names:
            name = names[key]
        else:
            name = next(n for n in map(self._data_name, count(1)) if n not in names.values())
        self._write(name, self._dump(data))
        self._save_index(names | {key: name})

    def _load_index(self) -> dict[Any, str]:
        content = self._read(self._index_name)
        if content is None:
            return {}
        try:
            names: dict[Any, str] = pickle.loads(content)
        except Exception:  # it needs types that are gone
            _report_damage()
            return {}
        return names

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._write(self._index_name, self._dump(overloads))

    def _read(self, name: str) -> bytes | None:
        """Return a file's content, or None if there is no such file or if it is not to be used."""
        try:
            with open(self._data_path(name), "rb") as file:
                status = os.fstat(file.fileno())
                text = b"" if others_can_write(status) else file.read()
                note_use(file.name, status)
        except FileNotFoundError:
            return None
        except OSError:
            text = b""
        head, text = text[: len(_HEAD)], text[len(_HEAD) :]
        digest, content = text[:32], text[32:]
        if head != _HEAD or digest != _digest(name, content):
            _report_damage()
            return None
        is_current = content.startswith(self._versions)
        return content[len(self._versions) :] if is_current else None

    def _write(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all: it gets its name when it is complete."""
        path = self._data_path(name)
        partial = f"{path}.tmp.{uuid.uuid4().hex[:16]}"
        try:
            if not os.path.isdir(self._cache_path):  # another process has cleared the cache
                os.makedirs(self._cache_path, mode=0o700, exist_ok=True)
            with open(partial, "wb", opener=_open_for_this_user) as file:
                content = self._versions + content
                file.write(_HEAD + _digest(name, content) + content)
            os.replace(partial, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(partial)
            raise


def _open_for_this_user(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _digest(name: str, content: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + content).digest()


def _report_damage() -> None:
    say_once(f"files of the kernel cache {kernel_cache_dir()} are damaged; compiling those anew")


class KernelCache(caching.FunctionCache):
    """The machine code of a function on disk, for its signatures.

    Reading and writing raise no errors: what cannot be read is compiled, and what cannot be written
    is compiled again by the next process.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file: Any = _CheckedFiles(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled code for a signature, or None."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # sound files whose content this process cannot use
            _report_damage()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the compiled code for a signature, if the disk takes it."""
        trim_at_exit()
        try:
            super().save_overload(sig, data)
        except OSError as error:
            say_once(
                f"compiled kernels cannot be kept in {Path(self._cache_path).parent} "
                f"({error.strerror or error}); every process compiles them again"
            )
