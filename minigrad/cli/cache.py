"""`minigrad cache`: what lies in the cache of compiled kernels, and clearing it."""

import argparse
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from minigrad.cli.usage_error import as_usage_error
from minigrad.kernels.compiler.cache import cache_dir, kernel_cache_dir
from minigrad.kernels.compiler.cache_limit import cache_limit, cached_files


class _Place(NamedTuple):
    """A folder, and its files that are minigrad's: path and size of each."""

    name: str
    folder: Path
    files: list[tuple[Path, int]]


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "cache",
        help="show or clear the cache of compiled kernels and of downloaded data",
        description="Show what lies in the cache, or clear it.  What is cleared is compiled, or "
        "downloaded, again when it is needed.  Kernels that were used least recently are removed "
        "when they take more than MINIGRAD_CACHE_LIMIT MiB (1024).",
    )
    parser.add_argument("action", choices=("info", "clear"), help="what to do")
    parser.add_argument("--data", action="store_true", help="clear downloaded data, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show or clear."""
    with as_usage_error(ValueError):
        limit = cache_limit()
    if options.action == "info":
        for place in _places():
            size = _size(place.files)
            bound = f" of {limit >> 20:,}" if place.name == "kernels" else ""
            print(f"{place.name:<8} {len(place.files):>6,} files {size:>10}{bound}  {place.folder}")
        return 0
    for place in _places():
        if place.name != "data" or options.data:
            with as_usage_error(OSError):
                _clear(place)
            print(f"{place.name}: {len(place.files):,} files, {_size(place.files)} cleared")
    return 0


def _places() -> list[_Place]:
    kernels, others = kernel_cache_dir(), (cache_dir() / "rules", cache_dir() / "data")
    ours = [(Path(file.path), file.size) for file in cached_files(kernels)]
    return [
        _Place("kernels", kernels, ours),
        *(_Place(folder.name, folder, list(_contents(folder))) for folder in others),
    ]


def _contents(folder: Path) -> Iterable[tuple[Path, int]]:
    for path in folder.rglob("*") if folder.is_dir() else ():
        try:
            if path.is_file():
                yield path, path.stat().st_size
        except OSError:
            continue  # another process has replaced it


def _size(files: Iterable[tuple[Path, int]]) -> str:
    return f"{sum(size for _, size in files) / 2**20:,.1f} MiB"


def _clear(place: _Place) -> None:
    """Remove the folder; of kernels only minigrad's: Numba's own may lie beside them."""
    if place.name != "kernels":
        if place.folder.is_dir():
            shutil.rmtree(place.folder)
        return
    for path, _ in place.files:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path, _ in place.files}:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
