"""`minigrad cache`: what lies in the cache of compiled kernels, and clearing it."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from minigrad.cli.usage_error import as_usage_error
from minigrad.kernels.compiler.cache import cache_dir, kernel_cache_dir


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "cache",
        help="show or clear the cache of compiled kernels and of downloaded data",
        description="Show what lies in the cache, or clear it.  What is cleared is compiled, or "
        "downloaded, again when it is needed.",
    )
    parser.add_argument("action", choices=("info", "clear"), help="what to do")
    parser.add_argument("--data", action="store_true", help="clear downloaded data, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show or clear."""
    places = {"kernels": kernel_cache_dir(), "data": cache_dir() / "data"}
    if options.action == "info":
        for name, folder in places.items():
            files, size = _contents(folder)
            print(f"{name:<8} {files:>6,} files {size / 2**20:>10.1f} MiB  {folder}")
        return 0
    for name in ("kernels", *(("data",) if options.data else ())):
        files, size = _contents(places[name])
        with as_usage_error(OSError):
            if places[name].is_dir():
                shutil.rmtree(places[name])
        print(f"{name}: {files:,} files, {size / 2**20:.1f} MiB cleared")
    return 0


def _contents(folder: Path) -> tuple[int, int]:
    """How many files a folder has, and their bytes."""
    count = size = 0
    for path in folder.rglob("*") if folder.is_dir() else ():
        try:
            if path.is_file():
                size += path.stat().st_size
                count += 1
        except OSError:
            continue  # another process has replaced it
    return count, size
