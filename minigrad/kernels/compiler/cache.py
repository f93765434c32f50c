"""The disk cache of compiled kernels: where it is, and what an entry's key covers."""

import hashlib
import os
import re
import sys
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba.core import caching


def cache_dir() -> Path:
    """Where compiled kernels and downloaded data go: `MINIGRAD_CACHE`, or the user's own cache."""
    if given := os.environ.get("MINIGRAD_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "minigrad"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/minigrad"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "minigrad"


def kernel_cache_dir() -> Path:
    """Where compiled kernels are kept: `NUMBA_CACHE_DIR`, or `kernels` in the cache directory."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    return Path(given) if given else cache_dir() / "kernels"


_ROOT = Path(__file__).parents[1]
# Read when minigrad is imported, so that the key describes the code that is compiled: a file may
# be edited before a kernel of it is first called.
_SOURCES = {file: file.read_bytes() for file in sorted(_ROOT.rglob("*.py"))}
_COMMON = frozenset({_ROOT / "compiler", _ROOT / "simd"})
_IMPORTED_FOLDER = re.compile(rb"^from minigrad\.kernels\.(\w+)", re.MULTILINE)


@cache
def _folders_of(folder: Path) -> frozenset[Path]:
    """A folder of kernels and those whose device functions its modules import, in turn."""
    found = set(_COMMON)
    pending = [folder]
    while pending:
        found.add(here := pending.pop())
        for file, text in _SOURCES.items():
            if file.parent == here and here != _ROOT:
                imported = {_ROOT / name.decode() for name in _IMPORTED_FOLDER.findall(text)}
                pending += [other for other in imported if other not in found]
    return frozenset(found)


@cache
def _digest(file: Path) -> str:
    """The key of the kernels in a source file: a hash of all text their machine code follows from.

    For minigrad's own these are `compiler/`, `simd/`, the kernel's folder and the folders it
    imports from; for a user's kernel, or generated code, the file itself and the first two.
    """
    folders = _folders_of(file.parent) if file in _SOURCES else _COMMON
    digest = hashlib.sha256()
    for source, text in _SOURCES.items():
        if source.parent in folders:
            digest.update(text)
    if file not in _SOURCES:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class KernelCacheLocator(caching.UserWideCacheLocator):
    """Finds a kernel's machine code by the content of the sources it was made from.

    Numba's own locators look at the kernel's file alone, and beside it: an edit of the intrinsics
    would go unseen, and a fresh environment would compile everything again.
    """

    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        super().__init__(py_func, py_file)
        self._stamp = _digest(Path(py_file).resolve())
        self._cache_path = str(kernel_cache_dir() / f"{Path(py_file).stem}-{self._stamp}")

    def get_source_stamp(self) -> str:
        return self._stamp

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Any:
        return super().from_function(py_func, py_file) if is_kernel(py_func) else None


_MARK = "_minigrad_kernel"


def keep_on_disk(function: Callable[..., Any]) -> None:
    """Have Numba cache this function, in whatever form, where minigrad's kernels are kept."""
    setattr(function, _MARK, True)


def is_kernel(function: Callable[..., Any]) -> bool:
    """Whether a function is one that `keep_on_disk` was called for."""
    return hasattr(function, _MARK)


_PROCESS = uuid.uuid4().hex[:8]


def use_own_data_names(compiled: Any) -> None:
    """Give the machine code that this process adds to a function's cache unique file names.

    Numba numbers the files by the function's index.  Of two processes that add to it at once, the
    index may lose one's entry; with equal names, one's code would be found for the other's types.
    """
    if cache := getattr(compiled, "_cache", None):  # nothing is compiled with NUMBA_DISABLE_JIT
        file = cache._cache_file
        file._data_name_pattern = file._data_name_pattern.replace("{", f"{_PROCESS}-{{")


@cache
def announce_compilation() -> None:
    """Say once, on stderr, why the first call takes seconds."""
    print(
        "minigrad: compiling kernels for this CPU; this happens once, "
        f"they are kept in {kernel_cache_dir()}",
        file=sys.stderr,
        flush=True,
    )
