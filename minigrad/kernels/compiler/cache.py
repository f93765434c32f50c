"""The disk cache of compiled kernels: its folder, and the text that an entry's key covers."""

import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import caching

from minigrad.kernels.compiler.cache_folder import private_folder, say_once
from minigrad.kernels.compiler.vector_unit import FORCED


def cache_dir() -> Path:
    """Return the folder of compiled kernels and downloaded data.

    It is `MINIGRAD_CACHE`, or a folder in the user's cache directory.
    """
    if given := os.environ.get("MINIGRAD_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "minigrad"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/minigrad"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "minigrad"


def kernel_cache_dir() -> Path:
    """Return the folder of compiled kernels: `NUMBA_CACHE_DIR`, or `kernels` in `cache_dir()`."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    return Path(given) if given else cache_dir() / "kernels"


# Numba chooses by NumPy's version what its functions are compiled to.
_VERSIONS = f"{numba.__version__} {llvmlite.__version__} {np.__version__}"

# Modules of `compiler/` that no machine code follows from: they compile, keep and find it.
_BESIDE_MACHINE_CODE = frozenset(
    f"{name}.py"
    for name in ("allocator", "background", "cache", "cache_folder", "cache_limit", "checked_cache",
                 "process", "region_cost", "signals")
)  # fmt: skip


class KernelSources:
    """The sources of all kernels, and the keys of their machine code.

    The texts are read when minigrad is imported, so that a key describes the code that is compiled:
    a file may be edited before one of its kernels is first called.  `versions` are those of what
    compiles them: each set of versions has folders of its own, so that environments can share a
    cache.
    """

    # Imports stand at the beginning of a line: none is inside a function.
    _MODULE = re.compile(rb"^(?:from|import) minigrad\.kernels\.(\w+)", re.MULTILINE)
    _NAMES = re.compile(rb"^from minigrad\.kernels import (\([^)]*\)|.*)", re.MULTILINE)

    def __init__(self, root: Path, versions: str = _VERSIONS) -> None:
        self._root = root.resolve()
        self._versions = versions.encode()
        compiler = self._root / "compiler"
        files = [
            file
            for file in (*self._root.glob("*.py"), *self._root.glob("*/*.py"))
            if file.parent != compiler or file.name not in _BESIDE_MACHINE_CODE
        ]
        self._texts = {file: file.read_bytes() for file in files}
        self._folders = {file.parent for file in self._texts} - {self._root}
        self._keys: dict[Path, str] = {}

    def key(self, file: Path) -> str:
        """Return a hash of all text that the machine code of a file's kernels follows from.

        That is `compiler/` but for the modules that keep and find the code, `simd/`, the file's
        folder and the folders it imports from, in turn.
        A module beside the folders stands for itself, as does one outside the package: a user's,
        which may be edited and imported again, or a generated one.
        """
        if file not in self._texts:
            return self._digest(file)
        unit = file if file.parent == self._root else file.parent
        if unit not in self._keys:
            self._keys[unit] = self._digest(unit)
        return self._keys[unit]

    def _digest(self, unit: Path) -> str:
        texts: dict[Path, bytes] = {}
        reached: set[Path] = set()
        pending = [unit, self._root / "compiler", self._root / "simd"]
        while pending:
            unit = pending.pop()
            if unit not in reached:
                reached.add(unit)
                found = self._texts_of(unit)
                texts |= found
                pending += self._imported(b"\n".join(found.values()))
        text = b"\0".join((self._versions, *(texts[file] for file in sorted(texts))))
        return hashlib.sha256(text).hexdigest()[:16]

    def _texts_of(self, unit: Path) -> dict[Path, bytes]:
        """The texts of a folder or of a file."""
        if unit in self._folders:
            return {file: text for file, text in self._texts.items() if file.parent == unit}
        return {unit: self._texts[unit] if unit in self._texts else unit.read_bytes()}

    def _imported(self, text: bytes) -> Iterator[Path]:
        """The folders of kernels, and modules beside them, that a text imports from."""
        names = set(self._MODULE.findall(text))
        for listed in self._NAMES.findall(text):
            names.update(re.findall(rb"\w+", listed))
        for name in map(bytes.decode, names):
            candidates = self._root / name, self._root / f"{name}.py"
            yield from (unit for unit in candidates if unit in self._folders | self._texts.keys())


_SOURCES = KernelSources(Path(__file__).parents[1])


class KernelCacheLocator(caching.UserWideCacheLocator):
    """Numba's locator of a kernel's machine code, by the content of its sources.

    Numba's other locators look at the kernel's file alone and store beside it: they would miss an
    edit of the intrinsics, and a fresh environment would compile everything again.
    """

    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        super().__init__(py_func, py_file)
        self._stamp = _SOURCES.key(Path(py_file).resolve()) + (f"-{FORCED}" if FORCED else "")
        folder = f"{Path(py_file).stem}-{self._stamp}"
        self._cache_path = str(private_folder(kernel_cache_dir(), folder))

    def get_source_stamp(self) -> str:
        return self._stamp

    def ensure_cache_path(self) -> None:
        """Do nothing: the folder was made if it can be, and without it kernels run as well."""

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> Any:
        return super().from_function(py_func, py_file) if is_kernel(py_func) else None


_MARK = "_minigrad_kernel"


def keep_on_disk(function: Callable[..., Any]) -> None:
    """Mark a function whose machine code belongs in minigrad's cache."""
    setattr(function, _MARK, True)


def is_kernel(function: Callable[..., Any]) -> bool:
    """Return whether `keep_on_disk` has marked the function."""
    return hasattr(function, _MARK)


def announce_compilation(dispatcher: Any) -> None:
    """Print once, on stderr, why the first call of a compiled function takes seconds."""
    folder = dispatcher._cache.cache_path
    kept = f"; they are kept in {Path(folder).parent} for next time" if folder else ""
    say_once(f"compiling kernels new to this machine{kept}")
