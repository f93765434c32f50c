"""What a report of a problem should have in it: versions, the CPU, threads, the cache, settings."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from minigrad.core.public_names import show_public_names
from minigrad.kernels import cpu_info
from minigrad.kernels.compiler.cache import cache_dir, kernel_cache_dir
from minigrad.kernels.compiler.kernel import get_num_threads
from minigrad.version import minigrad

__all__ = ["get_pretty_env_info", "main"]

PACKAGES = ("numpy", "numba", "llvmlite", "tqdm")
# Packages that minigrad works with where they are installed, and the extra that installs them.
OPTIONAL = {
    "matplotlib": "plot", "tensorboardX": "tensorboard", "mpi4py": "mpi", "onnx": "onnx",
    "pandas": "tables", "pyarrow": "tables", "onnxruntime": None, "torch": None,
    "pillow": None, "einops": None, "safetensors": None,
}  # fmt: skip
# Variables whose settings change what is computed with, or how fast.
VARIABLES = ("MINIGRAD_", "NUMBA_", "OMP_", "GOMP_", "KMP_", "OPENBLAS_", "MKL_", "MALLOC_",
             "GLIBC_TUNABLES", "LD_PRELOAD")  # fmt: skip


def get_pretty_env_info() -> str:
    """The installation and the machine, a line each, as `minigrad info` prints them."""
    return "\n".join(f"{what:<16} {found}" for what, found in _found())


def main() -> None:
    """Print it."""
    print(get_pretty_env_info())


def _found() -> Iterator[tuple[str, str]]:
    yield "python", f"{platform.python_version()} ({sys.executable})"
    libc = " ".join(platform.libc_ver())
    yield "system", f"{platform.platform()}{f', {libc}' if libc.strip() else ''}"
    yield "minigrad", f"{minigrad} ({_place()})"
    for name in PACKAGES:
        yield name, importlib.metadata.version(name)
    for name, extra in OPTIONAL.items():
        version = _version(name)
        if version is not None:
            yield name, version
        elif extra is not None:
            yield name, f"not installed: pip install 'minigrad[{extra}]'"
    yield "blas", _blas()
    yield "cpu", f"{cpu_info.cpu_name()}: {', '.join(cpu_info.vector_features())}"
    yield "registers", str(cpu_info.vector_registers())
    yield "memory", _memory()
    yield "threads", f"{get_num_threads()} of {os.cpu_count()} ({cpu_info.threading_layer()})"
    yield "cache", f"{cache_dir()}: {_size(kernel_cache_dir())} of compiled kernels"
    for name in sorted(name for name in os.environ if name.startswith(VARIABLES)):
        yield "variable", f"{name}={os.environ[name]}"


def _place() -> str:
    """The folder that minigrad is imported from, and the commit of a checkout."""
    folder = Path(__file__).parents[1]
    if not (folder.parent / ".git").exists():
        return str(folder)
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return str(folder)
    return f"{folder}, commit {done.stdout.strip()}"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _blas() -> str:
    """The library that NumPy's factorizations run on."""
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def _memory() -> str:
    """The machine's memory, where the system says it."""
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    except (AttributeError, OSError, ValueError):
        return "unknown"


def _size(folder: Path) -> str:
    total = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    return f"{total / 1e6:.1f} MB"


show_public_names(__name__)

if __name__ == "__main__":
    main()
