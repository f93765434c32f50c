"""The size of the cache of compiled kernels, which stays below a limit.

Every change of minigrad, Numba, NumPy or the CPU leaves machine code behind that nobody loads any
more.  A process that has compiled something removes, at its end, what was used least recently.
Other processes may read and write the cache meanwhile: a file that is gone is compiled again.
"""

import atexit
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from minigrad.kernels.compiler.cache import kernel_cache_dir
from minigrad.kernels.compiler.cache_folder import say_once

DEFAULT_LIMIT = 1024  # MiB; a machine's kernels take some 50
_HOUR, _DAY = 3600, 86_400
# Folders of `KernelCacheLocator`: with NUMBA_CACHE_DIR, those of other programs lie beside them.
_OURS = re.compile(r".+-[0-9a-f]{16}(-\d+x\d+)?")


def cache_limit() -> int:
    """Return the limit in bytes: `MINIGRAD_CACHE_LIMIT` MiB.  Raises ValueError for no number."""
    given = os.environ.get("MINIGRAD_CACHE_LIMIT", "") or str(DEFAULT_LIMIT)
    if not given.isascii() or not given.isdigit():
        raise ValueError(
            f"MINIGRAD_CACHE_LIMIT is {given!r}; expected the cache's largest size, a whole number "
            "of MiB"
        )
    return int(given) << 20


class CachedFile(NamedTuple):
    """A file of the cache: when it was last used, its size and its path."""

    used: float
    size: int
    path: str


def cached_files(root: Path) -> Iterator[CachedFile]:
    """The files that minigrad's kernels have in a cache, while other processes change it."""
    for folder in _entries(root):
        if _OURS.fullmatch(folder.name):
            for entry in _entries(folder):
                with suppress(OSError):
                    status = entry.stat()
                    yield CachedFile(status.st_mtime, status.st_size, entry.path)


def _entries(folder: str | os.PathLike[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # it is gone, or no folder
        return []


def note_use(path: str, status: os.stat_result) -> None:
    """Let a file's time be that of its last use, to the hour; a cache may be read-only."""
    if time.time() - status.st_mtime > _HOUR:
        with suppress(OSError):
            os.utime(path)


def trim(root: Path, limit: int) -> int:
    """Remove what was used least recently from a cache that is larger than `limit` bytes.

    It then has three quarters of that.  Returns the number of bytes removed.
    """
    files = sorted(cached_files(root))
    excess = sum(file.size for file in files) - limit
    if excess <= 0:
        return 0
    removed, wanted = 0, excess + limit // 4
    for file in files:
        is_unfinished = ".tmp." in file.path and time.time() - file.used < _DAY
        if removed >= wanted:
            break
        if not is_unfinished:  # or left by a process that was killed
            with suppress(OSError):
                os.unlink(file.path)
                removed += file.size
    for folder in {os.path.dirname(file.path) for file in files}:
        with suppress(OSError):  # it is not empty
            os.rmdir(folder)
    return removed


@cache
def trim_at_exit() -> None:
    """Have the cache trimmed when this process ends."""
    atexit.register(_trim, os.getpid())


def _trim(process: int) -> None:
    if os.getpid() != process:  # a fork, which leaves it to its parent
        return
    try:
        limit = cache_limit()
    except ValueError as error:
        say_once(f"{error}; it is taken to be {DEFAULT_LIMIT}")
        limit = DEFAULT_LIMIT << 20
    trim(kernel_cache_dir(), limit)
