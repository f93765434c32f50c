"""What a report of a problem should have in it: versions, the CPU, threads, the cache."""

import importlib.metadata
import importlib.util
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from minigrad.core.public_names import show_public_names
from minigrad.kernels import cpu_info
from minigrad.kernels.compiler.cache import cache_dir, kernel_cache_dir
from minigrad.kernels.compiler.kernel import get_num_threads

__all__ = ["get_pretty_env_info", "main"]

PACKAGES = ("minigrad", "numpy", "numba", "llvmlite", "safetensors", "tqdm")
OPTIONAL = {"matplotlib": "plot"}


def get_pretty_env_info() -> str:
    """The installation and the machine, a line each, as `minigrad info` prints them."""
    return "\n".join(_lines())


def main() -> None:
    """Print it."""
    print(get_pretty_env_info())


def _lines() -> Iterator[str]:
    yield f"python       {platform.python_version()} ({sys.executable})"
    for name in PACKAGES:
        yield f"{name:<12} {importlib.metadata.version(name)}"
    for name, extra in OPTIONAL.items():
        if importlib.util.find_spec(name) is None:
            yield f"{name:<12} not installed: pip install 'minigrad[{extra}]'"
        else:
            yield f"{name:<12} {importlib.metadata.version(name)}"
    yield f"cpu          {cpu_info.cpu_name()}: {', '.join(cpu_info.vector_features())}"
    yield f"registers    {cpu_info.vector_registers()}"
    yield f"threads      {get_num_threads()} of {os.cpu_count()} ({cpu_info.threading_layer()})"
    yield f"cache        {cache_dir()}: {_size(kernel_cache_dir())} of compiled kernels"


def _size(folder: Path) -> str:
    total = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    return f"{total / 1e6:.1f} MB"


show_public_names(__name__)

if __name__ == "__main__":
    main()
