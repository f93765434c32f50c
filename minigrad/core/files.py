"""Files: written so that they are complete or absent, and imported as modules."""

import importlib.util
import os
import secrets
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import ModuleType


def write_atomically(
    path: str | Path, write: Callable[[Path], object], durable: bool = False
) -> None:
    """Let `write` fill a temporary file beside `path`, then replace `path` by it.

    durable: return when the file will survive a loss of power, too.
    Raises OSError if the folder cannot be written; a file already there is then untouched.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        write(part)
        if durable:
            synchronise(part)
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if durable:
        synchronise(path.parent)


def temporary_files_of(path: Path) -> list[Path]:
    """What `write_atomically` has left of a file where it was killed; `path` may be a pattern."""
    return sorted(path.parent.glob(f".{path.name}.{'[0-9a-f]' * 8}"))


def missing_folders(path: Path) -> list[Path]:
    """The folder and those above it that are not there, from the inside."""
    return [folder for folder in (path, *path.parents) if not folder.exists()]


def remove_if_empty(folders: Iterable[Path]) -> None:
    """Remove folders, from the inside, up to the first in which something is."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def synchronise(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders, and writes their names at once
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def import_file(path: str | Path) -> ModuleType:
    """Run a Python file, as the module that bears its name; a script's neighbours are at hand.

    It stands in `sys.modules`, where Numba looks for the home of a compiled function.  Raises
    ImportError for what is no Python file, and whatever the file itself raises.
    """
    path = Path(path).resolve()
    name = path.stem
    while name in sys.modules and getattr(sys.modules[name], "__file__", None) != str(path):
        name += "_"  # random.py must not take the place of random
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(path.parent))
    return module
